-- Notifications: what is owed to persons is claimed, sent outside any transaction, and marked.

-- name: due_recipients
-- Who is owed something at %(at)s that nobody is sending; ours: what this process is sending, however late its lease.
-- index: notification_due
SELECT recipient, count(*) FROM notification
WHERE state = 'due' AND due_at <= %(at)s AND (leased_until IS NULL OR leased_until <= %(at)s)
  AND notification_id <> ALL (%(ours)s::uuid[])
GROUP BY recipient

-- name: claim_notifications
-- Lease until %(until)s what is due at %(at)s: of each of the recipients at most `rooms`, fires first, then the oldest. What another
-- process is about to claim is passed over. The last column: seconds since the notification was made.
-- index: notification_due, notification_pkey, alarm_pkey
WITH claimed AS (
  SELECT owed.notification_id, owed.priority
  FROM unnest(%(recipients)s::text[], %(rooms)s::integer[]) AS wanted (recipient, room)
  CROSS JOIN LATERAL (
    SELECT n.notification_id, a.priority
    FROM notification AS n JOIN alarm AS a USING (alarm_id)
    WHERE n.state = 'due' AND n.due_at <= %(at)s AND (n.leased_until IS NULL OR n.leased_until <= %(at)s)
      AND n.recipient = wanted.recipient AND n.notification_id <> ALL (%(ours)s::uuid[])
    ORDER BY a.priority, n.due_at
    LIMIT wanted.room
    FOR UPDATE OF n SKIP LOCKED
  ) AS owed
)
UPDATE notification AS n SET leased_until = %(until)s, attempts = n.attempts + 1
FROM claimed AS c
WHERE n.notification_id = c.notification_id
RETURNING n.notification_id, n.recipient, n.title, n.body, n.attempts, c.priority,
          extract(epoch FROM clock_timestamp() - n.created_at)::double precision

-- name: renew_leases
-- Lease until %(until)s what is on its way.
-- index: notification_pkey
UPDATE notification SET leased_until = %(until)s WHERE notification_id = ANY (%(notification_ids)s::uuid[]) AND state = 'due'

-- name: mark_sent
-- rows: a JSON array of notification_id, sent_at and error (of a channel that did not take it; null: none).
-- index: notification_due
UPDATE notification AS n
SET state = 'sent', sent_at = r.sent_at, last_error = coalesce(r.error, n.last_error), leased_until = NULL
FROM jsonb_to_recordset(%(rows)s) AS r (notification_id uuid, sent_at timestamptz, error text)
WHERE n.notification_id = r.notification_id AND n.state = 'due'

-- name: mark_failed
-- rows: a JSON array of notification_id, error and due_at, when to try again. A fire is given up only once its alarm is closed, anything
-- else when it was made before %(older_than)s. Returns the states there are now.
-- index: notification_due, alarm_pkey
UPDATE notification AS n
SET state = CASE WHEN CASE a.priority WHEN 0 THEN a.handling = 'closed' ELSE n.created_at < %(older_than)s::timestamptz END
                 THEN 'given_up' ELSE 'due' END,
    due_at = r.due_at, last_error = r.error, leased_until = NULL
FROM jsonb_to_recordset(%(rows)s) AS r (notification_id uuid, error text, due_at timestamptz), alarm AS a
WHERE n.notification_id = r.notification_id AND a.alarm_id = n.alarm_id AND n.state = 'due'
RETURNING n.state
