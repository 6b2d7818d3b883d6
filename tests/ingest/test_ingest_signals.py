"""What the signal lane stores, hands over and confirms."""

import json

from ingest_world import NOON, column, enrol, message, rows, seqs, signal

FACTS = "SELECT * FROM signal ORDER BY stored_at, transmitter_id, seq"
INBOX = "SELECT i.priority, s.* FROM signal_inbox i JOIN signal s USING (transmitter_id, origin_key) ORDER BY inbox_id"


def page(seq: int, number: int, *, pages: int, boot: int = 1, active=(("1-1", "fault"),)) -> dict:
    conditions = [{"point": point, "kind": kind} for point, kind in active]
    return {"boot": boot, "seq": seq, "page": number, "pages": pages, "active": conditions}


def reply(seq: int, to: str, **others: object) -> dict:
    return {"boot": 1, "seq": seq, "to": to, "ok": True, **others}


async def test_a_signal_is_stored_handed_over_and_confirmed(signals, database):
    commands = await signals.take(message(signal(5, text="烟")))
    (stored,) = rows(database, FACTS)
    assert (stored["transmitter_id"], stored["class"], stored["boot"], stored["seq"]) == ("T1", "signal", 1, 5)
    assert (stored["point"], stored["kind"], stored["raw_kind"], stored["active"]) == ("1-1", "fire_alarm", "", True)
    assert stored["detail"] == {"text": "烟"}
    assert (stored["occurred_source"], stored["received_at"]) == ("device", NOON)
    assert json.loads(stored["payload"]) == signal(5, text="烟")
    (handed,) = rows(database, INBOX)
    assert (handed["priority"], handed["origin_key"]) == (0, stored["origin_key"])
    assert seqs(commands) == [("T1", "signal", 1, [5])]


async def test_a_duplicate_is_confirmed_and_stored_once(signals, database):
    await signals.take(message(signal(5)))
    # The same members in another order, from another connection, much later: still the same fact.
    signals.pass_time(86_400)
    again = message(json.dumps(dict(reversed(signal(5).items()))).encode(), duplicate=True)
    commands = await signals.take(again, again)
    assert len(rows(database, FACTS)) == len(rows(database, INBOX)) == 1
    assert seqs(commands) == [("T1", "signal", 1, [5])]


async def test_fire_goes_before_everything_else(signals, database):
    await signals.take(message([signal(1, kind="fault"), signal(2, kind="fire_alarm", point="2"), signal(3, kind="test")]))
    found = column(
        database, "SELECT kind FROM signal_inbox JOIN signal USING (transmitter_id, origin_key) ORDER BY priority, inbox_id"
    )
    assert found == ["fire_alarm", "fault", "test"]


async def test_an_unknown_kind_is_unclassified_under_its_own_word_and_no_device_states_what_the_centre_states(signals, database):
    await signals.take(message([signal(1, kind="瓦斯"), signal(2, kind="offline"), signal(3, kind="unclassified")]))
    found = [(row["kind"], row["raw_kind"], row["priority"]) for row in rows(database, INBOX)]
    assert found == [("unclassified", "瓦斯", 0), ("unclassified", "offline", 0), ("unclassified", "unclassified", 0)]


async def test_the_same_number_with_another_content_is_a_new_fact_and_one_conflict(signals, database):
    await signals.take(message(signal(5, kind="fault")))
    commands = await signals.take(message(signal(5, kind="fire_alarm")), message(signal(5, kind="gas_alarm")))
    assert seqs(commands) == [("T1", "signal", 1, [5])]
    kinds = [row["kind"] for row in rows(database, INBOX)]
    assert kinds == ["fault", "fire_alarm", "gas_alarm", "key_conflict"]
    (conflict,) = [row for row in rows(database, FACTS) if row["class"] == "centre"]
    assert conflict["detail"] == {"class": "signal", "boot": 1, "seq": 5}
    assert (conflict["boot"], conflict["seq"], conflict["point"], conflict["active"]) == (None, None, "", True)


async def test_numbers_of_another_class_or_boot_are_no_conflict(signals, database):
    await signals.take(message(signal(5)), message(signal(5, boot=2)), message(reply(5, "query.1"), of="reply"))
    assert "key_conflict" not in [row["kind"] for row in rows(database, FACTS)]


async def test_a_fire_of_an_unknown_transmitter_rings_and_is_quarantined(signals, database):
    commands = await signals.take(message(signal(5), transmitter="nobody"))
    assert [(row["transmitter_id"], row["kind"]) for row in rows(database, INBOX)] == [("nobody", "fire_alarm")]
    (held,) = rows(database, "SELECT * FROM quarantine")
    assert (held["transmitter_id"], held["class"], held["reason"]) == ("nobody", "signal", "unknown_transmitter")
    assert (held["boot"], held["seq"]) == (1, 5)
    assert seqs(commands) == [("nobody", "signal", 1, [5])]
    assert column(database, "SELECT transmitter_id FROM presence") == []


async def test_a_transmitter_is_known_as_soon_as_it_is_enrolled_and_unknown_once_withdrawn(signals, database):
    await signals.transmitters.refresh(signals.store)
    enrol(database, "new")
    await signals.take(message(signal(1), transmitter="new"))
    assert rows(database, "SELECT * FROM quarantine") == []
    assert len(rows(database, INBOX)) == 1


async def test_a_retained_signal_is_stored_once_and_is_no_sign_of_life(signals, database):
    await signals.take(message(signal(5), retain=True))
    await signals.take(message(signal(5), retain=True))
    assert len(rows(database, INBOX)) == 1
    assert rows(database, "SELECT * FROM presence") == []


async def test_a_signal_without_a_readable_counter_rings_once_a_minute_and_cannot_be_confirmed(signals, database):
    bare = message({"point": "1", "kind": "fire_alarm", "active": True})
    assert await signals.take(bare) == []
    signals.pass_time(50)
    assert await signals.take(bare) == []
    assert len(rows(database, INBOX)) == 1
    signals.pass_time(130)
    await signals.take(bare)
    assert len(rows(database, INBOX)) == 2


async def test_pages_complete_a_snapshot_once_in_whatever_order(signals, database):
    pages = [page(10, 1, pages=3), page(11, 2, pages=3, active=[("9", "fire_alarm")]), page(12, 3, pages=3, active=[])]
    for number in (2, 0, 2):
        await signals.take(message(pages[number], of="snapshot"))
    assert rows(database, INBOX) == []
    commands = await signals.take(message(pages[1], of="snapshot"))
    assert seqs(commands) == [("T1", "snapshot", 1, [11])]
    await signals.take(*(message(found, of="snapshot", duplicate=True) for found in pages))
    (handed,) = rows(database, INBOX)
    assert (handed["seq"], handed["priority"]) == (11, 0)
    assert handed["detail"] == {"page": 2, "pages": 3, "active": [{"point": "9", "kind": "fire_alarm"}]}
    assert len(rows(database, FACTS)) == 3


async def test_pages_in_one_message_complete_a_snapshot_once(signals, database):
    await signals.take(message([page(1, 1, pages=2), page(2, 2, pages=2), page(3, 1, pages=1)], of="snapshot"))
    assert [(row["seq"], row["priority"]) for row in rows(database, INBOX)] == [(2, 1), (3, 1)]


async def test_a_fire_on_a_page_stored_before_makes_the_snapshot_urgent(signals, database):
    await signals.take(message(page(1, 1, pages=2, active=[("7", "what_we_do_not_know")]), of="snapshot"))
    await signals.take(message(page(2, 2, pages=2), of="snapshot"))
    assert [(row["seq"], row["priority"]) for row in rows(database, INBOX)] == [(2, 0)]


async def test_a_device_that_counts_anew_has_its_snapshot_heard_all_the_same(signals, database):
    await signals.take(message(page(1, 1, pages=1), of="snapshot"))
    await signals.take(message(page(1, 1, pages=1, active=[("2", "fire_alarm")]), of="snapshot"))
    handed = [(row["class"], row["detail"].get("active")) for row in rows(database, INBOX)]
    assert ("snapshot", [{"point": "2", "kind": "fire_alarm"}]) in handed
    assert [row["kind"] for row in rows(database, INBOX)] == [None, None, "key_conflict"]


async def test_a_reply_is_handed_over_and_a_reply_to_a_confirm_is_not_confirmed(signals, database):
    (confirm,) = await signals.take(message(reply(1, "duty.1", operator="王"), of="reply"))
    assert seqs([confirm]) == [("T1", "reply", 1, [1])]
    (handed,) = rows(database, INBOX)
    assert handed["detail"] == {"to": "duty.1", "ok": True, "operator": "王", "text": None, "gone": []}
    identity = json.loads(confirm.payload)["id"]
    assert await signals.take(message(reply(2, identity), of="reply")) == []


async def test_a_status_is_a_hint_and_no_sign_of_life(signals, database):
    await signals.take(message({"online": True}, of="status", retain=True))
    assert rows(database, "SELECT * FROM presence") == []
    await signals.take(message(signal(1)))
    await signals.take(message({"online": False}, of="status"))
    (row,) = rows(database, "SELECT * FROM presence")
    assert (row["last_heard_at"], row["status_online"], row["status_at"]) == (NOON, False, NOON)


async def test_a_status_heard_before_everything_else_is_kept_for_its_row(signals, database):
    await signals.take(message({"online": True}, of="status"))
    await signals.take(message(signal(1)))
    assert column(database, "SELECT status_online FROM presence") == [True]


async def test_presence_says_when_and_by_which_clock(signals, database):
    await signals.catch_up()
    await signals.take(message(signal(1)))
    (row,) = rows(database, "SELECT * FROM presence")
    assert (row["transmitter_id"], row["point"], row["lane"], row["last_heard_at"]) == ("T1", "", "signal", NOON)
    assert row["clock_offset_seconds"] == 0.5
    (day,) = rows(database, "SELECT *, minutes::text AS bits FROM presence_day")
    assert (str(day["day"]), day["messages"], day["bits"].index("1"), day["bits"].count("1")) == ("2026-11-23", 1, 720, 1)


async def test_replays_and_redeliveries_say_nothing_of_a_clock(signals, database):
    await signals.take(message(signal(7)))  # before the lane has caught up
    await signals.catch_up()
    await signals.take(message(signal(8), duplicate=True), message(signal(6)), message(signal(7)))
    signals.pass_time(60)
    await signals.take(message(signal(8)))
    assert column(database, "SELECT clock_offset_seconds FROM presence") == [None]


async def test_a_device_behind_a_bridge_is_heard_too(signals, database):
    enrol(database, "bridge", transmitter_class="bridge")
    await signals.take(message([signal(1, point="cam-1"), signal(2, point="")], transmitter="bridge"))
    assert sorted(column(database, "SELECT point FROM presence")) == ["", "cam-1"]
    assert column(database, "SELECT transmitter_id FROM presence_day") == ["bridge"]


async def test_a_gap_opens_fills_and_is_given_up_by_its_transmitter(signals, database):
    gaps = "SELECT first_seq, last_seq, state FROM sequence_gap ORDER BY first_seq"
    await signals.take(message(signal(1)), message(signal(10)))
    assert [tuple(row.values()) for row in rows(database, gaps)] == [(2, 9, "open")]
    await signals.take(message(signal(4)))
    assert [tuple(row.values()) for row in rows(database, gaps)] == [(2, 3, "open"), (4, 4, "filled"), (5, 9, "open")]
    await signals.take(message(reply(1, "resend.signal.1.abcd", gone=[[2, 3], [8, 20]]), of="reply"))
    assert [tuple(row.values()) for row in rows(database, gaps)] == [
        (2, 3, "unrecoverable"),
        (4, 4, "filled"),
        (5, 7, "open"),
        (8, 9, "unrecoverable"),
    ]
    await signals.take(message(signal(9)))
    assert column(database, "SELECT first_seq FROM sequence_gap WHERE state = 'filled' ORDER BY 1") == [4, 9]
    assert [
        tuple(row.values()) for row in rows(database, "SELECT first_seq, last_seq FROM sequence_head WHERE class = 'signal'")
    ] == [(1, 10)]


async def test_a_transmitter_can_give_up_nobody_elses_gap(signals, database):
    await signals.take(message(signal(1)), message(signal(5)))
    await signals.take(message(reply(1, "resend.signal.1.abcd", gone=[[2, 4]]), of="reply", transmitter="T2"))
    assert column(database, "SELECT state FROM sequence_gap") == ["open"]
