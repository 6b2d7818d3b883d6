"""What the signal lane stores, hands over and confirms."""

import json

from ingest_world import column, message, rows, seqs, signal


async def test_a_signal_is_stored_handed_over_and_confirmed(signals, database):
    commands = await signals.take(message(signal(5, text="烟")))
    (stored,) = rows(database, "SELECT * FROM signal")
    assert (stored["transmitter_id"], stored["class"], stored["boot"], stored["seq"]) == ("T1", "signal", 1, 5)
    assert (stored["point"], stored["kind"], stored["raw_kind"], stored["active"]) == ("1-1", "fire_alarm", "", True)
    assert stored["detail"] == {"text": "烟"}
    assert (stored["occurred_source"], stored["received_at"]) == ("device", signals.clock)
    assert json.loads(stored["payload"]) == signal(5, text="烟")
    (handed,) = rows(database, "SELECT priority, transmitter_id, origin_key FROM signal_inbox")
    assert (handed["priority"], handed["origin_key"]) == (0, stored["origin_key"])
    assert seqs(commands) == [("T1", "signal", 1, [5])]
