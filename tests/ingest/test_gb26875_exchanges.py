"""Commands on their way to a device: what waits is said as of when it is said, and what is denied or not answered is said again."""

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ingest.gb26875.exchanges import Due, Exchanges, Patience, Way
from signals.gb26875 import clock, content
from signals.gb26875.frames import Frame
from signals.gb26875.statements import AddressOrder
from signals.gb26875.tables import Command

START = datetime(2026, 3, 7, 6, 30, 5, tzinfo=UTC)
TIMEOUT, REPEATS = 10.0, 3


class World:
    """A device that may be away, and a clock."""

    def __init__(self, name: str = "set_clock", **content: object) -> None:
        self.second = 0.0
        self.connected = True
        self.heard: list[Frame] = []
        self.told: list[dict] = []
        way = Way(make=self._make, order=lambda _: AddressOrder.ZONE_FIRST, send=self._send)
        patience = Patience(timeout_seconds=TIMEOUT, repeats=REPEATS)
        self.exchanges = Exchanges(way, say=self._say, patience=patience, now=lambda: self.now)
        due = Due(UUID(int=1), "P1", name, content, START, START + timedelta(seconds=300))
        self.exchanges.take([due])
        self.exchanges.take([due])

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.second)

    def _make(self, transmitter_id: str, serial: int) -> Frame:
        centre = b"centre" if self.connected else bytes(6)
        return Frame(serial=serial, time=clock.write(self.now), source=centre, destination=b"device", command=Command.CONTROL)

    def _send(self, transmitter_id: str, frame: Frame) -> bool:
        if self.connected:
            self.heard.append(frame)
        return self.connected

    def _say(self, item) -> None:
        self.told += [json.loads(fact.detail) for fact in item.facts]

    def pass_to(self, second: float) -> None:
        """Let time pass, in steps."""
        while self.second < second:
            self.second += 0.5
            self.exchanges.turn(at=self.second)

    def answer(self, command: Command) -> None:
        self.exchanges.reply("P1", self.heard[-1].reply(command, time=clock.write(self.now)))

    @property
    def stages(self) -> list[str]:
        return [one["stage"] for one in self.told]


def test_a_clock_that_waited_for_its_device_is_not_late():
    world = World()
    world.connected = False
    world.pass_to(30)
    assert world.heard == []
    world.connected = True
    world.pass_to(43)
    first, repeat = world.heard
    for frame, second in ((first, 30.5), (repeat, 40.5)):
        assert content.decode(frame.data)["objects"][0]["time"] == f"2026-03-07 14:30:{5 + int(second):02}"
        assert (frame.serial, frame.source) == (0, b"centre")
    world.answer(Command.CONFIRM)
    assert world.stages == ["sent", "answered"]


def test_silence_is_four_times_of_ten_seconds_and_a_repeat_is_the_same_frame():
    world = World("duty_check", deadline_seconds=60)
    world.pass_to(40)
    assert world.heard == [world.heard[0]] * 4
    assert world.stages == ["sent"]
    world.pass_to(41)
    assert world.stages == ["sent", "failed"]
    assert (world.told[-1]["silent"], world.told[-1]["text"]) == (True, "no answer within 10 s, said 4 times")


def test_what_is_denied_is_said_again_at_once_and_is_no_silence():
    world = World("query", what="device_status")
    for number in range(1, REPEATS + 2):
        world.pass_to(number)
        assert len(world.heard) == number
        world.answer(Command.CONFIRM)  # no answer to a question
        world.answer(Command.DENY)
    world.pass_to(10)
    assert (world.stages, world.told[-1]["text"]) == (["sent", "failed"], "the device denied it, said 4 times")
    assert "silent" not in world.told[-1]


@pytest.mark.parametrize("connected", [True, False])
def test_what_expires_says_whether_it_was_said(connected):
    world = World("query", what="device_status")
    world.connected = connected
    world.pass_to(1)
    world.second = 299.5
    world.pass_to(301)
    said = "no answer until it expired, said 1 times" if connected else "the device was not connected until it expired"
    assert (world.told[-1]["text"], world.told[-1].get("unsent", False)) == (said, not connected)


def test_what_cannot_be_said_is_told_and_the_next_goes_on():
    world = World("query", what="weather")
    world.exchanges.take([Due(UUID(int=2), "P1", "query", {"what": "device_clock"}, START, START + timedelta(seconds=300))])
    world.pass_to(1)
    assert world.stages == ["failed", "sent"]
    assert [frame.serial for frame in world.heard] == [0]
