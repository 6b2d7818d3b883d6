-- What the centre made of what the truth ledger knows. Read by the role that only reads; instants are timestamptz.

-- name: stored_signals
-- Facts received since %(since)s, without what the centre stated itself and what became of its commands by GB/T 26875.3.
-- index: signal_received
SELECT transmitter_id, origin_key, class, boot, seq, payload, stored_at
FROM signal
WHERE received_at >= %(since)s AND class <> 'centre' AND (class <> 'reply' OR boot IS NOT NULL)

-- name: alarms
-- Alarms raised since %(since)s, and those that were open then and still are.
-- index: alarm_raised, alarm_open
SELECT alarm_id, transmitter_id, point, kind, raw_kind, device_active, handling, closed_by, occurrences, re_alarms,
       raised_at
FROM alarm
WHERE raised_at >= %(since)s OR handling <> 'closed'

-- name: journal
-- What was journalled about some alarms since %(since)s, in order.
-- index: alarm_journal_alarm
SELECT journal_id, alarm_id, event, effect, origin_key
FROM alarm_journal
WHERE alarm_id = ANY(%(alarm_ids)s::bigint[]) AND at >= %(since)s
ORDER BY alarm_id, journal_id

-- name: notifications
-- What is or was owed to persons about some alarms.
-- index: notification_alarm_id_occasion_recipient_key
SELECT alarm_id, occasion, state, sent_at
FROM notification
WHERE alarm_id = ANY(%(alarm_ids)s::bigint[])

-- name: telemetry_counts
-- Readings of some transmitters with a boot from %(boot)s on: rows, different seq, and sum of seq.
-- index: telemetry_once
SELECT transmitter_id, boot, count(*), count(DISTINCT seq), sum(seq)
FROM telemetry
WHERE transmitter_id = ANY(%(transmitter_ids)s::text[]) AND boot >= %(boot)s
GROUP BY transmitter_id, boot

-- name: telemetry_seqs
-- How often each seq of one transmitter and boot is stored.
-- index: telemetry_once
SELECT seq, count(*)
FROM telemetry
WHERE transmitter_id = %(transmitter_id)s AND boot = %(boot)s
GROUP BY seq

-- name: waiting
-- How much alerts has still to conclude and to send.
-- index: notification_due
SELECT (SELECT count(*) FROM signal_inbox), (SELECT count(*) FROM notification WHERE state = 'due')
