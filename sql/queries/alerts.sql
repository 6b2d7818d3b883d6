-- Conclusions: what alerts reads, decides on and writes. Arrays of equal length are columns of keys; %(rows)s is a JSON array of rows.

-- name: lock
-- Advisory locks of this transaction, taken in the order given (sorted by the caller: two transactions never wait for each other).
-- keys: bigint; shared: boolean, whether others may hold the same key shared.
-- index: none (no table)
SELECT CASE WHEN shared THEN pg_advisory_xact_lock_shared(key) ELSE pg_advisory_xact_lock(key) END
FROM unnest(%(keys)s::bigint[], %(shared)s::boolean[]) AS wanted (key, shared)

-- name: load_conditions
-- Last words about the conditions named, and about all of the transmitters `wide`.
-- index: condition_pkey
SELECT c.transmitter_id, c.point, c.kind, c.raw_kind, c.boot, c.seq, c.occurred_at, c.received_at, c.active
FROM unnest(%(transmitters)s::text[], %(points)s::text[], %(kinds)s::text[], %(raw_kinds)s::text[])
     AS wanted (transmitter_id, point, kind, raw_kind)
JOIN condition AS c USING (transmitter_id, point, kind, raw_kind)
UNION ALL
SELECT transmitter_id, point, kind, raw_kind, boot, seq, occurred_at, received_at, active
FROM condition WHERE transmitter_id = ANY (%(wide)s::text[])

-- name: load_alarms
-- Alarms not closed of the conditions named and of the transmitters `wide`, and those named by id, closed or not.
-- index: alarm_one_open, alarm_pkey
WITH wanted AS (
  SELECT a.alarm_id
  FROM unnest(%(transmitters)s::text[], %(points)s::text[], %(kinds)s::text[], %(raw_kinds)s::text[])
       AS k (transmitter_id, point, kind, raw_kind)
  JOIN alarm AS a USING (transmitter_id, point, kind, raw_kind)
  WHERE a.handling <> 'closed'
  UNION
  SELECT alarm_id FROM alarm WHERE transmitter_id = ANY (%(wide)s::text[]) AND handling <> 'closed'
  UNION
  SELECT unnest(%(alarm_ids)s::bigint[])
)
SELECT a.alarm_id, a.transmitter_id, a.point, a.kind, a.raw_kind, a.behaviour, a.device_active, a.handling, a.occurrences, a.re_alarms,
       a.acknowledged_by, a.acknowledged_at, a.verified_by, a.verified_at, a.disposition, a.cause, a.closed_by, a.closed_at,
       a.reason, a.detail, a.occurred_at, a.received_at
FROM wanted JOIN alarm AS a USING (alarm_id)

-- name: load_places
-- What the register knows of the points named, and of all points with a condition of the transmitters `wide`. A transmitter outside
-- any key unit is in its own village. A point is registered when somebody wrote it into the register, point "" with its transmitter.
-- index: transmitter_pkey, key_unit_pkey, village_pkey, point_pkey, condition_pkey
WITH wanted AS (
  SELECT * FROM unnest(%(transmitters)s::text[], %(points)s::text[]) AS k (transmitter_id, point)
  UNION
  SELECT transmitter_id, point FROM condition WHERE transmitter_id = ANY (%(wide)s::text[])
)
SELECT w.transmitter_id, w.point, v.village_id, v.name, u.key_unit_id, u.name, u.address, u.telephone, t.name, t.place, p.name, p.place,
       w.point = '' OR coalesce(p.registered, false)
FROM wanted AS w
JOIN transmitter AS t USING (transmitter_id)
LEFT JOIN key_unit AS u USING (key_unit_id)
LEFT JOIN village AS v ON v.village_id = coalesce(u.village_id, t.village_id)
LEFT JOIN point AS p ON p.transmitter_id = w.transmitter_id AND p.point = w.point

-- name: put_conditions
-- index: condition_pkey
INSERT INTO condition (transmitter_id, point, kind, raw_kind, boot, seq, occurred_at, received_at, active)
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (transmitter_id text, point text, kind text, raw_kind text, boot bigint, seq bigint, occurred_at timestamptz,
        received_at timestamptz, active boolean)
ON CONFLICT (transmitter_id, point, kind, raw_kind) DO UPDATE SET
  boot = excluded.boot, seq = excluded.seq, occurred_at = excluded.occurred_at, received_at = excluded.received_at,
  active = excluded.active

-- name: draw_alarm_ids
-- As many new ids of alarms as asked for.
-- index: none (a sequence)
SELECT nextval('alarm_alarm_id_seq') FROM generate_series(1, %(count)s)

-- name: insert_alarms
-- index: none (adds rows)
INSERT INTO alarm (alarm_id, transmitter_id, point, kind, raw_kind, behaviour, priority, village_id, key_unit_id, registered,
                   device_active, handling, reason, detail, occurred_at, received_at, changed_at, occurrences, re_alarms, closed_at,
                   closed_by)
OVERRIDING SYSTEM VALUE
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (alarm_id bigint, transmitter_id text, point text, kind text, raw_kind text, behaviour text, priority smallint, village_id text,
        key_unit_id text, registered boolean, device_active boolean, handling text, reason text, detail jsonb, occurred_at timestamptz,
        received_at timestamptz, changed_at timestamptz, occurrences integer, re_alarms integer, closed_at timestamptz, closed_by text)

-- name: update_alarms
-- index: alarm_pkey
UPDATE alarm SET
  device_active = r.device_active, handling = r.handling, reason = r.reason, detail = r.detail, changed_at = r.changed_at,
  occurrences = r.occurrences, re_alarms = r.re_alarms, acknowledged_at = r.acknowledged_at, acknowledged_by = r.acknowledged_by,
  verified_at = r.verified_at, verified_by = r.verified_by, disposition = r.disposition, cause = r.cause, closed_at = r.closed_at,
  closed_by = r.closed_by
FROM jsonb_to_recordset(%(rows)s)
  AS r (alarm_id bigint, device_active boolean, handling text, reason text, detail jsonb, changed_at timestamptz, occurrences integer,
        re_alarms integer, acknowledged_at timestamptz, acknowledged_by text, verified_at timestamptz, verified_by text,
        disposition text, cause text, closed_at timestamptz, closed_by text)
WHERE alarm.alarm_id = r.alarm_id

-- name: insert_journal
-- origin_key comes as hexadecimal.
-- index: none (adds rows)
INSERT INTO alarm_journal (alarm_id, transmitter_id, at, event, actor, effect, detail, origin_key, request_id)
SELECT alarm_id, transmitter_id, at, event, actor, effect, detail, decode(origin_key, 'hex'), request_id
FROM jsonb_to_recordset(%(rows)s)
  AS r (alarm_id bigint, transmitter_id text, at timestamptz, event text, actor text, effect text, detail jsonb, origin_key text,
        request_id uuid)

-- name: insert_notifications
-- index: none (adds rows)
INSERT INTO notification (notification_id, alarm_id, occasion, recipient, title, body, due_at)
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (notification_id uuid, alarm_id bigint, occasion integer, recipient text, title text, body text, due_at timestamptz)

-- name: insert_publications
-- index: none (adds rows)
INSERT INTO alarm_publication (alarm_id, priority, village_id, content)
SELECT * FROM jsonb_to_recordset(%(rows)s) AS r (alarm_id bigint, priority smallint, village_id text, content jsonb)

-- name: claim_inbox
-- The next rows of the hand-over, fire kinds first, each with its signal (null where there is none); locked for this transaction,
-- rows that another worker holds are passed over. set_aside: inbox ids left alone.
-- index: signal_inbox_next, signal_pkey
WITH claimed AS (
  SELECT inbox_id, priority, transmitter_id, origin_key
  FROM signal_inbox
  WHERE inbox_id <> ALL (%(set_aside)s::bigint[])
  ORDER BY priority, inbox_id
  LIMIT %(most)s
  FOR UPDATE SKIP LOCKED
)
SELECT c.inbox_id, c.transmitter_id, c.origin_key, s.class, s.boot, s.seq, s.point, s.kind, s.raw_kind, s.active, s.detail, s.defects,
       s.occurred_at, s.received_at, s.stored_at, clock_timestamp()
FROM claimed AS c
LEFT JOIN signal AS s USING (transmitter_id, origin_key)
ORDER BY c.priority, c.inbox_id

-- name: snapshot_pages
-- The pages of snapshots: number n of those wanted, from page 1 at first_seq on.
-- index: signal_counter
SELECT wanted.n, s.seq - wanted.first_seq + 1, s.detail, s.occurred_at, s.received_at
FROM unnest(%(transmitters)s::text[], %(boots)s::bigint[], %(first_seqs)s::bigint[], %(pages)s::integer[])
     WITH ORDINALITY AS wanted (transmitter_id, boot, first_seq, pages, n)
JOIN signal AS s ON s.transmitter_id = wanted.transmitter_id AND s.class = 'snapshot' AND s.boot = wanted.boot
                    AND s.seq BETWEEN wanted.first_seq AND wanted.first_seq + wanted.pages - 1
WHERE (s.detail ->> 'pages')::integer = wanted.pages AND (s.detail ->> 'page')::bigint = s.seq - wanted.first_seq + 1
ORDER BY s.received_at

-- name: delete_inbox
-- index: signal_inbox_pkey
DELETE FROM signal_inbox WHERE inbox_id = ANY (%(inbox_ids)s::bigint[])

-- name: inbox_backlog
-- Rows of the hand-over not yet concluded.
-- index: none (the whole table: short, unless alerts is behind)
SELECT count(*) FROM signal_inbox

-- name: open_alarms
-- Alarms not closed, by priority.
-- index: alarm_open
SELECT priority, count(*) FROM alarm WHERE handling <> 'closed' GROUP BY priority

-- name: pending_orders
-- Operators' requests of the time since %(since)s that the journal does not hold yet, oldest first, with the condition of their alarm
-- and when it last re-alarmed.
-- index: operator_action_recent, alarm_journal_request_id_key, alarm_pkey, alarm_journal_alarm
SELECT o.request_id, o.alarm_id, o.operator_id, o.action, o.disposition, o.cause, o.requested_at,
       a.transmitter_id, a.point, a.kind, a.raw_kind,
       (SELECT max(j.at) FROM alarm_journal AS j WHERE j.alarm_id = o.alarm_id AND j.effect = 're_alarmed')
FROM operator_action AS o
JOIN alarm AS a USING (alarm_id)
WHERE o.requested_at > %(since)s
  AND o.request_id <> ALL (%(set_aside)s::uuid[])
  AND NOT EXISTS (SELECT FROM alarm_journal AS j WHERE j.request_id = o.request_id)
ORDER BY o.requested_at, o.request_id
LIMIT %(most)s

-- name: next_publications
-- What the topic of alarms is owed, fire kinds first.
-- index: alarm_publication_next
SELECT publication_id, event_id, village_id, content FROM alarm_publication ORDER BY priority, publication_id LIMIT %(most)s

-- name: delete_publications
-- index: alarm_publication_pkey
DELETE FROM alarm_publication WHERE publication_id = ANY (%(publication_ids)s::bigint[])

-- name: list_open_alarms
-- Alarms that are not closed, the most urgent and oldest first. village_id null: of every village.
-- index: alarm_open, transmitter_pkey, key_unit_pkey, village_pkey, point_pkey
SELECT * FROM alarm_at_place
WHERE handling <> 'closed' AND (%(village_id)s::text IS NULL OR village_id = %(village_id)s)
ORDER BY priority, raised_at
LIMIT %(most)s

-- name: list_newest_alarms
-- The alarms raised last, closed or not, newest first. village_id null: of every village.
-- index: alarm_raised, transmitter_pkey, key_unit_pkey, village_pkey, point_pkey
SELECT * FROM alarm_at_place
WHERE %(village_id)s::text IS NULL OR village_id = %(village_id)s
ORDER BY raised_at DESC
LIMIT %(most)s

-- name: show_alarm
-- One alarm.
-- index: alarm_pkey, transmitter_pkey, key_unit_pkey, village_pkey, point_pkey
SELECT * FROM alarm_at_place WHERE alarm_id = %(alarm_id)s

-- name: alarm_journal
-- What happened to an alarm, in its order.
-- index: alarm_journal_alarm
SELECT at, event, effect, actor, detail FROM alarm_journal WHERE alarm_id = %(alarm_id)s ORDER BY journal_id

-- name: alarm_notifications
-- Who was to be notified of an alarm, and what came of it.
-- index: notification_alarm_id_occasion_recipient_key
SELECT occasion, recipient, state, attempts, created_at, sent_at, last_error
FROM notification WHERE alarm_id = %(alarm_id)s ORDER BY occasion, recipient

-- name: request_action
-- An operator's request; alerts applies it.
-- index: none (adds rows)
INSERT INTO operator_action (request_id, alarm_id, operator_id, action, disposition, cause)
VALUES (%(request_id)s, %(alarm_id)s, %(operator_id)s, %(action)s, %(disposition)s, %(cause)s)

-- name: request_outcome
-- What alerts made of a request; no row: nothing yet.
-- index: alarm_journal_request_id_key
SELECT effect, detail ->> 'reason' FROM alarm_journal WHERE request_id = %(request_id)s
