-- Facts. One transaction of a lane stores a batch; every statement may be repeated after a lost COMMIT without doubling anything
-- but presence_day.messages. Instants are timestamptz; arrays go in step, those of bytes in binary.

-- name: enrolled
-- Transmitters whose messages are taken on %(today)s (day in Asia/Shanghai), with their class.
-- index: none (all of them: some thousand rows)
SELECT transmitter_id, class
FROM transmitter
WHERE enrolled_at IS NOT NULL AND (withdrawn_on IS NULL OR withdrawn_on > %(today)s)

-- name: enrolled_among
-- The same for %(transmitter_ids)b.
-- index: transmitter_pkey
SELECT transmitter_id, class
FROM transmitter
WHERE transmitter_id = ANY(%(transmitter_ids)b::text[]) AND enrolled_at IS NOT NULL
  AND (withdrawn_on IS NULL OR withdrawn_on > %(today)s)

-- name: copy_telemetry
-- The columns are those of ingest.copying, in its order.
-- index: none (adds rows)
COPY telemetry (transmitter_id, point, boot, seq, "time", temperature_celsius, smoke_obscuration_db_per_m, co_ppm, hydrogen_ppm,
                gas_lel_ratio, humidity_ratio, residual_current_ma, cable_temperature_celsius, voltage_volts, current_amperes,
                power_watts, water_pressure_mpa, water_level_m, flow_l_per_s, tilt_degrees, battery_volts, battery_ratio, rssi_dbm,
                rsrp_dbm, sinr_db, at_text, digest, received_at)
FROM STDIN (FORMAT BINARY)

-- name: copy_staged_telemetry
-- The same into the staging table.
-- index: none (adds rows)
COPY telemetry_staging (transmitter_id, point, boot, seq, "time", temperature_celsius, smoke_obscuration_db_per_m, co_ppm,
                        hydrogen_ppm, gas_lel_ratio, humidity_ratio, residual_current_ma, cable_temperature_celsius, voltage_volts,
                        current_amperes, power_watts, water_pressure_mpa, water_level_m, flow_l_per_s, tilt_degrees, battery_volts,
                        battery_ratio, rssi_dbm, rsrp_dbm, sinr_db, at_text, digest, received_at)
FROM STDIN (FORMAT BINARY)

-- name: make_staging
-- Where readings wait that may be stored already; of this connection, empty at the beginning of every transaction.
-- index: none (makes the table)
CREATE TEMPORARY TABLE IF NOT EXISTS telemetry_staging (LIKE telemetry) ON COMMIT DELETE ROWS

-- name: put_staged_telemetry
-- Stores what is not stored yet and returns the digests of it.
-- index: none (adds rows; what is there already is found by telemetry_once of each chunk)
INSERT INTO telemetry SELECT * FROM telemetry_staging ON CONFLICT DO NOTHING RETURNING digest

-- name: hand_over_telemetry
-- index: none (adds rows)
INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%(received_at)s, %(readings)s, %(packed)s)

-- name: put_presence
-- At most one row a (transmitter, point). What is null is kept as it was.
-- index: presence_pkey
INSERT INTO presence AS p (transmitter_id, point, lane, last_heard_at, clock_offset_seconds, interval_seconds, heartbeat)
SELECT transmitter_id, point, %(lane)s, last_heard_at, clock_offset_seconds, interval_seconds, heartbeat::jsonb
FROM unnest(%(transmitter_ids)b::text[], %(points)b::text[], %(last_heard_at)b::timestamptz[], %(clock_offset_seconds)b::float8[],
            %(interval_seconds)b::integer[], %(heartbeats)b::text[])
  AS r (transmitter_id, point, last_heard_at, clock_offset_seconds, interval_seconds, heartbeat)
ON CONFLICT (transmitter_id, point, lane) DO UPDATE SET
  last_heard_at = greatest(p.last_heard_at, excluded.last_heard_at),
  clock_offset_seconds = coalesce(excluded.clock_offset_seconds, p.clock_offset_seconds),
  interval_seconds = coalesce(excluded.interval_seconds, p.interval_seconds),
  heartbeat = coalesce(excluded.heartbeat, p.heartbeat)

-- name: put_presence_day
-- Adds minutes (0…1439) and messages to days in Asia/Shanghai.
-- index: presence_day_pkey
INSERT INTO presence_day AS d (transmitter_id, day, lane, first_heard_at, last_heard_at, minutes, messages)
SELECT transmitter_id, day, %(lane)s, min(first_heard_at), max(last_heard_at), bit_or(set_bit(0::bit(1440), minute, 1)), sum(messages)
FROM unnest(%(transmitter_ids)b::text[], %(days)b::date[], %(minutes)b::integer[], %(first_heard_at)b::timestamptz[],
            %(last_heard_at)b::timestamptz[], %(messages)b::bigint[])
  AS r (transmitter_id, day, minute, first_heard_at, last_heard_at, messages)
GROUP BY transmitter_id, day
ON CONFLICT (transmitter_id, day, lane) DO UPDATE SET
  first_heard_at = least(d.first_heard_at, excluded.first_heard_at),
  last_heard_at = greatest(d.last_heard_at, excluded.last_heard_at),
  minutes = d.minutes | excluded.minutes,
  messages = d.messages + excluded.messages

-- name: put_statuses
-- A hint beside what was heard; of a transmitter that was never heard there is no row to write it in.
-- index: presence_pkey
UPDATE presence p SET status_online = r.online, status_at = r.at
FROM unnest(%(transmitter_ids)b::text[], %(online)b::boolean[], %(at)b::timestamptz[]) AS r (transmitter_id, online, at)
WHERE p.transmitter_id = r.transmitter_id AND p.point = '' AND p.lane = 'signal'

-- name: put_uptime
-- Begins or grows spans in which a lane could hear.
-- index: ingest_uptime_pkey
INSERT INTO ingest_uptime AS u (lane, up_from, heard_until)
SELECT %(lane)s, up_from, heard_until FROM unnest(%(up_from)b::timestamptz[], %(heard_until)b::timestamptz[]) AS r (up_from, heard_until)
ON CONFLICT (lane, up_from) DO UPDATE SET heard_until = greatest(u.heard_until, excluded.heard_until)

-- name: put_quarantine
-- Keeps what is not kept yet, under its own key or the one of the window before.
-- index: quarantine_pkey
INSERT INTO quarantine (quarantine_key, received_at, topic, transmitter_id, class, reason, detail, item, boot, seq, payload,
                        payload_length, payload_digest)
SELECT key, received_at, topic, transmitter_id, class, reason, detail, item, boot, seq, payload, payload_length, payload_digest
FROM unnest(%(keys)b::bytea[], %(keys_before)b::bytea[], %(received_at)b::timestamptz[], %(topics)b::text[],
            %(transmitter_ids)b::text[], %(classes)b::text[], %(reasons)b::text[], %(details)b::text[], %(items)b::integer[],
            %(boots)b::bigint[], %(seqs)b::bigint[], %(payloads)b::bytea[], %(payload_lengths)b::bigint[],
            %(payload_digests)b::bytea[])
  AS r (key, key_before, received_at, topic, transmitter_id, class, reason, detail, item, boot, seq, payload, payload_length,
        payload_digest)
WHERE NOT EXISTS (SELECT FROM quarantine q WHERE q.quarantine_key = r.key_before)
ON CONFLICT (quarantine_key) DO NOTHING

-- name: lock_sequences
-- Lets one transaction at a time store facts, and read and write sequences and snapshots; freed at its end.
-- index: none (no table)
SELECT pg_advisory_xact_lock(%(key)s)

-- name: known_numbers
-- The facts that have one of these numbers.
-- index: signal_counter
SELECT s.transmitter_id, s.class, s.boot, s.seq, s.origin_key
FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[], %(seqs)b::bigint[])
  AS r (transmitter_id, class, boot, seq)
JOIN signal s ON s.transmitter_id = r.transmitter_id AND s.class = r.class AND s.boot = r.boot AND s.seq = r.seq

-- name: known_heads
-- index: sequence_head_pkey
SELECT h.transmitter_id, h.class, h.boot, h.first_seq, h.last_seq
FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[]) AS r (transmitter_id, class, boot)
JOIN sequence_head h ON h.transmitter_id = r.transmitter_id AND h.class = r.class AND h.boot = r.boot

-- name: known_gaps
-- The gaps that hold one of these numbers, in whatever state.
-- index: sequence_gap_pkey
SELECT DISTINCT g.transmitter_id, g.class, g.boot, g.first_seq, g.last_seq, g.found_at, g.state, g.asked_times, g.asked_at, g.closed_at
FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[], %(seqs)b::bigint[])
  AS r (transmitter_id, class, boot, seq)
CROSS JOIN LATERAL (
  SELECT * FROM sequence_gap c
  WHERE c.transmitter_id = r.transmitter_id AND c.class = r.class AND c.boot = r.boot AND c.first_seq <= r.seq
  ORDER BY c.first_seq DESC LIMIT 1
) g
WHERE g.last_seq >= r.seq

-- name: known_open_gaps
-- The open gaps of these counters that overlap a range.
-- index: sequence_gap_pkey
SELECT DISTINCT g.transmitter_id, g.class, g.boot, g.first_seq, g.last_seq, g.found_at, g.state, g.asked_times, g.asked_at, g.closed_at
FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[], %(first_seqs)b::bigint[], %(last_seqs)b::bigint[])
  AS r (transmitter_id, class, boot, first_seq, last_seq)
JOIN sequence_gap g ON g.transmitter_id = r.transmitter_id AND g.class = r.class AND g.boot = r.boot
  AND g.first_seq <= r.last_seq AND g.last_seq >= r.first_seq AND g.state = 'open'

-- name: known_pages
-- The pages stored of these snapshots, and whether one names a kind that is not in %(calm)b.
-- index: signal_counter
SELECT r.transmitter_id, r.boot, r.first_seq, r.pages, (s.detail->>'page')::integer AS page,
       bool_or(EXISTS (SELECT FROM jsonb_array_elements(s.detail->'active') a WHERE a->>'kind' <> ALL (%(calm)b::text[]))) AS urgent
FROM unnest(%(transmitter_ids)b::text[], %(boots)b::bigint[], %(first_seqs)b::bigint[], %(pages)b::bigint[])
  AS r (transmitter_id, boot, first_seq, pages)
JOIN signal s ON s.transmitter_id = r.transmitter_id AND s.class = 'snapshot' AND s.boot = r.boot
  AND s.seq BETWEEN r.first_seq AND r.first_seq + r.pages - 1
WHERE (s.detail->>'pages')::bigint = r.pages AND s.seq - (s.detail->>'page')::bigint + 1 = r.first_seq
GROUP BY 1, 2, 3, 4, 5

-- name: put_signals
-- Stores what is not stored yet, under its own key or the one of the window before; hands over what is to be, in the order given;
-- returns what was stored before. An occurred_at that is null is the receive time. Columns may be short: the rest of them is null.
-- index: signal_pkey
WITH given AS (
  SELECT *
  FROM unnest(%(transmitter_ids)b::text[], %(keys)b::bytea[], %(keys_before)b::bytea[], %(classes)b::text[], %(boots)b::bigint[],
              %(seqs)b::bigint[], %(points)b::text[], %(kinds)b::text[], %(raw_kinds)b::text[], %(actives)b::boolean[],
              %(details)b::text[], %(defects)b::text[], %(occurred_at)b::timestamptz[], %(at_texts)b::text[],
              %(received_at)b::timestamptz[], %(payloads)b::bytea[], %(handed_over)b::boolean[], %(urgent)b::boolean[])
    WITH ORDINALITY
    AS g (transmitter_id, origin_key, key_before, class, boot, seq, point, kind, raw_kind, active, detail, defects, occurred_at,
          at_text, received_at, payload, handed_over, urgent, place)
), stored AS (
  INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, raw_kind, active, detail, defects, occurred_at,
                      occurred_source, at_text, received_at, payload)
  SELECT transmitter_id, origin_key, class, boot, seq, point, kind, coalesce(raw_kind, ''), active, detail::jsonb,
         ARRAY(SELECT jsonb_array_elements_text(defects::jsonb)), coalesce(occurred_at, received_at),
         CASE WHEN occurred_at IS NULL THEN 'received' ELSE 'device' END, at_text, received_at, payload
  FROM given AS g
  WHERE NOT EXISTS (SELECT FROM signal AS s WHERE s.transmitter_id = g.transmitter_id AND s.origin_key = g.key_before)
  ORDER BY place
  ON CONFLICT (transmitter_id, origin_key) DO NOTHING
  RETURNING transmitter_id, origin_key
), handed_over AS (
  INSERT INTO signal_inbox (priority, transmitter_id, origin_key)
  SELECT CASE WHEN urgent THEN 0 ELSE 1 END, transmitter_id, origin_key FROM given JOIN stored USING (transmitter_id, origin_key)
  WHERE handed_over ORDER BY place
)
SELECT transmitter_id, origin_key FROM given
EXCEPT SELECT transmitter_id, origin_key FROM stored

-- name: put_heads
-- index: sequence_head_pkey
INSERT INTO sequence_head AS h (transmitter_id, class, boot, first_seq, last_seq)
SELECT * FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[], %(first_seqs)b::bigint[], %(last_seqs)b::bigint[])
ON CONFLICT (transmitter_id, class, boot) DO UPDATE SET
  first_seq = least(h.first_seq, excluded.first_seq), last_seq = greatest(h.last_seq, excluded.last_seq)

-- name: put_gaps
-- New and changed gaps.
-- index: sequence_gap_pkey
INSERT INTO sequence_gap (transmitter_id, class, boot, first_seq, last_seq, state, found_at, asked_times, asked_at, closed_at)
SELECT * FROM unnest(%(transmitter_ids)b::text[], %(classes)b::text[], %(boots)b::bigint[], %(first_seqs)b::bigint[],
                     %(last_seqs)b::bigint[], %(states)b::text[], %(found_at)b::timestamptz[], %(asked_times)b::smallint[],
                     %(asked_at)b::timestamptz[], %(closed_at)b::timestamptz[])
ON CONFLICT (transmitter_id, class, boot, first_seq) DO UPDATE SET
  last_seq = excluded.last_seq, state = excluded.state, asked_times = excluded.asked_times, asked_at = excluded.asked_at,
  closed_at = excluded.closed_at

-- name: wake_alerts
-- index: none (no table)
NOTIFY signal_inbox

-- name: gaps_due
-- Open gaps, found before %(found_before)s, that were never asked for or last before %(asked_before)s.
-- index: sequence_gap_open
SELECT transmitter_id, class, boot, first_seq, last_seq, found_at, state, asked_times, asked_at, closed_at
FROM sequence_gap
WHERE state = 'open' AND found_at < %(found_before)s AND (asked_at IS NULL OR asked_at < %(asked_before)s)
ORDER BY asked_times, asked_at, found_at
LIMIT %(most)s

-- name: may_trim
-- Whether there is anything to trim and nobody else does it; the lock is freed at the end of the transaction.
-- index: none (the size of the table)
SELECT pg_relation_size('quarantine') > 0 AND pg_try_advisory_xact_lock(%(key)s)

-- name: trim_quarantine
-- Deletes what lies beyond the newest %(rows)s rows, %(bytes)s bytes in all, or %(transmitter_bytes)s bytes of one transmitter; a row
-- counts %(overhead)s bytes more than its payload. Sizes do not need the payloads themselves.
-- index: none (the whole table, which these limits bound)
DELETE FROM quarantine q
USING (
  SELECT quarantine_key, row_number() OVER newest AS place, sum(size) OVER newest AS bytes, sum(size) OVER of_one AS bytes_of_one
  FROM (SELECT quarantine_key, received_at, transmitter_id, octet_length(payload) + %(overhead)s AS size FROM quarantine) sized
  WINDOW newest AS (ORDER BY received_at DESC, quarantine_key),
         of_one AS (PARTITION BY transmitter_id ORDER BY received_at DESC, quarantine_key)
) r
WHERE q.quarantine_key = r.quarantine_key
  AND (r.place > %(rows)s OR r.bytes > %(bytes)s OR r.bytes_of_one > %(transmitter_bytes)s)

-- name: gb26875_devices
-- The devices that speak GB/T 26875.3 whose frames are taken on %(today)s (day in Asia/Shanghai).
-- index: none (all of them: some thousand rows)
SELECT d.transmitter_id, d.address, d.source_network, d.profile
FROM gb26875_device AS d
JOIN transmitter AS t USING (transmitter_id)
WHERE t.enrolled_at IS NOT NULL AND (t.withdrawn_on IS NULL OR t.withdrawn_on > %(today)s)

-- name: due_gb26875_commands
-- Commands to such devices that are to be sent at %(at)s, oldest first.
-- index: command_open
SELECT c.command_id, c.transmitter_id, c.name, c.content, c.issued_at, c.expires_at
FROM command AS c
JOIN gb26875_device AS d USING (transmitter_id)
WHERE c.state = 'due' AND c.expires_at > %(at)s
ORDER BY c.issued_at
