"""Bytes become typed messages here, once. Nothing raises: what cannot be taken comes back as `Rejected`, with why.

One bad object of an array does not lose the others, one bad member does not lose an object that can be read without
it, and a signal whose `kind`, `active` and `point` can be read is a signal, whatever else is wrong with it.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from signals import schemas
from signals.instants import TEXT_MAXIMUM, read_instant
from signals.messages import (
    KIND_CHARACTERS_MAXIMUM,
    PAYLOAD_BYTES_MAXIMUM,
    POINT_CHARACTERS_MAXIMUM,
    Heartbeat,
    Reason,
    Rejected,
    Reply,
    Signal,
    Snapshot,
    Status,
    Telemetry,
)
from signals.metrics import METRIC_INDEX, VALUES_MAXIMUM
from signals.payloads import canonical, counter, objects, plain, refuse
from signals.topics import MessageClass

KEPT_BYTES_MAXIMUM = 4096
"""Bytes kept of a payload above 256 KiB: its head. Length and digest are recorded beside it."""

_ENVELOPE = frozenset({"boot", "seq", "at"})
_ALARM_MEMBERS = ("point", "kind", "active")
_TELEMETRY_MEMBERS = frozenset({"boot", "seq", "point", "values"})
_FLAGS = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
_NUL_IN_JSON = b"\\u0000"
# Pydantic's own validator, without the adapter around it: a quarter of the time of what runs for every message.
_PLAIN_TELEMETRY: Callable[[bytes], Telemetry] = schemas.PLAIN_TELEMETRY.validator.validate_json
_PLAIN_TELEMETRY_ARRAY = schemas.PLAIN_TELEMETRY_ARRAY.validate_json

Confirmable = Signal | Snapshot | Reply
"""What is stored in `signal` and confirmed."""


def read_signal_lane(message_class: MessageClass, payload: bytes) -> list[Confirmable | Status | Rejected]:
    """Read a payload of class signal, snapshot, reply or status. One result for every object, in their order."""
    readers: dict[MessageClass, Callable[[dict[str, Any], int], Confirmable | Status | Rejected]] = {
        MessageClass.SIGNAL: _read_signal,
        MessageClass.SNAPSHOT: _read_snapshot,
        MessageClass.REPLY: _read_reply,
        MessageClass.STATUS: _read_status,
    }
    read = readers[message_class]
    return [found if isinstance(found, Rejected) else read(found, item) for item, found in objects(payload)]


def read_plain_telemetry(payload: bytes) -> Telemetry | None:
    """Read a lone, faultless telemetry object: nearly every payload, and the one function that runs 10,000 times a second.

    Its metrics are not looked at. None: `read_telemetry` must say what the payload is.
    """
    if len(payload) > PAYLOAD_BYTES_MAXIMUM or _NUL_IN_JSON in payload:
        return None
    try:
        return _PLAIN_TELEMETRY(payload)
    except ValidationError:
        return None


def read_telemetry(payload: bytes) -> tuple[list[Telemetry], list[Rejected]]:
    """Read a telemetry payload: what can be stored, and what is left over: whole objects or single values."""
    faultless = _faultless(payload)
    if faultless and all(reading["values"].keys() <= METRIC_INDEX.keys() for reading in faultless):
        return faultless, []
    taken: list[Telemetry] = []
    rejected: list[Rejected] = []
    for item, found in objects(payload):
        if isinstance(found, Rejected):
            rejected.append(found)
            continue
        reading_or_none = _mend_telemetry(found, item, rejected=rejected)
        if reading_or_none is not None:
            taken.append(reading_or_none)
    return taken, rejected


def read_heartbeats(payload: bytes) -> list[Heartbeat | Rejected]:
    """Read a heartbeat payload. One result for every object, in their order."""
    return [found if isinstance(found, Rejected) else _read_heartbeat(found, item) for item, found in objects(payload)]


def _faultless(payload: bytes) -> list[Telemetry]:
    """The readings of a faultless payload; none where it has to be looked at more closely."""
    if payload[:1] != b"[":
        reading = read_plain_telemetry(payload)
        return [] if reading is None else [reading]
    if len(payload) > PAYLOAD_BYTES_MAXIMUM or _NUL_IN_JSON in payload:
        return []
    try:
        return _PLAIN_TELEMETRY_ARRAY(payload)
    except ValidationError:
        return []


def _problems(error: ValidationError) -> dict[str, str]:
    """What is wrong, by top-level member."""
    return {
        str(problem["loc"][0]): f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in reversed(error.errors(include_url=False, include_input=False, include_context=False))
    }


def _validate(
    schema: TypeAdapter[Any], found: Mapping[str, Any], *, required: frozenset[str]
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Validate; leave out optional members that are wrong. None where a required one is."""
    try:
        return schema.validate_python(found), ()
    except ValidationError as error:
        problems = _problems(error)
    defects = tuple(plain(problem) for problem in problems.values())
    if problems.keys() & required:
        return None, defects
    rest = {name: value for name, value in found.items() if name not in problems}
    return schema.validate_python(rest), defects


def _at_text(found: Mapping[str, Any]) -> str | None:
    if found.get("at") is None or read_instant(found["at"]) is not None:
        return None
    return plain(str(found["at"]))[:TEXT_MAXIMUM]


def _envelope(found: Mapping[str, Any], message_class: MessageClass) -> dict[str, Any]:
    return {
        "message_class": message_class,
        "boot": counter(found, "boot"),
        "seq": counter(found, "seq"),
        "occurred_at": read_instant(found.get("at")),
        "at_text": _at_text(found),
        "content": canonical(found),
    }


def _understand(name: str, value: object) -> object:
    """Read one of the three members an alarm needs as generously as it can be understood."""
    if name == "active":
        key = value.strip().lower() if isinstance(value, str) else value
        return _FLAGS.get(key, value) if isinstance(key, str | int) and not isinstance(key, bool) else value
    if name == "point" and type(value) is int:
        value = str(value)
    limit = POINT_CHARACTERS_MAXIMUM if name == "point" else KIND_CHARACTERS_MAXIMUM
    text = plain(value)[:limit] if isinstance(value, str) else value
    return value if text == value else text


def _mend_signal(found: dict[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    understood = {name: _understand(name, found[name]) for name in _ALARM_MEMBERS if name in found}
    defects = tuple(
        plain(f"{name}: {found[name]!r} read as {value!r}")
        for name, value in understood.items()
        if value is not found[name] and not (isinstance(value, str) and value == found[name])
    )
    return {**found, **understood}, defects


def _read_signal(found: dict[str, Any], item: int) -> Signal | Rejected:
    mended, mending = _mend_signal(found)
    valid, defects = _validate(schemas.SIGNAL, mended, required=frozenset(_ALARM_MEMBERS))
    if valid is None:
        return refuse(found, item, detail="; ".join(defects))
    missing = tuple(f"{name}: missing" for name in ("boot", "seq") if name not in found)
    detail = {name: value for name, value in valid.items() if name not in _ENVELOPE.union(_ALARM_MEMBERS)}
    return Signal(
        **_envelope(found, MessageClass.SIGNAL),
        defects=mending + defects + missing,
        point=valid["point"],
        raw_kind=valid["kind"],
        active=valid["active"],
        detail=detail,
    )


def _read_snapshot(found: dict[str, Any], item: int) -> Snapshot | Rejected:
    # A page is taken whole or not at all: a condition left out of it would be declared over.
    valid, defects = _validate(schemas.SNAPSHOT, found, required=frozenset(schemas.SnapshotSchema.__annotations__))
    if valid is None or valid["page"] > valid["pages"]:
        return refuse(found, item, detail="; ".join(defects) or f"page {found['page']} of {found['pages']}")
    return Snapshot(
        **_envelope(found, MessageClass.SNAPSHOT),
        page=valid["page"],
        pages=valid["pages"],
        active=tuple((condition["point"], condition["kind"]) for condition in valid["active"]),
    )


def _read_reply(found: dict[str, Any], item: int) -> Reply | Rejected:
    valid, defects = _validate(schemas.REPLY, found, required=frozenset({"to", "ok"}))
    if valid is None:
        return refuse(found, item, detail="; ".join(defects))
    return Reply(
        **_envelope(found, MessageClass.REPLY),
        defects=defects,
        to=valid["to"],
        ok=valid["ok"],
        operator=valid.get("operator"),
        text=valid.get("text"),
        gone=tuple((first, last) for first, last in valid.get("gone", ()) if first <= last),
    )


def _read_status(found: dict[str, Any], item: int) -> Status | Rejected:
    valid, defects = _validate(schemas.STATUS, found, required=frozenset({"online"}))
    return Status(online=valid["online"]) if valid else refuse(found, item, detail="; ".join(defects))


def _read_heartbeat(found: dict[str, Any], item: int) -> Heartbeat | Rejected:
    valid, defects = _validate(schemas.HEARTBEAT, found, required=frozenset({"boot", "seq", "interval_seconds"}))
    if valid is None:
        return refuse(found, item, detail="; ".join(defects))
    named = {"point", "interval_seconds", *_ENVELOPE}
    return Heartbeat(
        boot=valid["boot"],
        seq=valid["seq"],
        occurred_at=read_instant(found.get("at")),
        point=valid.get("point", ""),
        interval_seconds=valid["interval_seconds"],
        detail={name: value for name, value in valid.items() if name not in named},
    )


def _mend_telemetry(found: dict[str, Any], item: int, *, rejected: list[Rejected]) -> Telemetry | None:
    """Take the good values of an object; append what is wrong with the others, or with the object, to `rejected`."""
    values = found.get("values")
    if not isinstance(values, dict) or not 1 <= len(values) <= VALUES_MAXIMUM:
        detail = f"values: an object of 1…{VALUES_MAXIMUM} metrics is due"
        rejected.append(refuse(found, item, detail=detail))
        return None
    numbers = {metric: _number(value) for metric, value in values.items() if metric in METRIC_INDEX}
    good = {metric: number for metric, number in numbers.items() if number is not None}
    if len(good) < len(values):
        bad = {metric: value for metric, value in values.items() if metric not in good}
        named = ", ".join(f"{metric}={value!r}" for metric, value in bad.items())
        detail = plain(f"unknown metric or bad value: {named}")
        rejected.append(refuse({**found, "values": bad}, item, reason=Reason.METRIC, detail=detail))
    if not good:
        return None
    valid, defects = _validate(schemas.TELEMETRY, {**found, "values": good}, required=_TELEMETRY_MEMBERS)
    if valid is None:
        rejected.append(refuse(found, item, detail="; ".join(defects)))
        return None
    return cast("Telemetry", valid)


def _number(value: object) -> float | None:
    if type(value) not in (int, float):
        return None
    try:
        number = float(cast("float", value))
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
