"""What transmitters can be told, by MQTT and by GB/T 26875.3: names, their content, and the frame's data that says the same."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, NamedTuple

from signals.gb26875.statements import AddressOrder
from signals.metrics import METRIC_INDEX


class Name(StrEnum):
    """Commands."""

    SET_CLOCK = "set_clock"
    DUTY_CHECK = "duty_check"
    QUERY = "query"
    CONFIGURE = "configure"
    INITIALISE = "initialise"


class Stage(StrEnum):
    """How far a command has come, as the replies to it tell."""

    SENT = "sent"
    CONFIRMED = "confirmed"
    ANSWERED = "answered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A query of GB/T 26875.3: its type (table 3) and the members that its one object needs besides."""

    type: int
    members: tuple[str, ...] = ()


_SYSTEM = ("system_type", "system_address")
_COMPONENT = (*_SYSTEM, "component_address_hex")
_RECORDS = ("record_count", "since")

GB26875_QUESTIONS: Mapping[str, Question] = {
    "system_status": Question(type=61, members=_SYSTEM),
    "component_status": Question(type=62, members=_COMPONENT),
    "component_analog": Question(type=63, members=_COMPONENT),
    "facility_operations": Question(type=64, members=(*_SYSTEM, *_RECORDS)),
    "facility_version": Question(type=65, members=_SYSTEM),
    "system_configuration": Question(type=66, members=_SYSTEM),
    "component_configuration": Question(type=67, members=_COMPONENT),
    "facility_clock": Question(type=68, members=_SYSTEM),
    "device_status": Question(type=81),
    "device_operations": Question(type=84, members=_RECORDS),
    "device_version": Question(type=85),
    "device_configuration": Question(type=86),
    "device_clock": Question(type=88),
}
"""`what` of a query to a device that speaks GB/T 26875.3. `since`: RFC 3339."""

MQTT_QUESTIONS = ("status", "snapshot", "points", "firmware")
"""`what` of a query by MQTT (profile v1)."""

DUTY_CHECK_SECONDS = 300
"""The window for an answer: local policy, no rule's figure was read."""
DUTY_CHECK_MINUTES_MAXIMUM = 255
RECORDS_MAXIMUM = 102

REPORT_SECONDS_MAXIMUM = 86_400

_INITIALISE, _SET_CLOCK, _DUTY_CHECK = 89, 90, 91
_CONTROL, _REQUEST = 1, 4
_RESERVED = {"raw": "00"}
_FIRE_ALARM_SYSTEM = 1
_POINT = re.compile(r"(?:(\d{1,3})\.)?(\d{1,3})(?:-(\d{1,10})(?:-(\d{1,5}))?)?")
_CHINA = timezone(timedelta(hours=8))


class Unit(NamedTuple):
    """Data of a frame: its command byte, and the application data unit as `signals.gb26875.content` has it."""

    command: int
    adu: Mapping[str, Any]


def gb26875_unit(name: str, content: Mapping[str, Any], *, at: datetime, order: AddressOrder = AddressOrder.ZONE_FIRST) -> Unit:
    """What says a command in a frame that is sent at `at`.

    Raises:
        ValueError: GB/T 26875.3 has no words for it, or a member is missing or out of range; names it.
    """
    match name:
        case Name.SET_CLOCK:
            return _unit(_CONTROL, _SET_CLOCK, members={"time": _tag(at)})
        case Name.DUTY_CHECK:
            return _unit(_CONTROL, _DUTY_CHECK, members={"answer_timeout_min": _minutes(content)})
        case Name.INITIALISE:
            return _unit(_CONTROL, _INITIALISE, members=_RESERVED)
        case Name.QUERY:
            return _question(content, order)
        case _:
            raise ValueError(f"GB/T 26875.3 has no words for {name!r}")


def refuse_unsayable_by_mqtt(name: str, content: Mapping[str, Any]) -> None:
    """Refuse what the MQTT profile v1 has no words for.

    Raises:
        ValueError: no such command, or a member is missing, unknown or out of range; names it.
    """
    match name:
        case Name.SET_CLOCK:
            _only(content, ())
        case Name.DUTY_CHECK:
            _only(content, ("deadline_seconds",))
            _minutes(content)
        case Name.QUERY:
            _only(content, ("what",))
            if content.get("what") not in MQTT_QUESTIONS:
                raise ValueError(f"what: {content.get('what')!r} is none of {', '.join(MQTT_QUESTIONS)}")
        case Name.CONFIGURE:
            _configuration(content)
        case _:
            raise ValueError(f"the MQTT profile has no words for {name!r}")


def _configuration(content: Mapping[str, Any]) -> None:
    _only(content, ("report_seconds", "report_on_change"))
    if not content:
        raise ValueError("configure needs report_seconds or report_on_change")
    if "report_seconds" in content and not 1 <= float(content["report_seconds"]) <= REPORT_SECONDS_MAXIMUM:
        raise ValueError(f"report_seconds: {content['report_seconds']} is outside 1…{REPORT_SECONDS_MAXIMUM}")
    steps = content.get("report_on_change", {})
    if not isinstance(steps, Mapping):
        raise TypeError("report_on_change: metrics with their steps are due")
    for metric, step in steps.items():
        if metric not in METRIC_INDEX:
            raise ValueError(f"report_on_change: {metric!r} is no metric")
        if not float(step) > 0:
            raise ValueError(f"report_on_change: the step of {metric} must be above 0")


def _only(content: Mapping[str, Any], members: tuple[str, ...]) -> None:
    unknown = sorted(set(content) - set(members))
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(members) or 'nothing'}")


def _question(content: Mapping[str, Any], order: AddressOrder) -> Unit:
    what = content.get("what")
    question = GB26875_QUESTIONS.get(str(what))
    if question is None:
        raise ValueError(f"what: {what!r} is none of {', '.join(GB26875_QUESTIONS)}")
    if "point" in content:
        content = {**_place(str(content["point"]), order), **content}
    missing = [member for member in question.members if member not in content]
    if missing:
        raise ValueError(f"a query for {what} needs {', '.join(missing)}")
    members: dict[str, Any] = {name: content[name] for name in question.members if name != "since"}
    if "since" in question.members:
        members["time"] = _since(str(content["since"]))
        if not 1 <= int(content["record_count"]) <= RECORDS_MAXIMUM:
            raise ValueError(f"record_count: {content['record_count']} is outside 1…{RECORDS_MAXIMUM}")
    return _unit(_REQUEST, question.type, members=members or _RESERVED)


def _place(point: str, order: AddressOrder) -> dict[str, Any]:
    """The members that name a point `host` or `host-loop-address` in a frame: the inverse of `statements.point_of`."""
    found = _POINT.fullmatch(point)
    if found is None:
        raise ValueError(f"point: {point!r} is not host-loop-address, as in 2-41-8, 11.2-41-8 or 2")
    kind, host, *parts = (int(digits) for digits in (found[1] or _FIRE_ALARM_SYSTEM, *found.groups()[1:]) if digits is not None)
    members: dict[str, Any] = {"system_type": kind, "system_address": host}
    if not parts:
        return members
    if (len(parts) == 1) is not (order is AddressOrder.WHOLE):
        raise ValueError(f"point: {point!r} does not fit the device's component addresses ({order})")
    numbers = parts[::-1] if order is AddressOrder.POINT_FIRST else parts
    size = 4 // len(numbers)
    if any(number >= 1 << 8 * size for number in numbers):
        raise ValueError(f"point: a number of {point!r} does not fit {size} bytes")
    return {**members, "component_address_hex": b"".join(number.to_bytes(size, "little") for number in numbers).hex()}


def _minutes(content: Mapping[str, Any]) -> int:
    seconds = float(content.get("deadline_seconds", DUTY_CHECK_SECONDS))
    minutes = -int(-seconds // 60)
    if not 1 <= minutes <= DUTY_CHECK_MINUTES_MAXIMUM:
        raise ValueError(f"deadline_seconds: {seconds:g} s are not 1…{DUTY_CHECK_MINUTES_MAXIMUM} minutes")
    return minutes


def _since(text: str) -> str:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"since: {text!r} has no offset from UTC")
    return _tag(instant)


def _tag(instant: datetime) -> str:
    return instant.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _unit(command: int, kind: int, *, members: Mapping[str, Any]) -> Unit:
    return Unit(command, {"type": kind, "count": 1, "objects": [members]})
