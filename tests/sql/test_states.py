"""The database refuses wrong states, each by the constraint that names it."""

import psycopg
import pytest
from sound_rows import KEY, LATER, NOW, PARENTS, ROWS, insert

NULL = "NULL"
CLOSED = {"handling": "'closed'", "closed_at": NOW, "closed_by": "'Li'"}
VERIFIED = {"verified_at": NOW, "verified_by": "'Li'", "disposition": "'real_fire'"}
LONG = f"'{'x' * 65}'"
NO_ID = ("''", LONG, "'a b'", "'火'", "'a/b'", r"E'a\n'")

WRONG = {
    "village_id_form": [("village", {"village_id": text}) for text in NO_ID],
    "village_name_present": [("village", {"name": "''"})],
    "key_unit_id_form": [("key_unit", {"key_unit_id": text}) for text in NO_ID],
    "key_unit_name_present": [("key_unit", {"name": "''"})],
    "key_unit_dates_in_order": [("key_unit", {"delisted_on": "'2023-12-31'"})],
    "transmitter_id_form": [("transmitter", {"transmitter_id": text}) for text in NO_ID],
    "transmitter_class": [("transmitter", {"class": "'gateway'"})],
    "transmitter_withdrawn_after_accepted": [("transmitter", {"accepted_on": "'2025-03-02'", "withdrawn_on": "'2025-03-01'"})],
    "point_length": [("point", {"point": LONG})],
    "point_facility": [("point", {"facility": "'castle'"})],
    "point_limits_form": [("point", {"limits": text}) for text in ("'500'", "'water_level_m=2,1'", "' water_level_m=2'")],
    "connection_snapshot_occasion": [("connection_snapshot", {"occasion": "'hourly'"})],
    "connection_snapshot_lapse": [("connection_snapshot", {"lapse_days": "0"})],
    "connection_snapshot_unit_reason": [("connection_snapshot_unit", {"reason": "'online'"})],
    "signal_origin_key_length": [("signal", {"origin_key": "'short'"})],
    "signal_class": [("signal", {"class": "'telemetry'", "kind": NULL})],
    "signal_has_a_condition": [
        ("signal", {"kind": NULL}),
        ("signal", {"point": NULL}),
        ("signal", {"active": NULL}),
        ("signal", {"class": "'centre'", "active": NULL}),
        ("signal", {"class": "'snapshot'"}),
        ("signal", {"class": "'reply'"}),
        ("signal", {"class": "'state'"}),
        ("signal", {"class": "'report'"}),
    ],
    "signal_state_has_a_point": [("signal", {"class": "'state'", "kind": NULL, "active": NULL, "point": NULL})],
    "gb26875_device_address_form": [
        ("gb26875_device", {"address": text}) for text in ("''", "'1'", "'0A0000000000'", "'0a00000000000'")
    ],
    "gb26875_device_profile_form": [("gb26875_device", {"profile": text}) for text in ("''", "'Tanda'", "'a b'")],
    "early_warning_block_number": [("early_warning_block", {"block": "-1"})],
    "point_sensitivity_range": [("point_sensitivity", {"sensitivity": text}) for text in ("0.1", "1.1", "'NaN'")],
    "point_sensitivity_has_its_reason": [("point_sensitivity", {"reason": "''"})],
    "point_sensitivity_expires": [
        ("point_sensitivity", {"expires_at": text}) for text in (NOW, f"{NOW}::timestamptz + interval '91 days'")
    ],
    "command_request_name": [("command_request", {"name": "'confirm'"})],
    "command_request_expires_later": [("command_request", {"expires_at": NOW})],
    "command_failed": [("command", {"state": "'failed'"}), ("command", {"failure": "'no answer'"})],
    "signal_raw_kind_of_unclassified": [("signal", {"kind": "'unclassified'"}), ("signal", {"raw_kind": "'fire'"})],
    "signal_occurred_source": [("signal", {"occurred_source": "'guess'"})],
    "signal_inbox_priority": [("signal_inbox", {"priority": "2"}), ("signal_inbox", {"priority": "-1"})],
    "telemetry_inbox_readings": [("telemetry_inbox", {"readings": "0"})],
    "presence_lane": [("presence", {"lane": "'heartbeat'"})],
    "presence_interval": [("presence", {"interval_seconds": "0"}), ("presence", {"interval_seconds": "604801"})],
    "presence_day_lane": [("presence_day", {"lane": "'heartbeat'"})],
    "presence_day_in_order": [("presence_day", {"first_heard_at": LATER})],
    "sequence_head_class": [("sequence_head", {"class": "'telemetry'"})],
    "sequence_head_in_order": [("sequence_head", {"first_seq": "3"})],
    "sequence_gap_class": [("sequence_gap", {"class": "'telemetry'"})],
    "sequence_gap_in_order": [("sequence_gap", {"first_seq": "3"})],
    "sequence_gap_state": [("sequence_gap", {"state": "'lost'", "closed_at": NOW})],
    "sequence_gap_asked": [
        ("sequence_gap", {"asked_times": "1"}),
        ("sequence_gap", {"asked_at": NOW}),
        ("sequence_gap", {"asked_times": "4", "asked_at": NOW}),
        ("sequence_gap", {"asked_times": "-1", "asked_at": NOW}),
    ],
    "sequence_gap_closed": [("sequence_gap", {"closed_at": NOW}), ("sequence_gap", {"state": "'filled'"})],
    "quarantine_key_length": [("quarantine", {"quarantine_key": "'short'"})],
    "quarantine_reason": [("quarantine", {"reason": "'odd'"})],
    "quarantine_payload_bounded": [("quarantine", {"payload": "decode(repeat('00', 262145), 'hex')"})],
    "ingest_uptime_lane": [("ingest_uptime", {"lane": "'heartbeat'"})],
    "ingest_uptime_in_order": [("ingest_uptime", {"up_from": LATER, "heard_until": NOW})],
    "alarm_behaviour": [("alarm", {"behaviour": "'sticky'"})],
    "alarm_handling": [("alarm", {"handling": "'shelved'"})],
    "alarm_priority": [("alarm", {"priority": "4"}), ("alarm", {"priority": "-1"})],
    "alarm_counts": [("alarm", {"occurrences": "0"}), ("alarm", {"re_alarms": "-1"})],
    "alarm_acknowledged": [("alarm", {"acknowledged_at": NOW}), ("alarm", {"acknowledged_by": "'Li'"})],
    "alarm_verified": [("alarm", {**VERIFIED, column: NULL}) for column in VERIFIED],
    "alarm_closed": [
        ("alarm", {"handling": "'closed'"}),
        ("alarm", {"closed_at": NOW, "closed_by": "'Li'"}),
        ("alarm", {**CLOSED, "closed_by": NULL}),
    ],
    "alarm_handling_has_its_person": [("alarm", {"handling": "'acknowledged'"}), ("alarm", {"handling": "'verified'"})],
    "alarm_latching_closed_by_a_person": [("alarm", {**CLOSED, "closed_by": "'device'"})],
    "alarm_disposition": [("alarm", {**VERIFIED, "disposition": "'nothing'"})],
    "alarm_publication_priority": [("alarm_publication", {"priority": "4"})],
    "notification_state": [("notification", {"state": "'lost'"})],
    "notification_sent": [("notification", {"state": "'sent'"}), ("notification", {"sent_at": NOW})],
    "command_name": [("command", {"name": "'confirm'"})],
    "command_state": [("command", {"state": "'lost'"})],
    "command_answered": [("command", {"state": "'answered'"}), ("command", {"answered_at": NOW})],
    "command_expires_later": [("command", {"expires_at": NOW})],
    "operator_id_form": [("operator", {"operator_id": text}) for text in NO_ID],
    "operator_action_action": [("operator_action", {"action": "'silence'"})],
    "operator_action_disposition": [
        ("operator_action", {"action": "'verify'"}),
        ("operator_action", {"disposition": "'real_fire'"}),
        ("operator_action", {"action": "'verify'", "disposition": "'nothing'"}),
    ],
    "operator_action_false_alarm_has_its_cause": [
        ("operator_action", {"action": "'verify'", "disposition": "'false_alarm'", "cause": cause}) for cause in (NULL, "''")
    ],
}
CASES = [(constraint, *case) for constraint, cases in WRONG.items() for case in cases]

TWICE = {
    "signal_pkey": ("signal", {}, {"seq": "7"}),
    "telemetry_once": ("telemetry", {}, {"temperature_celsius": "1"}),
    "connection_snapshot_one_daily": ("connection_snapshot", {}, {"taken_at": LATER}),
    "alarm_one_open": ("alarm", {}, {"handling": "'acknowledged'", "acknowledged_at": NOW, "acknowledged_by": "'Li'"}),
    "gb26875_device_one_address": ("gb26875_device", {}, {"transmitter_id": "'T3'"}),
    "alarm_journal_request_id_key": ("alarm_journal", {}, {"effect": "'none'"}),
    "notification_alarm_id_occasion_recipient_key": (
        "notification",
        {},
        {"notification_id": "'00000000-0000-0000-0000-000000000002'"},
    ),
    "quarantine_pkey": ("quarantine", {}, {"reason": "'shape'"}),
}
AND_YET = {
    "the same counter with another content": ("signal", {"seq": "1"}, {"seq": "1", "origin_key": KEY.replace("00", "ff")}),
    "a reading with another content": ("telemetry", {}, {"digest": "2"}),
    "a second look on the same day": ("connection_snapshot", {"occasion": "'on_demand'"}, {"occasion": "'on_demand'"}),
    "an alarm after a closed one": ("alarm", CLOSED, {}),
    "two alarms of unclassified kinds": ("alarm", {"raw_kind": "'a'"}, {"raw_kind": "'b'"}),
    "the next occasion": ("notification", {}, {"notification_id": "'00000000-0000-0000-0000-000000000002'", "occasion": "2"}),
}


@pytest.fixture(scope="module")
def connection(database_server, template_database):
    """Of the superuser, with the rows that others refer to."""
    database_server.create_database("states", template="wanghuo_template")
    with psycopg.connect(database_server.superuser_url("states"), autocommit=True) as connection:
        for statement in PARENTS:
            connection.execute(statement)
        yield connection
    database_server.drop_database("states")


@pytest.fixture
def attempt(connection):
    """Run statements and leave nothing behind."""
    with connection.transaction(force_rollback=True):
        yield connection.execute


def test_every_named_check_is_tried_here(connection):
    checks = connection.execute("SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace")
    assert {name for (name,) in checks} == WRONG.keys()


@pytest.mark.parametrize("table", ROWS)
def test_a_sound_row_is_taken(attempt, table):
    attempt(insert(table))


def test_there_is_a_sound_row_for_every_table(connection):
    tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'")
    assert {name for (name,) in tables} == ROWS.keys()


@pytest.mark.parametrize(
    ("constraint", "table", "changed"), CASES, ids=[f"{case[0]}-{number}" for number, case in enumerate(CASES)]
)
def test_a_wrong_state_is_refused_by_name(attempt, constraint, table, changed):
    with pytest.raises(psycopg.errors.CheckViolation) as caught:
        attempt(insert(table, **changed))
    assert caught.value.diag.constraint_name == constraint


@pytest.mark.parametrize(("index", "table", "first", "second"), [(name, *case) for name, case in TWICE.items()], ids=TWICE)
def test_the_same_twice_is_refused_by_name(attempt, index, table, first, second):
    attempt(insert(table, **first))
    with pytest.raises(psycopg.errors.UniqueViolation) as caught:
        attempt(insert(table, **second))
    assert str(caught.value.diag.constraint_name).endswith(index)


@pytest.mark.parametrize(("table", "first", "second"), AND_YET.values(), ids=AND_YET)
def test_what_is_not_the_same_is_taken(attempt, table, first, second):
    attempt(insert(table, **first))
    attempt(insert(table, **second))
