"""A time tag: six bytes, second first, plain binary (8.2.2). Century and zone are not stated: 20yy, China Standard Time."""

from datetime import datetime, timedelta, timezone
from functools import lru_cache

BYTES = 6
ZONE = timezone(timedelta(hours=8), "CST")
NONE = bytes(BYTES)
"""All zero: a device without a clock."""


YEAR_MAXIMUM = 99

_KEPT = 4096
"""Tags whose reading is remembered: devices that report together have the same second."""


@lru_cache(_KEPT)
def read(tag: bytes) -> datetime | None:
    """The instant of a tag, or None where it is all zero or no date of 2000–2099."""
    second, minute, hour, day, month, year = tag
    if year > YEAR_MAXIMUM:
        return None
    try:
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=ZONE)
    except ValueError:
        return None


def write(instant: datetime) -> bytes:
    """The tag of an instant, in China Standard Time.

    Raises:
        ValueError: outside 2000–2099.
    """
    local = instant.astimezone(ZONE)
    if not 2000 <= local.year <= 2099:
        raise ValueError(f"year {local.year} is outside 2000–2099, which a time tag can hold")
    return bytes((local.second, local.minute, local.hour, local.day, local.month, local.year - 2000))


@lru_cache(_KEPT)
def show(tag: bytes) -> str | None:
    """A tag for people: `YYYY-MM-DD HH:MM:SS`, None where all zero, `invalid:` and the bytes where it is no date."""
    if tag == NONE:
        return None
    instant = read(tag)
    return instant.strftime("%Y-%m-%d %H:%M:%S") if instant else f"invalid:{tag.hex()}"


def unshow(text: str | None) -> bytes:
    """The inverse of `show`.

    Raises:
        ValueError: not in one of its forms.
    """
    if text is None:
        return NONE
    if text.startswith("invalid:"):
        tag = bytes.fromhex(text.removeprefix("invalid:"))
        if len(tag) != BYTES:
            raise ValueError(f"a time tag has {BYTES} bytes, {text!r} has {len(tag)}")
        return tag
    return write(datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=ZONE))
