"""Days as the register counts them: in Asia/Shanghai."""

from datetime import date, datetime, time, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset: China has kept no summer time since 1991, and a slim image has no time zone data."""


def day_of(at: datetime) -> date:
    """The Shanghai day in which an instant lies."""
    return at.astimezone(SHANGHAI).date()


def start_of(day: date) -> datetime:
    """The midnight with which a Shanghai day begins."""
    return datetime.combine(day, time.min, tzinfo=SHANGHAI)


def end_of(day: date) -> datetime:
    """The midnight with which a Shanghai day ends: the first instant that no longer belongs to it."""
    return start_of(day + timedelta(days=1))
