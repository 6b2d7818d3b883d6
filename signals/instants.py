"""A device's clock, read once and never trusted: inside 2024–2040 it is an instant, else it is only text."""

from datetime import UTC, datetime
from typing import TypeGuard

EARLIEST = datetime(2024, 1, 1, tzinfo=UTC)
LATEST = datetime(2040, 1, 1, tzinfo=UTC)
"""Instants outside [EARLIEST, LATEST) are absurd: they would make a chunk of the hypertable each."""

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""PostgreSQL's: its binary format counts microseconds from here."""

TEXT_MAXIMUM = 64
"""Characters of an unreadable `at` that are kept beside the record."""


def _may_be_instant(text: object) -> TypeGuard[str]:
    # `fromisoformat` passes over U+0000.
    return isinstance(text, str) and len(text) <= TEXT_MAXIMUM and text.isprintable()


def read_instant(text: object) -> datetime | None:
    """Read an RFC 3339 instant with offset.

    Returns:
        The instant in UTC; None where it is absent, unreadable (second 60 too), without offset, or outside 2024–2040.
    """
    if not _may_be_instant(text):
        return None
    try:
        instant = datetime.fromisoformat(text.upper())
        if instant.tzinfo is None or not EARLIEST <= instant < LATEST:
            return None
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def microseconds(instant: datetime) -> int:
    """Microseconds from EPOCH to the instant, exact."""
    since = instant - EPOCH
    return since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds


_EARLIEST_MICROSECONDS = microseconds(EARLIEST)
_LATEST_MICROSECONDS = microseconds(LATEST)


def read_microseconds(text: object) -> int | None:
    """`microseconds` of what `read_instant` reads, at half the cost."""
    if not isinstance(text, str) or len(text) > TEXT_MAXIMUM or not text.isprintable():
        return None
    try:
        since = datetime.fromisoformat(text) - EPOCH
    except (ValueError, OverflowError, TypeError):  # TypeError: without offset
        instant = read_instant(text)
        return None if instant is None else microseconds(instant)
    found = since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds
    return found if _EARLIEST_MICROSECONDS <= found < _LATEST_MICROSECONDS else None
