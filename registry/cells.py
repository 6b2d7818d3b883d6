"""What a cell of an official's table may hold: its text made into a value, or one sentence with the limit."""

import re
from collections.abc import Callable, Mapping
from datetime import date

from registry.ratio import TransmitterClass
from signals.facilities import ASKED, Facility, limits
from signals.topics import UNASSIGNED, is_identifier

Value = str | bool | date | None

TEXT_MAXIMUM = 200
"""Characters of a free text."""
POINT_MAXIMUM = 64
"""Characters of a point's address; the profile's limit."""
FIRST_YEAR = 1990
LAST_YEAR = 2099
EMPTIED = "-"
"""A cell that empties what is stored; an empty cell leaves it as it is."""

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|\.(\d{1,2})\.|年(\d{1,2})月)(\d{1,2})日?")
_YES_NO: Mapping[str, bool] = {
    **dict.fromkeys(("yes", "y", "true", "1", "是", "有"), True),
    **dict.fromkeys(("no", "n", "false", "0", "否", "无"), False),
}
_CLASSES: Mapping[str, TransmitterClass] = {
    **{str(value): value for value in TransmitterClass},
    "消防控制室": TransmitterClass.CONTROL_ROOM,
    "用户信息传输装置": TransmitterClass.CONTROL_ROOM,
    "独立式探测器": TransmitterClass.DETECTOR,
    "电池供电探测器": TransmitterClass.SLEEPY,
    "平台对接": TransmitterClass.BRIDGE,
}
_FACILITIES: Mapping[str, Facility] = {
    **{str(value): value for value in Facility},
    **{asked.chinese: value for value, asked in ASKED.items()},
}


class CellError(ValueError):
    """A cell cannot be taken; the text says what is allowed."""


Reader = Callable[[str], Value]


def identifier(text: str) -> str:
    """An id of the register."""
    if not is_identifier(text):
        raise CellError("an id has 1 to 64 of the characters A-Z a-z 0-9 _ -")
    return text


def village_id(text: str) -> str:
    """The id of a village; it becomes the last part of its alarms' topic."""
    if text == UNASSIGNED:
        raise CellError(f"{UNASSIGNED} stands for no village at all; choose another id")
    return identifier(text)


def free_text(text: str) -> str:
    """A text as people write it, on one line."""
    return _bounded(text, maximum=TEXT_MAXIMUM)


def point_address(text: str) -> str:
    """A point, written as the transmitter writes it in its signals."""
    return _bounded(text, maximum=POINT_MAXIMUM)


def _bounded(text: str, *, maximum: int) -> str:
    if len(text) > maximum:
        raise CellError(f"at most {maximum} characters are allowed, here are {len(text)}")
    if not text.isprintable() and any(not character.isprintable() and not character.isspace() for character in text):
        raise CellError("control characters are not allowed")
    if len(text.splitlines()) > 1:
        raise CellError("line breaks are not allowed")
    return text


def day(text: str) -> date:
    """A date: 2026-01-31, 2026/1/31, 2026.1.31 or 2026年1月31日."""
    found = _DATE.fullmatch(text)
    if found is None:
        raise CellError("a date is written 2026-01-31, 2026/1/31, 2026.1.31 or 2026年1月31日")
    year, month, number = (int(part) for part in found.groups() if part)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise CellError(f"a date lies in the years {FIRST_YEAR} to {LAST_YEAR}")
    try:
        return date(year, month, number)
    except ValueError:
        raise CellError("there is no such day") from None


def yes_no(text: str) -> bool:
    """Yes or no, 是 or 否, 有 or 无."""
    found = _YES_NO.get(text.lower())
    if found is None:
        raise CellError("yes or no is asked for (also true/false, 1/0, 是/否, 有/无)")
    return found


def transmitter_class(text: str) -> str:
    """The class of a transmitter."""
    found = _CLASSES.get(text.lower())
    if found is None:
        raise CellError(f"one of {', '.join(_CLASSES)} is asked for")
    return str(found)


def facility(text: str) -> str:
    """The kind of building whose fire water a point measures."""
    found = _FACILITIES.get(text.lower())
    if found is None:
        raise CellError(f"one of {', '.join(_FACILITIES)} is asked for")
    return str(found)


def own_limits(text: str) -> str:
    """Limits of a point's own, metric=number, with spaces between."""
    try:
        found = limits(text)
    except ValueError as error:
        raise CellError(str(error)) from None
    return " ".join(f"{metric}={value:.12g}" for metric, value in sorted(found.items()))
