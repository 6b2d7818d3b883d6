-- Conclusions: what alerts reads, decides on and writes. Arrays of equal length are columns of keys; %(rows)s is a JSON array of rows.

-- name: lock
-- Advisory locks of this transaction, taken in the order given (sorted by the caller: two transactions never wait for each other).
-- keys: bigint; shared: boolean, whether others may hold the same key shared.
SELECT CASE WHEN shared THEN pg_advisory_xact_lock_shared(key) ELSE pg_advisory_xact_lock(key) END
FROM unnest(%(keys)s::bigint[], %(shared)s::boolean[]) AS wanted (key, shared)

-- name: load_conditions
-- Last words about the conditions named, and about all of the transmitters `wide`. Index: condition_pkey.
SELECT c.transmitter_id, c.point, c.kind, c.raw_kind, c.boot, c.seq, c.occurred_at, c.received_at, c.active
FROM unnest(%(transmitters)s::text[], %(points)s::text[], %(kinds)s::text[], %(raw_kinds)s::text[])
     AS wanted (transmitter_id, point, kind, raw_kind)
JOIN condition AS c USING (transmitter_id, point, kind, raw_kind)
UNION ALL
SELECT transmitter_id, point, kind, raw_kind, boot, seq, occurred_at, received_at, active
FROM condition WHERE transmitter_id = ANY (%(wide)s::text[])

-- name: load_alarms
-- Alarms not closed of the conditions named and of the transmitters `wide`, and those named by id, closed or not.
-- Indexes: alarm_one_open, alarm_pkey.
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
-- Indexes: transmitter_pkey, key_unit_pkey, village_pkey, point_pkey, condition_pkey.
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
INSERT INTO condition (transmitter_id, point, kind, raw_kind, boot, seq, occurred_at, received_at, active)
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (transmitter_id text, point text, kind text, raw_kind text, boot bigint, seq bigint, occurred_at timestamptz,
        received_at timestamptz, active boolean)
ON CONFLICT (transmitter_id, point, kind, raw_kind) DO UPDATE SET
  boot = excluded.boot, seq = excluded.seq, occurred_at = excluded.occurred_at, received_at = excluded.received_at,
  active = excluded.active

-- name: draw_alarm_ids
-- As many new ids of alarms as asked for.
SELECT nextval('alarm_alarm_id_seq') FROM generate_series(1, %(count)s)

-- name: insert_alarms
INSERT INTO alarm (alarm_id, transmitter_id, point, kind, raw_kind, behaviour, priority, village_id, key_unit_id, registered,
                   device_active, handling, reason, detail, occurred_at, received_at, changed_at, occurrences, re_alarms, closed_at,
                   closed_by)
OVERRIDING SYSTEM VALUE
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (alarm_id bigint, transmitter_id text, point text, kind text, raw_kind text, behaviour text, priority smallint, village_id text,
        key_unit_id text, registered boolean, device_active boolean, handling text, reason text, detail jsonb, occurred_at timestamptz,
        received_at timestamptz, changed_at timestamptz, occurrences integer, re_alarms integer, closed_at timestamptz, closed_by text)

-- name: update_alarms
-- Index: alarm_pkey.
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
INSERT INTO alarm_journal (alarm_id, transmitter_id, at, event, actor, effect, detail, origin_key, request_id)
SELECT alarm_id, transmitter_id, at, event, actor, effect, detail, decode(origin_key, 'hex'), request_id
FROM jsonb_to_recordset(%(rows)s)
  AS r (alarm_id bigint, transmitter_id text, at timestamptz, event text, actor text, effect text, detail jsonb, origin_key text,
        request_id uuid)

-- name: insert_notifications
INSERT INTO notification (notification_id, alarm_id, occasion, recipient, title, body, due_at)
SELECT * FROM jsonb_to_recordset(%(rows)s)
  AS r (notification_id uuid, alarm_id bigint, occasion integer, recipient text, title text, body text, due_at timestamptz)

-- name: insert_publications
INSERT INTO alarm_publication (alarm_id, priority, village_id, content)
SELECT * FROM jsonb_to_recordset(%(rows)s) AS r (alarm_id bigint, priority smallint, village_id text, content jsonb)
