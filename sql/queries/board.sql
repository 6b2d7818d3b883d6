-- name: open_alarms
-- The alarms that stand, fires first, newest first, with where they are.
-- params: most (rows)
-- index: alarm_open
SELECT alarm.alarm_id, alarm.priority, alarm.kind, alarm.handling, alarm.transmitter_id, alarm.point, alarm.reason,
       coalesce(village.name, '') AS village, coalesce(key_unit.name, '') AS unit, alarm.raised_at
FROM alarm
LEFT JOIN village USING (village_id)
LEFT JOIN key_unit USING (key_unit_id)
WHERE alarm.handling <> 'closed'
ORDER BY alarm.priority, alarm.raised_at DESC
LIMIT %(most)s

-- name: totals
-- What there is by now: signals and states, alarms raised, alarms open, fires among those raised, early warnings, notifications sent and owed.
-- index: none (whole tables of a private stack)
SELECT (SELECT count(*) FROM signal WHERE class IN ('signal', 'state')),
       (SELECT count(*) FROM telemetry),
       (SELECT count(*) FROM alarm),
       (SELECT count(*) FROM alarm WHERE handling <> 'closed'),
       (SELECT count(*) FROM alarm WHERE priority = 0),
       (SELECT count(*) FROM alarm WHERE kind = 'early_warning'),
       (SELECT count(*) FROM notification WHERE state = 'sent'),
       (SELECT count(*) FROM notification WHERE state = 'due'),
       (SELECT count(*) FROM signal_inbox) + (SELECT count(*) FROM telemetry_inbox)

-- name: fire_and_warning
-- Of a point: when its first early warning and its first fire alarm occurred, by the device's clock, and the warning's reason.
-- params: transmitter_id, point
-- index: none (whole table of a private stack)
SELECT min(occurred_at) FILTER (WHERE kind = 'early_warning'),
       min(occurred_at) FILTER (WHERE kind = 'fire_alarm'),
       min(reason) FILTER (WHERE kind = 'early_warning')
FROM alarm
WHERE transmitter_id = %(transmitter_id)s AND point = %(point)s

-- name: duty_latency
-- Of a transmitter: the seconds from its first duty check that was answered to the answer.
-- params: transmitter_id
-- index: command_transmitter
SELECT latency_seconds FROM command
WHERE transmitter_id = %(transmitter_id)s AND name = 'duty_check' AND state = 'answered'
ORDER BY issued_at
LIMIT 1
