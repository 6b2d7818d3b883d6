-- Who must be connected, and who is. Days are days in Asia/Shanghai; ids are as in the register.

-- name: lock_register
-- Lets one import, enrolment or withdrawal change the register at a time; freed at the end of the transaction.
-- index: none (no table)
SELECT pg_advisory_xact_lock(%(key)s)

-- name: villages
-- The whole register of villages, by id.
-- index: village_pkey
SELECT village_id, name FROM village ORDER BY village_id

-- name: key_units
-- The whole register of key units, whenever listed.
-- index: none (all of them: some thousand rows)
SELECT key_unit_id, village_id, name, category, address, telephone, has_control_room, listed_on, delisted_on FROM key_unit

-- name: transmitters
-- The whole register of transmitters.
-- index: none (all of them: some thousand rows)
SELECT transmitter_id, key_unit_id, village_id, class, name, place, path, contracted_on, installed_on, accepted_on, withdrawn_on,
       enrolled_at
FROM transmitter

-- name: points
-- The whole register of points.
-- index: none (all of them: some ten thousand rows)
SELECT transmitter_id, point, name, place, zone, facility, limits, registered FROM point

-- name: put_village
-- index: village_pkey
INSERT INTO village (village_id, name) VALUES (%(village_id)s, %(name)s)
ON CONFLICT (village_id) DO UPDATE SET name = excluded.name

-- name: put_key_unit
-- index: key_unit_pkey
INSERT INTO key_unit (key_unit_id, village_id, name, category, address, telephone, has_control_room, listed_on, delisted_on)
VALUES (%(key_unit_id)s, %(village_id)s, %(name)s, %(category)s, %(address)s, %(telephone)s, %(has_control_room)s, %(listed_on)s,
        %(delisted_on)s)
ON CONFLICT (key_unit_id) DO UPDATE SET
  village_id = excluded.village_id, name = excluded.name, category = excluded.category, address = excluded.address,
  telephone = excluded.telephone, has_control_room = excluded.has_control_room, listed_on = excluded.listed_on,
  delisted_on = excluded.delisted_on

-- name: put_transmitter
-- Leaves enrolled_at alone: only enrolment and revocation change it.
-- index: transmitter_pkey
INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class, name, place, path, contracted_on, installed_on, accepted_on,
                         withdrawn_on)
VALUES (%(transmitter_id)s, %(key_unit_id)s, %(village_id)s, %(class)s, %(name)s, %(place)s, %(path)s, %(contracted_on)s,
        %(installed_on)s, %(accepted_on)s, %(withdrawn_on)s)
ON CONFLICT (transmitter_id) DO UPDATE SET
  key_unit_id = excluded.key_unit_id, village_id = excluded.village_id, class = excluded.class, name = excluded.name,
  place = excluded.place, path = excluded.path, contracted_on = excluded.contracted_on, installed_on = excluded.installed_on,
  accepted_on = excluded.accepted_on, withdrawn_on = excluded.withdrawn_on

-- name: put_point
-- index: point_pkey
INSERT INTO point (transmitter_id, point, name, place, zone, facility, limits, registered)
VALUES (%(transmitter_id)s, %(point)s, %(name)s, %(place)s, %(zone)s, %(facility)s, %(limits)s, true)
ON CONFLICT (transmitter_id, point) DO UPDATE SET
  name = excluded.name, place = excluded.place, zone = excluded.zone, facility = excluded.facility, limits = excluded.limits,
  registered = true

-- name: remove_village
-- Refused by the foreign keys while a key unit or transmitter stands in it.
-- index: village_pkey
DELETE FROM village WHERE village_id = %(village_id)s

-- name: transmitter
-- One transmitter, locked against a second enrolment or withdrawal of it.
-- index: transmitter_pkey
SELECT t.transmitter_id, t.key_unit_id, t.village_id, t.class, t.accepted_on, t.withdrawn_on, t.enrolled_at,
       d.address, d.source_network::text AS source_network, d.profile
FROM transmitter t LEFT JOIN gb26875_device d ON d.transmitter_id = t.transmitter_id
WHERE t.transmitter_id = %(transmitter_id)s
FOR UPDATE OF t

-- name: village_of_unit
-- index: key_unit_pkey
SELECT village_id FROM key_unit WHERE key_unit_id = %(key_unit_id)s

-- name: mark_enrolled
-- at: when the broker first took the new credentials.
-- index: transmitter_pkey
UPDATE transmitter SET enrolled_at = %(at)s WHERE transmitter_id = ANY(%(transmitter_ids)s)

-- name: put_gb26875_device
-- address: six bytes as on the wire, hexadecimal; source_network: null: from anywhere.
-- index: gb26875_device_pkey
INSERT INTO gb26875_device (transmitter_id, address, source_network, profile)
VALUES (%(transmitter_id)s, %(address)s, %(source_network)s::cidr, %(profile)s)
ON CONFLICT (transmitter_id) DO UPDATE SET
  address = excluded.address, source_network = excluded.source_network, profile = excluded.profile

-- name: remove_gb26875_devices
-- index: none (all of them: some hundred rows)
DELETE FROM gb26875_device WHERE transmitter_id = ANY(%(transmitter_ids)s)

-- name: gb26875_device_at
-- The device that has an address in a network (null: from anywhere) already.
-- index: none (all of them: some hundred rows)
SELECT transmitter_id FROM gb26875_device
WHERE address = %(address)s AND source_network IS NOT DISTINCT FROM %(source_network)s::cidr

-- name: accept
-- The first day on which it counts.
-- index: transmitter_pkey
UPDATE transmitter SET accepted_on = %(on_date)s WHERE transmitter_id = %(transmitter_id)s

-- name: withdraw
-- The first day on which it no longer counts; a transmitter withdrawn before keeps the earlier day.
-- index: transmitter_pkey
UPDATE transmitter SET withdrawn_on = least(withdrawn_on, %(on_date)s) WHERE transmitter_id = %(transmitter_id)s

-- name: to_enrol
-- Transmitters that belong to the register today and have no credentials yet, by id. on_date: today.
-- index: none (all of them: some thousand rows)
SELECT transmitter_id FROM transmitter
WHERE enrolled_at IS NULL AND (withdrawn_on IS NULL OR withdrawn_on > %(on_date)s)
ORDER BY transmitter_id

-- name: heard_transmitters
-- Transmitters of key units, each with the last sign of life on or before a day.
-- index: presence_day_pkey
SELECT t.transmitter_id, t.key_unit_id, t.class, t.accepted_on, t.withdrawn_on, heard.last_heard_at
FROM transmitter t
LEFT JOIN LATERAL (
  SELECT max(d.last_heard_at) AS last_heard_at FROM presence_day d
  WHERE d.transmitter_id = t.transmitter_id AND d.day <= %(on_date)s
  GROUP BY d.day ORDER BY d.day DESC LIMIT 1
) heard ON true
WHERE t.key_unit_id IS NOT NULL

-- name: listening_since
-- The first instant from which the centre heard anything at all; null before the first start of ingest.
-- index: none (the whole table: a row for every outage)
SELECT min(up_from) FROM ingest_uptime

-- name: add_snapshot
-- taken_at: now; occasion: daily or on_demand. No row comes back where the daily snapshot of that day exists already.
-- index: connection_snapshot_one_daily
INSERT INTO connection_snapshot (on_date, taken_at, occasion, definition_version, lapse_days)
VALUES (%(on_date)s, %(taken_at)s, %(occasion)s, %(definition_version)s, %(lapse_days)s)
ON CONFLICT (on_date, definition_version, lapse_days) WHERE occasion = 'daily' DO NOTHING
RETURNING snapshot_id

-- name: add_snapshot_unit
-- index: none (adds rows)
INSERT INTO connection_snapshot_unit
  (snapshot_id, key_unit_id, village_id, has_control_room, connected, online, reason, transmitter_id, last_heard_at)
VALUES (%(snapshot_id)s, %(key_unit_id)s, %(village_id)s, %(has_control_room)s, %(connected)s, %(online)s, %(reason)s,
        %(transmitter_id)s, %(last_heard_at)s)

-- name: last_daily_snapshot
-- The newest day that has its daily snapshot by this definition.
-- index: none (a row a day)
SELECT on_date FROM connection_snapshot
WHERE occasion = 'daily' AND definition_version = %(definition_version)s AND lapse_days = %(lapse_days)s
ORDER BY on_date DESC LIMIT 1

-- name: snapshots
-- Snapshots of the days from first to last with their evidence, a row for every unit (one row without unit where there was none).
-- index: connection_snapshot_unit_pkey
SELECT s.snapshot_id, s.on_date, s.taken_at, s.occasion, s.definition_version, s.lapse_days, u.key_unit_id, u.village_id,
       u.has_control_room, u.connected, u.online, u.reason, u.transmitter_id, u.last_heard_at
FROM connection_snapshot s LEFT JOIN connection_snapshot_unit u USING (snapshot_id)
WHERE s.on_date BETWEEN %(first)s AND %(last)s
ORDER BY s.on_date, s.snapshot_id, u.village_id, u.key_unit_id

-- name: next_signal
-- The receive time of the first signal received at or after an instant (null: of all).
-- index: signal_received
SELECT min(received_at) FROM signal WHERE received_at >= coalesce(%(since)s, '-infinity'::timestamptz)

-- name: add_unregistered_points
-- Points named by signals, states and snapshots received from since (included) to until (excluded), of transmitters in the register, that the
-- register does not have. The transmitter itself (point '') is no point.
-- index: signal_received
INSERT INTO point (transmitter_id, point, registered)
SELECT DISTINCT seen.transmitter_id, seen.point, false
FROM (
  SELECT s.transmitter_id, s.point FROM signal s
  WHERE s.received_at >= %(since)s AND s.received_at < %(until)s AND s.class IN ('signal', 'state')
  UNION ALL
  SELECT s.transmitter_id, active.condition ->> 'point' FROM signal s
  CROSS JOIN LATERAL jsonb_path_query(s.detail, 'lax $.active[*]') AS active (condition)
  WHERE s.received_at >= %(since)s AND s.received_at < %(until)s AND s.class = 'snapshot'
) seen
WHERE seen.point <> '' AND length(seen.point) <= 64
  AND EXISTS (SELECT FROM transmitter t WHERE t.transmitter_id = seen.transmitter_id)
  AND NOT EXISTS (SELECT FROM point p WHERE p.transmitter_id = seen.transmitter_id AND p.point = seen.point)
ON CONFLICT DO NOTHING

-- name: listing
-- The register of transmitters as a person reads it, by id; both filters may be null.
-- index: presence_pkey
SELECT t.transmitter_id, t.class AS transmitter_class, t.village_id, v.name AS village, t.key_unit_id, u.name AS key_unit, t.name,
       t.place, t.path, t.contracted_on, t.installed_on, t.accepted_on, t.withdrawn_on, t.enrolled_at, heard.last_heard_at,
       heard.clock_offset_seconds,
       CASE WHEN d.transmitter_id IS NOT NULL THEN 'gb26875' WHEN t.enrolled_at IS NOT NULL THEN 'mqtt' END AS wire,
       d.address, d.source_network::text AS source_network, d.profile
FROM transmitter t JOIN village v ON v.village_id = t.village_id LEFT JOIN key_unit u ON u.key_unit_id = t.key_unit_id
LEFT JOIN gb26875_device d ON d.transmitter_id = t.transmitter_id
LEFT JOIN LATERAL (
  SELECT max(p.last_heard_at) AS last_heard_at,
         (array_agg(p.clock_offset_seconds ORDER BY p.last_heard_at DESC) FILTER (WHERE p.clock_offset_seconds IS NOT NULL))[1]
           AS clock_offset_seconds
  FROM presence p WHERE p.transmitter_id = t.transmitter_id
) heard ON true
WHERE (%(transmitter_id)s::text IS NULL OR t.transmitter_id = %(transmitter_id)s)
  AND (%(village_id)s::text IS NULL OR t.village_id = %(village_id)s)
ORDER BY t.transmitter_id

-- name: points_of
-- index: point_pkey
SELECT point, name, place, zone, facility, limits, registered FROM point WHERE transmitter_id = %(transmitter_id)s ORDER BY point

-- name: open_gaps_of
-- index: sequence_gap_pkey
SELECT class AS message_class, boot, first_seq, last_seq, found_at, asked_times FROM sequence_gap
WHERE transmitter_id = %(transmitter_id)s AND state = 'open' ORDER BY class, boot, first_seq
