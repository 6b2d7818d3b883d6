"""One row for every table that the database takes, as SQL by column; what a test leaves out is its default."""

NOW = "'2025-03-01T00:00:00Z'"
LATER = "'2025-03-01T00:00:01Z'"
KEY = r"'\x00112233445566778899aabbccddeeff'"
UUID = "'00000000-0000-0000-0000-000000000001'"
SPAN = {"transmitter_id": "'T1'", "class": "'signal'", "boot": "1", "first_seq": "1", "last_seq": "2"}

PARENTS = (
    "INSERT INTO village VALUES ('V1', 'Eins')",
    "INSERT INTO key_unit (key_unit_id, village_id, name, has_control_room, listed_on) VALUES ('U1', 'V1', 'Unit', true, '2024-01-01')",
    "INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class) VALUES ('T1', 'U1', 'V1', 'detector')",
    "INSERT INTO transmitter (transmitter_id, village_id, class) VALUES ('T3', 'V1', 'control_room')",
    "INSERT INTO connection_snapshot OVERRIDING SYSTEM VALUE VALUES (1000, '2025-03-01', now(), 'on_demand', 1, 30)",
    (
        "INSERT INTO alarm (alarm_id, transmitter_id, point, kind, behaviour, priority, registered, device_active, occurred_at, received_at, "
        "changed_at) OVERRIDING SYSTEM VALUE VALUES (1000, 'T0', '', 'fire_alarm', 'latching', 0, true, true, now(), now(), now())"
    ),
)
"""Rows that others refer to."""

ROWS = {
    "village": {"village_id": "'V2'", "name": "'Zwei'"},
    "key_unit": {
        "key_unit_id": "'U2'",
        "village_id": "'V1'",
        "name": "'Unit'",
        "has_control_room": "true",
        "listed_on": "'2024-01-01'",
    },
    "transmitter": {"transmitter_id": "'T2'", "village_id": "'V1'", "class": "'sleepy'"},
    "point": {"transmitter_id": "'T1'", "point": "'1-1'"},
    "gb26875_device": {"transmitter_id": "'T1'", "address": "'0a0000000000'"},
    "connection_snapshot": {
        "on_date": "'2025-03-01'",
        "taken_at": NOW,
        "occasion": "'daily'",
        "definition_version": "1",
        "lapse_days": "30",
    },
    "connection_snapshot_unit": {
        "snapshot_id": "1000",
        "key_unit_id": "'U1'",
        "village_id": "'V1'",
        "has_control_room": "true",
        "connected": "true",
        "online": "true",
        "reason": "'connected'",
    },
    "signal": {
        "transmitter_id": "'T1'",
        "origin_key": KEY,
        "class": "'signal'",
        "point": "''",
        "kind": "'fire_alarm'",
        "active": "true",
        "occurred_at": NOW,
        "occurred_source": "'device'",
        "received_at": NOW,
        "payload": "'{}'",
    },
    "signal_inbox": {"priority": "0", "transmitter_id": "'T1'", "origin_key": KEY},
    "telemetry": {"time": NOW, "transmitter_id": "'T1'", "point": "''", "boot": "1", "seq": "1", "digest": "1", "received_at": NOW},
    "telemetry_inbox": {"received_at": NOW, "readings": "1", "packed": "''"},
    "presence": {"transmitter_id": "'T1'", "lane": "'signal'", "last_heard_at": NOW},
    "presence_day": {
        "transmitter_id": "'T1'",
        "day": "'2025-03-01'",
        "lane": "'telemetry'",
        "first_heard_at": NOW,
        "last_heard_at": NOW,
        "minutes": "0::bit(1440)",
        "messages": "1",
    },
    "sequence_head": SPAN,
    "sequence_gap": {**SPAN, "found_at": NOW},
    "quarantine": {
        "quarantine_key": KEY,
        "received_at": NOW,
        "topic": "''",
        "reason": "'json'",
        "detail": "''",
        "payload": "''",
        "payload_length": "0",
        "payload_digest": "''",
    },
    "ingest_uptime": {"lane": "'signal'", "up_from": NOW, "heard_until": LATER},
    "condition": {
        "transmitter_id": "'T1'",
        "point": "''",
        "kind": "'fire_alarm'",
        "occurred_at": NOW,
        "received_at": NOW,
        "active": "true",
    },
    "alarm": {
        "transmitter_id": "'T1'",
        "point": "''",
        "kind": "'fire_alarm'",
        "behaviour": "'latching'",
        "priority": "0",
        "registered": "true",
        "device_active": "true",
        "occurred_at": NOW,
        "received_at": NOW,
        "changed_at": NOW,
    },
    "alarm_journal": {
        "alarm_id": "1000",
        "transmitter_id": "'T1'",
        "at": NOW,
        "event": "'began'",
        "actor": "'device'",
        "effect": "'raised'",
        "request_id": UUID,
    },
    "alarm_publication": {"alarm_id": "1000", "priority": "0", "content": "'{}'"},
    "notification": {
        "notification_id": UUID,
        "alarm_id": "1000",
        "occasion": "1",
        "recipient": "'Li'",
        "title": "''",
        "body": "''",
        "due_at": NOW,
    },
    "command": {
        "command_id": UUID,
        "transmitter_id": "'T1'",
        "name": "'query'",
        "requested_by": "'Li'",
        "issued_at": NOW,
        "expires_at": LATER,
    },
    "command_request": {
        "request_id": UUID,
        "transmitter_id": "'T1'",
        "name": "'query'",
        "requested_by": "'Li'",
        "requested_at": NOW,
        "expires_at": LATER,
    },
    "early_warning_block": {"block": "0", "packed": "''", "stored_at": NOW},
    "point_sensitivity": {
        "transmitter_id": "'T1'",
        "point": "''",
        "sensitivity": "0.5",
        "reason": "'a stove'",
        "ordered_by": "'Li'",
        "ordered_at": NOW,
        "expires_at": LATER,
    },
    "operator": {"operator_id": "'Li'", "name": "'Li'"},
    "operator_action": {"request_id": UUID, "alarm_id": "1000", "operator_id": "'Li'", "action": "'acknowledge'"},
}


def insert(table, **changed):
    """The statement that adds the sound row of a table, with some columns changed."""
    row = {**ROWS[table], **changed}
    columns = ", ".join(f'"{column}"' for column in row)
    return f"INSERT INTO {table} ({columns}) VALUES ({', '.join(row.values())})"
