"""Who is alive, as timetables: seconds since noon."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.alive import GRACE, PATH_WAIT, Heard, Named, TransmitterClass, judge, limit
from alerts.hearing import Hearing, hearing
from signals.kinds import Kind

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
HOUR = 3600


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def heard(name: str = "T1", *, last: float = 0, promise: int | None = 60, will: float | None = None, **given: object) -> Heard:
    members: dict[str, object] = {"point": "", "transmitter_class": TransmitterClass.CONTROL_ROOM, "path": "", **given}
    return Heard(
        transmitter_id=name,
        last_heard_at=at(last),
        interval=timedelta(seconds=promise) if promise else None,
        will_at=None if will is None else at(will),
        **members,  # type: ignore[arg-type]
    )


def listening(*spans: tuple[float, float], other: list[tuple[float, float]] | None = None) -> Hearing:
    lanes = [spans, spans if other is None else other]
    return hearing([[(at(start), at(end)) for start, end in lane] for lane in lanes], grace=GRACE)


def offline(*everybody: Heard, hearing: Hearing, standing: frozenset[Named] = frozenset()) -> set[str]:
    return {named.transmitter_id or named.point for named in judge(everybody, hearing, standing=standing)}


def test_twice_the_promise_of_silence_is_offline() -> None:
    assert offline(heard(), hearing=listening((-HOUR, 120))) == set()
    assert offline(heard(), hearing=listening((-HOUR, 121))) == {"T1"}


def test_an_outage_of_ours_does_not_count_nor_does_the_time_to_reconnect() -> None:
    outage = listening((-HOUR, 100), (5000, 5000 + 60 + 20))
    assert offline(heard(), hearing=outage) == set()
    assert offline(heard(), hearing=listening((-HOUR, 100), (5000, 5000 + 60 + 21))) == {"T1"}


def test_an_outage_of_one_lane_counts_for_neither() -> None:
    assert offline(heard(), hearing=listening((-HOUR, 9000), other=[(-HOUR, 100)])) == set()


def test_the_clock_is_what_was_heard_not_the_wall() -> None:
    found = listening((-HOUR, 9000), other=[(-HOUR, 100)])
    assert found.until == at(100)


def test_nothing_is_said_before_anything_was_heard() -> None:
    assert listening().until is None
    assert offline(heard(), hearing=listening()) == set()


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ({"promise": 1}, 60),
        ({"promise": 600}, 1200),
        ({"promise": 604_800}, 1800),
        ({"promise": None}, 1800),
        ({"promise": 600, "will": 1}, 60),
        ({"promise": 600, "will": -1}, 1200),
        ({"promise": 60, "transmitter_class": TransmitterClass.DETECTOR}, 120),
        ({"promise": 86_400, "transmitter_class": TransmitterClass.DETECTOR}, 6 * HOUR),
        ({"promise": 3600, "transmitter_class": TransmitterClass.SLEEPY, "will": 1}, 48 * HOUR),
        ({"promise": 86_400, "transmitter_class": TransmitterClass.SLEEPY}, 72 * HOUR),
        ({"promise": None, "transmitter_class": TransmitterClass.SLEEPY}, 48 * HOUR),
    ],
)
def test_limits(given: dict[str, object], seconds: int) -> None:
    assert limit(heard(**given)).total_seconds() == seconds  # type: ignore[arg-type]


def test_a_path_that_falls_silent_is_one_alarm() -> None:
    members = [heard(f"T{number}", path="router", last=number) for number in range(6)]
    silent = judge(members, listening((-HOUR, 125)), standing=set())
    assert [named.kind for named in silent] == [Kind.PATH_OFFLINE]
    assert "5 of 6 transmitters of path router are silent: T0, T1" in next(iter(silent.values()))


def test_one_of_a_path_is_an_alarm_of_its_own_after_waiting_for_the_others() -> None:
    members = [heard("T0", path="router"), *(heard(f"T{number}", path="router", last=500) for number in range(1, 6))]
    wait = PATH_WAIT.total_seconds()
    assert offline(*members, hearing=listening((-HOUR, 120 + wait))) == set()
    assert offline(*members, hearing=listening((-HOUR, 121 + wait))) == {"T0"}


def test_an_alarm_that_stood_before_its_path_followed_stands_on() -> None:
    members = [heard(f"T{number}", path="router") for number in range(5)]
    stood = frozenset({Named("T0", "", Kind.OFFLINE)})
    assert offline(*members, hearing=listening((-HOUR, 200)), standing=stood) == {"T0", "router"}


def test_a_device_behind_a_bridge_is_judged_by_itself() -> None:
    bridge = heard("B", last=9000, transmitter_class=TransmitterClass.BRIDGE)
    device = heard("B", point="d1", transmitter_class=TransmitterClass.BRIDGE)
    found = judge([bridge, device], listening((-HOUR, 9000)), standing=set())
    assert list(found) == [Named("B", "d1", Kind.OFFLINE)]
