"""A device's clock: what is an instant, and what is only text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signals.instants import EARLIEST, EPOCH, LATEST, TEXT_MAXIMUM, microseconds, read_instant, read_microseconds

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(EARLIEST.replace(tzinfo=None), LATEST.replace(tzinfo=None) - timedelta(days=2), timezones=offsets).filter(
    lambda instant: EARLIEST <= instant < LATEST
)
NO_INSTANT = {
    "absent": None,
    "a number": 1_740_787_200,
    "a flag": True,
    "an array": ["2025-03-01T00:00:00Z"],
    "empty": "",
    "4713 BC": "-4713-01-01T00:00:00Z",
    "the year 1": "0001-01-01T00:00:00+08:00",
    "the year 9999": "9999-12-31T23:59:59-08:00",
    "second 60": "2025-06-30T23:59:60Z",
    "hour 25": "2025-06-30T25:00:00Z",
    "30 February": "2025-02-30T00:00:00Z",
    "offset of a day": "2025-06-30T00:00:00+24:00",
    "without offset": "2025-06-30T00:00:00",
    "a day alone": "2025-06-30",
    "before 2024": "2023-12-31T23:59:59.999999Z",
    "before 2024 by its offset": "2024-01-01T00:00:00+08:00",
    "from 2040": "2040-01-01T00:00:00Z",
    "from 2040 by its offset": "2039-12-31T16:00:00-08:00",
    "U+0000 in it": "2025-06-30T00:00:00\x00Z",
    "half a surrogate pair": "2025-06-30T00:00:00\ud800",
    "digits of another script": "٢٠٢٥-06-30T00:00:00Z",
    "too long": "2025-06-30T00:00:00." + "0" * TEXT_MAXIMUM + "Z",
    "words": "yesterday",
}


@pytest.mark.parametrize("value", NO_INSTANT.values(), ids=NO_INSTANT)
def test_what_is_no_instant_is_none(value):
    assert read_instant(value) is None
    assert read_microseconds(value) is None


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2025-03-01T08:00:00+08:00", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2025-03-01T08:00:00.25+08:00", datetime(2025, 3, 1, microsecond=250_000, tzinfo=UTC)),
        ("2025-03-01 00:00:00z", datetime(2025, 3, 1, tzinfo=UTC)),
        ("2024-01-01T00:00:00Z", EARLIEST),
        ("2024-01-01T07:59:00+07:59", EARLIEST),
        ("2039-12-31T23:59:59.999999Z", LATEST - timedelta(microseconds=1)),
    ],
)
def test_an_instant_is_read_into_utc(text, instant):
    found = read_instant(text)
    assert found == instant
    assert found is not None
    assert found.tzinfo is UTC


@given(instants)
def test_an_instant_is_read_as_it_was_written(instant):
    text = instant.isoformat()
    assert read_instant(text) == instant
    assert read_microseconds(text) == microseconds(instant)


@given(
    st.text()
    | st.from_regex(
        r"(19|20|99)[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{1,9})?(Z|[+-][0-2][0-9]:[0-6][0-9])"
    )
)
def test_both_readers_say_the_same_of_any_text(text):
    instant = read_instant(text)
    assert read_microseconds(text) == (None if instant is None else microseconds(instant))
    assert instant is None or EARLIEST <= instant < LATEST


@given(instants)
def test_microseconds_are_exact(instant):
    assert EPOCH + timedelta(microseconds=microseconds(instant)) == instant
