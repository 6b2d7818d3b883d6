-- name: claim_telemetry
-- The oldest batches that no other worker holds. Locked until the end of the transaction, in which they are deleted.
-- params: most (rows)
-- index: telemetry_inbox_pkey
SELECT inbox_id, received_at, packed
FROM telemetry_inbox
ORDER BY inbox_id
LIMIT %(most)s
FOR UPDATE SKIP LOCKED

-- name: delete_telemetry
-- params: inbox_ids (bigint[])
-- index: telemetry_inbox_pkey
DELETE FROM telemetry_inbox WHERE inbox_id = ANY (%(inbox_ids)s)

-- name: standing_warnings
-- Points with an early warning that stands: (transmitter, point).
-- index: none (one row for every point that ever had one; read once at the start)
SELECT transmitter_id, point FROM condition WHERE kind = 'early_warning' AND active

-- name: recent_temperatures
-- Readings since an instant, oldest first: what the rules knew before a restart.
-- params: since (timestamptz)
-- index: none (where chunks are large, a probe of telemetry_once for every transmitter; a small one is read)
SELECT reading.transmitter_id, reading.point, extract(epoch FROM reading."time")::float8, reading.temperature_celsius
FROM transmitter
CROSS JOIN LATERAL (
  SELECT * FROM telemetry
  WHERE telemetry.transmitter_id = transmitter.transmitter_id
    AND telemetry."time" >= %(since)s
    AND temperature_celsius IS NOT NULL
) AS reading
ORDER BY reading."time"
