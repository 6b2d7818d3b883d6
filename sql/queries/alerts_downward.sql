-- Commands to transmitters: asked for, sent, answered, given up. Read and written by alerts; `wanghuo commands` asks and looks.

-- name: pending_requests
-- Operators' requests of the time since %(since)s that are no command yet, oldest first; the profile where their transmitter speaks
-- GB/T 26875.3.
-- index: command_request_recent, command_pkey, gb26875_device_pkey
SELECT r.request_id, r.transmitter_id, r.name, r.content, r.requested_by, r.requested_at, r.expires_at, d.profile
FROM command_request AS r
LEFT JOIN gb26875_device AS d USING (transmitter_id)
WHERE r.requested_at > %(since)s AND NOT EXISTS (SELECT FROM command AS c WHERE c.command_id = r.request_id)
ORDER BY r.requested_at, r.request_id
LIMIT %(most)s

-- name: insert_command
-- A request becomes a command. Two services may try at once.
-- index: command_pkey
INSERT INTO command (command_id, transmitter_id, name, content, state, requested_by, issued_at, expires_at, failure)
VALUES (%(command_id)s, %(transmitter_id)s, %(name)s, %(content)s, %(state)s, %(requested_by)s, %(issued_at)s, %(expires_at)s, %(failure)s)
ON CONFLICT (command_id) DO NOTHING

-- name: set_clocks
-- The clocks of those that speak GB/T 26875.3, were heard since %(heard_since)s and not told the time since %(told_since)s.
-- index: command_transmitter
INSERT INTO command (command_id, transmitter_id, name, requested_by, issued_at, expires_at)
SELECT gen_random_uuid(), d.transmitter_id, 'set_clock', 'centre', %(at)s, %(expires_at)s
FROM gb26875_device AS d
JOIN presence AS p ON p.transmitter_id = d.transmitter_id AND p.lane = 'gb26875' AND p.last_heard_at >= %(heard_since)s
WHERE NOT EXISTS (SELECT FROM command AS c
                  WHERE c.transmitter_id = d.transmitter_id AND c.issued_at > %(told_since)s AND c.name = 'set_clock')

-- name: due_commands
-- Commands to be sent by MQTT at %(at)s, oldest first. The clock is set only right after the transmitter was heard (MQTT profile v1): not
-- before %(heard_since)s.
-- index: command_open, presence_pkey, gb26875_device_pkey
SELECT c.command_id, c.transmitter_id, c.name, c.content, c.issued_at, c.expires_at
FROM command AS c
WHERE c.state = 'due' AND c.expires_at > %(at)s
  AND NOT EXISTS (SELECT FROM gb26875_device AS d WHERE d.transmitter_id = c.transmitter_id)
  AND (c.name <> 'set_clock' OR EXISTS (SELECT FROM presence AS p
                                        WHERE p.transmitter_id = c.transmitter_id AND p.last_heard_at >= %(heard_since)s))
ORDER BY c.issued_at
LIMIT %(most)s

-- name: mark_commands_sent
-- They were sent at %(at)s. An answer may have overtaken this.
-- index: command_pkey
UPDATE command SET sent_at = %(at)s, state = CASE state WHEN 'due' THEN 'sent' ELSE state END
WHERE command_id = ANY (%(command_ids)s::uuid[]) AND sent_at IS NULL

-- name: expire_commands
-- Commands whose time is over at %(at)s without an answer. A duty check that was sent waits until all that was said in time is stored and
-- concluded: nobody is blamed for our own outage. Returned with whether the transmitter was reached, and whether it was heard since.
-- index: command_open
UPDATE command AS c SET state = 'expired'
WHERE c.state IN ('due', 'sent') AND c.expires_at <= %(at)s
  AND (c.name <> 'duty_check' OR c.state = 'due' OR (
    EXISTS (SELECT FROM ingest_uptime AS u
            WHERE u.heard_until >= c.expires_at
              AND (u.lane = 'gb26875') = EXISTS (SELECT FROM gb26875_device AS d WHERE d.transmitter_id = c.transmitter_id)
              AND u.lane <> 'telemetry')
    AND NOT EXISTS (SELECT FROM signal_inbox AS i WHERE i.transmitter_id = c.transmitter_id)))
RETURNING c.transmitter_id, c.name, c.sent_at, c.expires_at,
  c.confirmed_at IS NOT NULL
  OR (EXISTS (SELECT FROM presence AS p WHERE p.transmitter_id = c.transmitter_id AND p.last_heard_at >= c.sent_at)
      AND NOT EXISTS (SELECT FROM gb26875_device AS d WHERE d.transmitter_id = c.transmitter_id))

-- name: move_commands
-- What replies told of commands, one row a command. The first end counts, and an answer only in time; the name of those moved is returned.
-- index: command_pkey
UPDATE command AS c
SET sent_at = coalesce(c.sent_at, r.sent_at),
    confirmed_at = coalesce(c.confirmed_at, r.confirmed_at),
    answered_at = r.answered_at,
    answer = r.answer,
    failure = r.failure,
    state = CASE WHEN r.answered_at IS NOT NULL THEN 'answered'
                 WHEN r.failure IS NOT NULL THEN 'failed'
                 WHEN c.state = 'expired' THEN 'expired'
                 ELSE 'sent' END
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (command_id uuid, transmitter_id text, sent_at timestamptz, confirmed_at timestamptz,
                                               answered_at timestamptz, answer jsonb, failure text)
WHERE c.command_id = r.command_id AND c.transmitter_id = r.transmitter_id AND c.state IN ('due', 'sent', 'expired')
  AND (r.answered_at IS NULL OR r.answered_at <= c.expires_at)

-- name: names_of_commands
-- What was asked, and of whom.
-- index: command_pkey
SELECT command_id, transmitter_id, name FROM command WHERE command_id = ANY (%(command_ids)s::uuid[])

-- name: answer_duty_check
-- The person on duty pressed the key at %(received_at)s: that answers the newest duty check that was open then.
-- index: command_duty_check
UPDATE command SET state = 'answered', answered_at = %(received_at)s, answer = %(answer)s
WHERE command_id = (SELECT command_id FROM command
                    WHERE transmitter_id = %(transmitter_id)s AND name = 'duty_check' AND state IN ('sent', 'expired')
                      AND sent_at <= %(received_at)s AND expires_at >= %(received_at)s
                    ORDER BY sent_at DESC
                    LIMIT 1)

-- name: standing_troubles
-- Which transmitters do not answer commands, or their duty check, as far as is known.
-- index: condition_pkey
SELECT transmitter_id, kind FROM condition
WHERE transmitter_id = ANY (%(transmitters)s::text[]) AND point = '' AND kind IN ('unresponsive', 'duty_unanswered') AND active

-- name: request_command
-- An operator asks for a command.
-- index: none (adds rows)
INSERT INTO command_request (request_id, transmitter_id, name, content, requested_by, expires_at)
VALUES (%(request_id)s, %(transmitter_id)s, %(name)s, %(content)s, %(operator_id)s, clock_timestamp() + %(seconds)s * interval '1 s')

-- name: command_now
-- One command; null state: nobody took up the request yet.
-- index: command_pkey, command_request_pkey
SELECT coalesce(c.command_id, r.request_id) AS command_id, coalesce(c.transmitter_id, r.transmitter_id) AS transmitter_id,
       coalesce(c.name, r.name) AS name, coalesce(c.content, r.content) AS content, coalesce(c.state, 'requested') AS state,
       coalesce(c.requested_by, r.requested_by) AS requested_by, coalesce(c.issued_at, r.requested_at) AS issued_at,
       coalesce(c.expires_at, r.expires_at) AS expires_at, c.sent_at, c.confirmed_at, c.answered_at, c.latency_seconds, c.answer,
       c.failure, EXISTS (SELECT FROM gb26875_device AS d WHERE d.transmitter_id = coalesce(c.transmitter_id, r.transmitter_id)) AS by_gb26875
FROM (SELECT %(command_id)s::uuid AS command_id) AS wanted
LEFT JOIN command AS c USING (command_id)
LEFT JOIN command_request AS r ON r.request_id = wanted.command_id
WHERE c.command_id IS NOT NULL OR r.request_id IS NOT NULL

-- name: newest_commands
-- The commands issued last, newest first. transmitter_id null: to every transmitter.
-- index: command_recent
SELECT command_id, transmitter_id, name, content, state, requested_by, issued_at, sent_at, confirmed_at, answered_at, latency_seconds, failure
FROM command
WHERE %(transmitter_id)s::text IS NULL OR transmitter_id = %(transmitter_id)s
ORDER BY issued_at DESC
LIMIT %(most)s
