-- name: transmitters_heard
-- Every enrolled, not withdrawn transmitter that was heard, and every device behind a bridge, with its newest sign of life.
-- params: today (date, Asia/Shanghai)
-- index: none (all of them, every few seconds: some thousand rows)
SELECT transmitter.transmitter_id,
       presence.point,
       transmitter.class,
       transmitter.path,
       max(presence.last_heard_at) AS last_heard_at,
       max(presence.interval_seconds) AS interval_seconds,
       (array_agg(presence.status_online ORDER BY presence.status_at DESC NULLS LAST))[1] AS status_online,
       max(presence.status_at) AS status_at
FROM transmitter
JOIN presence USING (transmitter_id)
WHERE transmitter.enrolled_at IS NOT NULL
  AND (transmitter.withdrawn_on IS NULL OR transmitter.withdrawn_on > %(today)s)
GROUP BY transmitter.transmitter_id, presence.point

-- name: spans_of_hearing
-- When each lane could hear, of the spans that reach past an instant, oldest first.
-- params: since (timestamptz)
-- index: none (a row for every outage)
SELECT lane, up_from, heard_until FROM ingest_uptime WHERE heard_until >= %(since)s ORDER BY up_from

-- name: offline_now
-- Conditions that stand: (transmitter, point, kind); a path stands as transmitter '' and its name as point.
-- index: none (a row for every transmitter that ever was offline)
SELECT transmitter_id, point, kind FROM condition WHERE kind IN ('offline', 'path_offline') AND active

-- name: speaking_gb26875
-- Transmitters that speak GB/T 26875.3; the others speak MQTT.
-- index: none (all of them: some hundred rows)
SELECT transmitter_id FROM gb26875_device
