-- Alarms with the names of their place, for people's eyes: shell, board, reports.
SET LOCAL ROLE wanghuo_owner;

CREATE VIEW alarm_at_place AS
SELECT a.alarm_id, a.priority, a.kind, a.raw_kind, a.behaviour, a.device_active, a.handling, a.re_alarms, a.occurrences,
       a.occurred_at, a.received_at, a.raised_at, a.changed_at, a.village_id, coalesce(v.name, '') AS village_name, a.key_unit_id,
       coalesce(u.name, '') AS key_unit_name, coalesce(u.address, '') AS address, coalesce(u.telephone, '') AS telephone,
       a.transmitter_id, coalesce(t.name, '') AS transmitter_name, coalesce(t.place, '') AS transmitter_place,
       a.point, coalesce(p.name, '') AS point_name, coalesce(p.place, '') AS point_place, a.registered, a.reason, a.detail,
       a.acknowledged_at, a.acknowledged_by, a.verified_at, a.verified_by, a.disposition, a.cause, a.closed_at, a.closed_by
FROM alarm AS a
LEFT JOIN village AS v ON v.village_id = a.village_id
LEFT JOIN key_unit AS u ON u.key_unit_id = a.key_unit_id
LEFT JOIN transmitter AS t ON t.transmitter_id = a.transmitter_id
LEFT JOIN point AS p ON p.transmitter_id = a.transmitter_id AND p.point = a.point;
