-- A township after years: 10⁵ rows in every table that grows, in the proportions of ordinary days (nearly everything is over and done).
-- Instants lie in the 60 days before :now. References are sound; looking them up one by one would take most of the time.
SET session_replication_role = replica;

INSERT INTO village SELECT 'V' || n, 'Village ' || n FROM generate_series(0, 999) n;
INSERT INTO key_unit (key_unit_id, village_id, name, has_control_room, listed_on)
SELECT 'U' || n, 'V' || n % 1000, 'Unit ' || n, n % 2 = 0, '2024-01-01' FROM generate_series(0, 99999) n;
INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class, accepted_on, enrolled_at)
SELECT 'T' || n, CASE WHEN n % 10 > 0 THEN 'U' || n END, 'V' || n % 1000, (ARRAY['control_room', 'detector', 'sleepy', 'bridge'])[1 + n % 4],
       '2024-06-01', CASE WHEN n % 100 > 0 THEN :now END
FROM generate_series(0, 99999) n;
INSERT INTO gb26875_device (transmitter_id, address) SELECT 'T' || n, lpad(to_hex(n), 12, '0') FROM generate_series(0, 9999) n;
INSERT INTO point (transmitter_id, point) SELECT 'T' || n % 1000, n::text FROM generate_series(0, 99999) n;
INSERT INTO connection_snapshot (on_date, taken_at, occasion, definition_version, lapse_days)
SELECT '2024-01-01'::date + n, :now, 'daily', 1, 30 FROM generate_series(0, 499) n;
INSERT INTO connection_snapshot_unit (snapshot_id, key_unit_id, village_id, has_control_room, connected, online, reason)
SELECT 1 + n / 200, 'U' || n % 200, 'V' || n % 20, true, true, true, 'connected' FROM generate_series(0, 99999) n;

INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, active, occurred_at, occurred_source, received_at, payload)
SELECT 'T' || n % 10000, decode(md5(n::text), 'hex'), CASE WHEN n % 20 = 0 THEN 'snapshot' ELSE 'signal' END, 1, n / 10000, CASE WHEN n % 20 > 0 THEN '' END,
       CASE WHEN n % 20 > 0 THEN 'fault' END, CASE WHEN n % 20 > 0 THEN true END, :now, 'device', :now - n * interval '50 s', '{}'
FROM generate_series(0, 99999) n;
INSERT INTO signal_inbox (priority, transmitter_id, origin_key)
SELECT 1, 'T' || n % 10000, decode(md5(n::text), 'hex') FROM generate_series(0, 99999) n;
INSERT INTO telemetry ("time", transmitter_id, point, boot, seq, digest, received_at, temperature_celsius)
SELECT :now - n * interval '50 s', 'T' || n % 1000, '', 1, n, n, :now, 21 FROM generate_series(0, 99999) n;
INSERT INTO telemetry_inbox (received_at, readings, packed) SELECT :now, 1, '' FROM generate_series(1, 100000);
INSERT INTO presence (transmitter_id, lane, last_heard_at)
SELECT 'T' || n / 2, (ARRAY['signal', 'telemetry'])[1 + n % 2], :now - n * interval '1 s' FROM generate_series(0, 99999) n;
INSERT INTO presence (transmitter_id, lane, last_heard_at)
SELECT 'T' || n, 'gb26875', :now - n * interval '1 s' FROM generate_series(0, 9999) n;
INSERT INTO presence_day (transmitter_id, day, lane, first_heard_at, last_heard_at, minutes, messages)
SELECT 'T' || n % 2000, (:now - n / 2000 * interval '1 day')::date, 'signal', :now, :now, 0::bit(1440), 1
FROM generate_series(0, 99999) n;
INSERT INTO sequence_head SELECT 'T' || n, 'signal', 1, 0, 100 FROM generate_series(0, 99999) n;
INSERT INTO sequence_gap (transmitter_id, class, boot, first_seq, last_seq, state, found_at, closed_at)
SELECT 'T' || n % 10000, 'signal', 1, n / 10000 * 10, n / 10000 * 10 + 3, CASE WHEN n % 500 = 0 THEN 'open' ELSE 'filled' END, :now,
       CASE WHEN n % 500 > 0 THEN :now END
FROM generate_series(0, 99999) n;
INSERT INTO quarantine (quarantine_key, received_at, topic, transmitter_id, reason, detail, payload, payload_length, payload_digest)
SELECT decode(md5(n::text), 'hex'), :now - n * interval '50 s', '', 'T' || n % 100, 'json', '', '', 0, '' FROM generate_series(0, 99999) n;
INSERT INTO ingest_uptime SELECT 'signal', :now - n * interval '50 s', :now - n * interval '50 s' + interval '40 s'
FROM generate_series(0, 99999) n;

INSERT INTO condition (transmitter_id, point, kind, occurred_at, received_at, active)
SELECT 'T' || n, '', (ARRAY['fire_alarm', 'fault', 'offline', 'early_warning'])[1 + n % 4], :now, :now, n % 100 = 0
FROM generate_series(0, 99999) n;
INSERT INTO alarm (transmitter_id, point, kind, behaviour, priority, village_id, registered, device_active, handling, occurred_at, received_at,
                   raised_at, changed_at, closed_at, closed_by)
SELECT 'T' || n, '', 'fault', 'self_restoring', 2, 'V' || n % 1000, true, n % 500 = 0, CASE WHEN n % 500 = 0 THEN 'open' ELSE 'closed' END, :now,
       :now, :now - n * interval '50 s', :now, CASE WHEN n % 500 > 0 THEN :now END, CASE WHEN n % 500 > 0 THEN 'device' END
FROM generate_series(0, 99999) n;
INSERT INTO alarm_journal (alarm_id, transmitter_id, at, event, actor, effect, request_id)
SELECT 1 + n, 'T' || n, :now, 'began', 'device', 'raised', md5(n::text)::uuid FROM generate_series(0, 99999) n;
INSERT INTO notification (notification_id, alarm_id, occasion, recipient, title, body, state, due_at, sent_at)
SELECT md5(n::text)::uuid, 1 + n, 1, 'Li', '', '', CASE WHEN n % 200 = 0 THEN 'due' ELSE 'sent' END, :now - n * interval '50 s',
       CASE WHEN n % 200 > 0 THEN :now END
FROM generate_series(0, 99999) n;
INSERT INTO alarm_publication (alarm_id, priority, village_id, content) SELECT 1 + n, 2, 'V1', '{}' FROM generate_series(0, 99999) n;
INSERT INTO command (command_id, transmitter_id, name, state, requested_by, issued_at, expires_at)
SELECT md5(n::text)::uuid, 'T' || n, 'query', CASE WHEN n % 500 = 0 THEN 'due' ELSE 'expired' END, 'Li', :now - n * interval '50 s',
       :now - n * interval '50 s' + interval '60 s'
FROM generate_series(0, 99999) n;
INSERT INTO command_request (request_id, transmitter_id, name, requested_by, requested_at, expires_at)
SELECT command_id, transmitter_id, name, requested_by, issued_at, expires_at FROM command;
INSERT INTO point_sensitivity (transmitter_id, point, sensitivity, reason, ordered_by, ordered_at, expires_at)
SELECT 'T' || n % 1000, '', 0.5, 'a stove', 'Li', :now - n * interval '50 s', :now - n * interval '50 s' + interval '1 hour'
FROM generate_series(0, 99999) n;
INSERT INTO operator VALUES ('Li', 'Li');
INSERT INTO operator_action (request_id, alarm_id, operator_id, action, requested_at)
SELECT md5(n::text)::uuid, 1 + n, 'Li', 'close', :now - n * interval '50 s' FROM generate_series(0, 99999) n;

RESET session_replication_role;
ANALYZE;
