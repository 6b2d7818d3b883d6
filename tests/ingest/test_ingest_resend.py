"""What is missing is asked for again: three times, 10 s apart, 1,000 objects at a time; then it is given up."""

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from ingest_world import NOON, column, message, rows, signal

from ingest.gaps import Counter, Gap, GapState
from ingest.resend import RECOVERABLE_MAXIMUM, TIMES, ask, ask_again
from signals.topics import MessageClass

T1 = Counter(transmitter_id="T1", message_class=MessageClass.SIGNAL, boot=1)
GAPS = st.lists(st.tuples(st.integers(1, 30_000), st.integers(1, 15_000)), min_size=1, max_size=6)


def asked_numbers(commands) -> list[int]:
    return [seq for command in commands for low, high in json.loads(command.payload)["ranges"] for seq in range(low, high + 1)]


class Asker:
    """The chore of the signal lane, with the clock of the lane."""

    def __init__(self, lane) -> None:
        self.lane = lane
        self.sent: list[dict] = []
        self.caught_up = True

    async def turn(self) -> list[dict]:
        """Ask; returns the commands that were sent."""
        sent: list[dict] = []
        await ask_again(
            self.lane.store,
            send=lambda command: sent.append({"to": command.transmitter_id, **json.loads(command.payload)}),
            caught_up=lambda _: self.caught_up,
            now=self.lane.now,
        )
        return sent


@given(GAPS, st.integers(0, TIMES - 1))
def test_everything_is_asked_for_once_a_turn_in_commands_of_a_thousand(sizes, asked_times):
    gaps, low = [], 0
    for space, size in sizes:
        asked_at = NOON if asked_times else None
        gaps.append(Gap(first=low + space, last=low + space + size - 1, found_at=NOON, asked_times=asked_times, asked_at=asked_at))
        low = gaps[-1].last + 1
    asking = ask([(T1, gap) for gap in gaps], at=NOON + timedelta(seconds=20))
    wanted = [seq for gap in gaps for seq in range(max(gap.first, gap.last - RECOVERABLE_MAXIMUM + 1), gap.last + 1)]
    assert sorted(asked_numbers(asking.commands)) == wanted
    assert all(len(asked_numbers([command])) <= 1000 for command in asking.commands)
    open_ = {seq for _, gap in asking.gaps if gap.state is GapState.OPEN for seq in range(gap.first, gap.last + 1)}
    assert open_ == set(wanted)
    assert all(gap.asked_times == asked_times + 1 for _, gap in asking.gaps if gap.state is GapState.OPEN)


async def test_out_of_order_is_not_missing(signals):
    asker = Asker(signals)
    await signals.take(message(signal(1)), message(signal(3)))
    assert await asker.turn() == []
    await signals.take(message(signal(2)))
    signals.pass_time(60)
    assert await asker.turn() == []


async def test_three_times_and_never_again(signals, database):
    asker = Asker(signals)
    await signals.take(message(signal(1)), message(signal(5)), message(signal(8)))
    times = []
    for second in range(60):
        times += [second for _ in await asker.turn()]
        signals.pass_time(1)
    assert len(times) == TIMES
    assert times[0] >= 2
    assert times[1] - times[0] >= 10
    assert times[2] - times[1] >= 10
    assert column(database, "SELECT state FROM sequence_gap ORDER BY first_seq") == ["unrecoverable"] * 2
    await signals.take(message(signal(6)))
    assert rows(database, "SELECT state FROM sequence_gap WHERE first_seq = 6") == [{"state": "filled"}], (
        "what comes later still counts"
    )


async def test_the_command_names_what_is_missing_and_the_answer_fills_it(signals, database):
    asker = Asker(signals)
    await signals.take(message(signal(1)), message(signal(5)), message(signal(8)))
    signals.pass_time(5)
    (command,) = await asker.turn()
    assert (command["to"], command["name"], command["class"], command["boot"]) == ("T1", "resend", "signal", 1)
    assert sorted(command["ranges"]) == [[2, 4], [6, 7]]
    gone = {"boot": 1, "seq": 1, "to": command["id"], "ok": True, "gone": [[6, 6]]}
    await signals.take(message([signal(seq) for seq in (2, 3, 4)]), message(gone, of="reply"))
    signals.pass_time(20)
    (again,) = await asker.turn()
    assert again["ranges"] == [[7, 7]]
    found = rows(database, "SELECT first_seq, last_seq, state, asked_times FROM sequence_gap ORDER BY first_seq")
    assert [tuple(row.values()) for row in found] == [(2, 4, "filled", 1), (6, 6, "unrecoverable", 1), (7, 7, "open", 2)]


async def test_nothing_is_asked_for_while_a_backlog_drains(signals):
    asker = Asker(signals)
    asker.caught_up = False
    await signals.take(message(signal(1)), message(signal(5)))
    signals.pass_time(60)
    assert await asker.turn() == []
    asker.caught_up = True
    assert len(await asker.turn()) == 1


async def test_a_counter_that_jumped_is_not_asked_for_all_its_numbers(signals, database):
    asker = Asker(signals)
    await signals.take(message(signal(1)), message(signal(2**53 - 1)))
    signals.pass_time(5)
    commands = await asker.turn()
    assert sum(high - low + 1 for command in commands for low, high in command["ranges"]) == RECOVERABLE_MAXIMUM
    assert max(high for command in commands for _, high in command["ranges"]) == 2**53 - 2
    given_up = rows(database, "SELECT first_seq, asked_times FROM sequence_gap WHERE state = 'unrecoverable'")
    assert [tuple(row.values()) for row in given_up] == [(2, 0)]
