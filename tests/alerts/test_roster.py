"""Who is told of what, and a file that may be edited at any time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from alerts.roster import BYTES_MAXIMUM, RosterFile, read
from runtime.errors import ConfigurationError

MIDNIGHT = datetime(2025, 2, 28, 16, 0, tzinfo=UTC)
"""In Shanghai."""
EXAMPLE = Path(__file__).parents[2] / "deploy" / "roster.example.toml"

ROSTER = """
[[officer]]
name = "all"
channels = ["json://h/all"]
[[officer]]
name = "baiqi"
channels = ["json://h/baiqi"]
villages = ["baiqi"]
[[officer]]
name = "fires"
channels = ["json://h/fires"]
lowest_priority = 0
[[officer]]
name = "night"
channels = ["json://h/night"]
from = "18:00"
until = "08:00"
[[officer]]
name = "day"
channels = ["json://h/day"]
from = 08:00:00
until = 18:00:00
"""
NOBODY = """
[[officer]]
name = "wang"
channels = ["json://h/wang"]
villages = ["baiqi"]
lowest_priority = 0
from = "18:00"
until = "08:00"
[[officer]]
name = "li"
channels = ["json://h/li"]
villages = ["lichun"]
"""


def told(text: str = ROSTER, *, hours: float = 12, village: str | None = "lichun", priority: int = 1) -> set[str]:
    at = MIDNIGHT + timedelta(hours=hours)
    return set(read(text, name="roster").recipients(village_id=village, priority=priority, at=at))


def test_a_village_is_told_to_its_officers_and_to_those_of_all() -> None:
    assert told(village="lichun") == {"all", "day"}
    assert told(village="baiqi") == {"all", "day", "baiqi"}


def test_an_alarm_of_no_known_village_is_told_to_officers_of_every_village() -> None:
    assert told(village=None) == {"all", "day", "baiqi"}


@pytest.mark.parametrize(("priority", "is_told"), [(0, True), (1, False), (3, False)])
def test_an_officer_hears_nothing_below_the_lowest_priority(priority, is_told) -> None:
    assert ("fires" in told(priority=priority)) is is_told


@pytest.mark.parametrize(
    ("hours", "who"),
    [(0, "night"), (7 + 3599 / 3600, "night"), (8, "day"), (17 + 3599 / 3600, "day"), (18, "night"), (23.99, "night")],
)
def test_hours_are_those_of_shanghai_and_may_cross_midnight(hours, who) -> None:
    assert told(hours=hours) == {"all", who}


@pytest.mark.parametrize(
    ("village", "priority", "hours"),
    [("zhangbang", 0, 0), ("baiqi", 1, 0), ("baiqi", 0, 12)],
    ids=["nobody's village", "below the lowest priority", "outside the hours"],
)
def test_when_it_concerns_nobody_everybody_is_told(village, priority, hours) -> None:
    assert told(NOBODY, village=village, priority=priority, hours=hours) == {"wang", "li"}
    assert told(NOBODY, village="baiqi", priority=0, hours=0) == {"wang"}


def test_channels_of_a_recipient_and_of_one_who_left() -> None:
    roster = read(NOBODY, name="roster")
    assert roster.channels("wang") == ("json://h/wang",)
    assert roster.channels("zhao") == ("json://h/wang", "json://h/li")


def test_the_watchdog_pages_whom_the_file_names_else_everybody() -> None:
    assert read(NOBODY, name="roster").watchdog_channels == ("json://h/wang", "json://h/li")
    named = read(NOBODY + '[watchdog]\nchannels = ["json://h/mend"]', name="roster")
    assert named.watchdog_channels == ("json://h/mend",)


MISTAKEN = """
colour = "red"
[[officer]]
name = ""
channels = ["nope://x", "json://user:secret@h/"]
villages = []
lowest_priority = 4
from = "24:00"
until = 8
[[officer]]
name = "li"
channels = []
from = "08:00"
[[officer]]
name = "li"
from = "08:00"
until = "08:00"
[watchdog]
channels = "json://user:secret@h/"
"""


def test_all_mistakes_are_named_at_once_with_key_and_limit_and_without_secrets() -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(MISTAKEN, name="duty.toml")
    first, *lines = str(caught.value).splitlines()
    assert first == "the roster duty.toml cannot be used:"
    keys = [line.strip().partition(":")[0] for line in lines]
    assert keys == [
        "officer 1 name",
        "officer 1 channels 1",
        "officer 1 villages",
        "officer 1 lowest_priority",
        "officer 1 from",
        "officer 1 until",
        "officer 2 channels",
        "officer 3 channels",
        "watchdog channels",
        "colour",
        "officer 2 from, until",
        "officer 3 name",
        "officer 3 from, until",
    ]
    assert "less than or equal to 3" in lines[3]
    assert "at least 1" in lines[2]
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "officer = 3", "officer = []", "[[officer]]\nname = 'x", "[[officer]]\nname = 1\nchannels = [2]"]
)
def test_a_file_without_a_usable_officer_is_refused(text) -> None:
    with pytest.raises(ConfigurationError, match=r"the roster duty\.toml"):
        read(text, name="duty.toml")


def test_the_example_can_be_used() -> None:
    assert RosterFile(EXAMPLE).current().officers[1].villages == ("baiqi", "lichun")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"\xff", "UTF-8"), (b"#" * (BYTES_MAXIMUM + 1), f"{BYTES_MAXIMUM} bytes")],
)
def test_without_a_first_roster_the_service_does_not_start(tmp_path, content, complaint) -> None:
    path = tmp_path / "roster.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=complaint):
        RosterFile(path)


def rejected() -> float:
    return REGISTRY.get_sample_value("wanghuo_roster_rejected_total") or 0


def names(roster: RosterFile) -> list[str]:
    return [officer.name for officer in roster.current().officers]


def test_an_edit_is_read_and_a_broken_one_keeps_the_last_good_roster(tmp_path, caplog) -> None:
    path = tmp_path / "roster.toml"
    path.write_text(ROSTER)
    roster, before = RosterFile(path), rejected()
    path.write_text(NOBODY)
    assert names(roster) == ["wang", "li"]
    path.write_text(NOBODY.replace('"wang"', "wang", 1))
    assert names(roster) == names(roster) == ["wang", "li"]
    assert rejected() == before + 1
    assert "not TOML" in caplog.text
    assert "stays in use" in (roster.problem() or "")
    path.unlink()
    assert names(roster) == ["wang", "li"]
    assert "No such file" in (roster.problem() or "")
    replacement = tmp_path / "new.toml"
    replacement.write_text(ROSTER)
    replacement.replace(path)
    assert names(roster)[0] == "all"
    assert roster.problem() is None
