"""When the watch is blind: a timetable of looks."""

from datetime import UTC, datetime, timedelta

import pytest

from alerts.watch import BLIND_AFTER, PAGE_AGAIN_AFTER, Word, begin, look, read, unreachable

BEGIN = datetime(2025, 3, 1, 6, 0, tzinfo=UTC)
A, B = "http://a:1", "http://b:2"


def second(value: float) -> datetime:
    return BEGIN + timedelta(seconds=value)


def well(name: str, at: float, *, age: float = 0.0) -> Word:
    return read({"service": name, "alive": True, "connected": True, "last_commit_age_seconds": age}, at=second(at))


DOWN = unreachable("Connection refused")


class Timetable:
    """Looks around at given seconds; a service that is not mentioned is well."""

    def __init__(self) -> None:
        self.state = begin((A, B), at=BEGIN)

    def at(self, when: float, **words: Word) -> list[str]:
        """Titles of the pages that follow."""
        found = {A: words.get("a", well("ingest", when)), B: words.get("b", well("alerts", when))}
        self.state, self.pages = look(self.state, found, at=second(when))
        return [page.title for page in self.pages]


def test_a_service_that_is_away_is_paged_after_30_s_again_every_15_min_and_when_it_is_over() -> None:
    table = Timetable()
    assert table.at(0) == []
    assert table.at(3, a=DOWN) == table.at(29.9, a=DOWN) == []
    assert table.at(30, a=DOWN) == ["【望火失明】the watch is blind: ingest"]
    assert table.pages[0].body.splitlines()[0] == f"ingest ({A}): unreachable: Connection refused; since 2025-03-01 14:00:00, 30 s"
    assert table.at(33, a=DOWN) == table.at(30 + 899, a=DOWN) == []
    assert table.at(30 + 900, a=DOWN) == ["【望火失明】the watch is still blind: ingest"]
    assert "15 min" in table.pages[0].body
    assert table.at(30 + 1800, a=DOWN) == ["【望火失明】the watch is still blind: ingest"]
    assert table.at(1833) == ["【望火复明】the watch sees again: ingest"]
    assert "The whole watch sees again." in table.pages[0].body
    assert table.at(1836) == table.at(1836 + 900) == []


def test_a_short_absence_is_nobody_s_business() -> None:
    table = Timetable()
    for minute in range(10):
        assert table.at(60 * minute) == []
        assert table.at(60 * minute + 29, a=DOWN) == []


@pytest.mark.parametrize(
    ("report", "complaint"),
    [
        ({"alive": True, "connected": False, "last_commit_age_seconds": 0.1}, "no connection"),
        ({"alive": False, "connected": True, "last_commit_age_seconds": 0.1}, "stuck"),
        ({"alive": True, "connected": True, "last_commit_age_seconds": "soon"}, "does not say when"),
        ({"alive": True, "connected": True, "last_commit_age_seconds": float("nan")}, "does not say when"),
        ({"alive": True, "connected": None}, "no connection"),
        ({"alive": "yes"}, "not a service's health"),
        ([], "not a service's health"),
    ],
)
def test_what_blinds_after_30_s_whatever_else_is_well(report, complaint) -> None:
    if isinstance(report, dict):
        report |= {"service": "ingest", "problems": {"database": "is away"}}
    table = Timetable()
    table.at(0)
    assert table.at(10, a=read(report, at=second(10))) == []
    assert table.at(31, a=read(report, at=second(31))) == ["【望火失明】the watch is blind: ingest"]
    assert complaint in table.pages[0].body


def test_symptoms_that_follow_each_other_are_one_blindness() -> None:
    table = Timetable()
    table.at(0)
    assert table.at(20, a=DOWN) == []
    assert len(table.at(32, a=read({"service": "ingest", "alive": True, "connected": False}, at=second(32)))) == 1


def test_no_commit_counts_from_the_last_commit_and_a_service_without_such_facts_is_well_while_it_answers() -> None:
    table = Timetable()
    table.at(0)
    assert table.at(100, a=well("ingest", 100, age=29)) == []
    assert len(table.at(102, a=well("ingest", 102, age=31))) == 1
    assert "no commit for 31 s" in table.pages[0].body
    assert "since 2025-03-01 14:01:11" in table.pages[0].body
    assert read({"service": "x", "alive": True}, at=second(5)) == Word(name="x", well_at=second(5))


def test_a_second_service_is_paged_at_once_and_each_end_is_told() -> None:
    table = Timetable()
    table.at(0)
    table.at(31, a=DOWN)
    assert table.at(62, a=DOWN, b=DOWN) == ["【望火失明】the watch is blind: ingest, alerts"]
    assert table.at(65, b=DOWN) == ["【望火复明】the watch sees again: ingest"]
    assert "Still blind: alerts." in table.pages[0].body
    assert table.at(62 + 900, b=DOWN) == ["【望火失明】the watch is still blind: alerts"]
    assert table.at(970, a=DOWN) == ["【望火复明】the watch sees again: alerts"]
    assert table.at(62 + 900 + 40, a=DOWN) == ["【望火失明】the watch is blind: ingest"]


def test_one_rises_while_another_falls() -> None:
    table = Timetable()
    table.at(0)
    table.at(31, a=DOWN)
    table.at(32, a=DOWN)
    assert table.at(62, b=DOWN) == ["【望火复明】the watch sees again: ingest", "【望火失明】the watch is blind: alerts"]


def test_a_service_that_never_answered_is_named_by_its_address() -> None:
    state = begin((A,), at=BEGIN)
    state, pages = look(state, {A: DOWN}, at=second(30))
    assert pages[0].title == f"【望火失明】the watch is blind: {A}"


def test_all_well_only_when_everything_was_seen_well_at_the_last_look() -> None:
    table = Timetable()
    assert not table.state.all_well
    table.at(1, a=DOWN)
    assert not table.state.all_well
    table.at(2)
    assert table.state.all_well
    table.at(3, b=DOWN)
    assert not table.state.all_well


def test_the_limits_are_those_that_were_promised() -> None:
    assert timedelta(seconds=30) == BLIND_AFTER
    assert timedelta(minutes=15) == PAGE_AGAIN_AFTER
