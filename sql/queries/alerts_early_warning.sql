-- name: lock_engine
-- Whether this connection may feed the engine: one at a time, until it ends.
-- params: key
-- index: none (a lock)
SELECT pg_try_advisory_lock(%(key)s)

-- name: load_blocks
-- What the engine remembered, in order.
-- index: none (all of them, once at the start)
SELECT block, packed FROM early_warning_block ORDER BY block

-- name: next_telemetry
-- The oldest batches that the engine was not fed yet. A batch may be committed after one that was handed over later.
-- params: fed (bigint[]), most (rows)
-- index: telemetry_inbox_pkey
SELECT inbox_id, received_at, packed
FROM telemetry_inbox
WHERE inbox_id <> ALL (%(fed)s::bigint[])
ORDER BY inbox_id
LIMIT %(most)s

-- name: delete_telemetry
-- Batches whose states are stored.
-- params: inbox_ids (bigint[])
-- index: telemetry_inbox_pkey
DELETE FROM telemetry_inbox WHERE inbox_id = ANY (%(inbox_ids)s)

-- name: store_block
-- index: early_warning_block_pkey
INSERT INTO early_warning_block (block, packed, stored_at) VALUES (%(block)s, %(packed)s, %(at)s)
ON CONFLICT (block) DO UPDATE SET packed = excluded.packed, stored_at = excluded.stored_at

-- name: zones
-- Points of a zone, with the zone's name among its key unit's (else its transmitter's).
-- index: none (every registered point, once a minute)
SELECT p.transmitter_id, p.point, coalesce(t.key_unit_id, t.transmitter_id) || E'\t' || p.zone
FROM point AS p
JOIN transmitter AS t USING (transmitter_id)
WHERE p.zone <> ''

-- name: held_to
-- Points that the register holds to a building's figures or to limits of their own.
-- index: none (every registered point, once a minute)
SELECT transmitter_id, point, facility, limits FROM point WHERE facility <> '' OR limits <> ''

-- name: sensitivities
-- Points that an officer wants less sensitive at %(at)s: the newest order counts, until it expires.
-- index: point_sensitivity_expiring
SELECT DISTINCT ON (transmitter_id, point) transmitter_id, point, sensitivity
FROM point_sensitivity
WHERE expires_at > %(at)s
ORDER BY transmitter_id, point, order_id DESC

-- name: fleet
-- Transmitters that count today.
-- index: none (all of them, once a minute)
SELECT count(*) FROM transmitter WHERE accepted_on <= %(today)s AND (withdrawn_on IS NULL OR withdrawn_on > %(today)s)

-- name: order_sensitivity
-- An officer's order about a point.
-- index: none (adds rows)
INSERT INTO point_sensitivity (transmitter_id, point, sensitivity, reason, ordered_by, expires_at)
VALUES (%(transmitter_id)s, %(point)s, %(sensitivity)s, %(reason)s, %(operator_id)s, clock_timestamp() + %(days)s * interval '1 day')

-- name: sensitivity_orders
-- Orders about points' sensitivity, newest first.
-- index: none (some rows a year)
SELECT transmitter_id, point, sensitivity, reason, ordered_by, ordered_at, expires_at FROM point_sensitivity
ORDER BY order_id DESC
LIMIT %(most)s

-- name: nuisances
-- False alarms verified since %(since)s, by point and day (Asia/Shanghai), with how many their unit had on that day; worst first.
-- index: alarm_verified_false
SELECT (verified_at AT TIME ZONE 'Asia/Shanghai')::date AS day, village_id, key_unit_id, transmitter_id, point, count(*) AS false_alarms,
       sum(count(*)) OVER (PARTITION BY (verified_at AT TIME ZONE 'Asia/Shanghai')::date, coalesce(key_unit_id, transmitter_id))::bigint
         AS of_unit
FROM alarm
WHERE disposition = 'false_alarm' AND verified_at >= %(since)s
GROUP BY day, village_id, key_unit_id, transmitter_id, point
ORDER BY of_unit DESC, false_alarms DESC, transmitter_id, point
