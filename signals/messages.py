"""Typed messages of the MQTT profile v1, frozen: what is left of a payload once `signals.border` has read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NotRequired

from typing_extensions import TypedDict

from signals.topics import MessageClass

INTEGER_MAXIMUM = 2**53 - 1
"""The largest `boot` and `seq` (MQTT profile v1): every JSON reader keeps integers exact up to here."""

PAYLOAD_BYTES_MAXIMUM = 256 * 1024
OBJECTS_MAXIMUM = 1000
POINT_CHARACTERS_MAXIMUM = 64
KIND_CHARACTERS_MAXIMUM = 64


class Reason(StrEnum):
    """Why something is in quarantine."""

    TOPIC = "topic"  # not a topic of the profile
    UNKNOWN_TRANSMITTER = "unknown_transmitter"  # not enrolled, or withdrawn
    TOO_LARGE = "too_large"  # payload above 256 KiB
    ENCODING = "encoding"  # not UTF-8
    JSON = "json"  # not JSON, or nested too deep
    SHAPE = "shape"  # neither an object nor an array of 1…1,000 objects
    MEMBER = "member"  # a required member is missing or unreadable
    METRIC = "metric"  # one metric is unknown or its value bad; the rest was stored
    FRAME = "frame"  # a GB/T 26875.3 frame that departs from the standard beyond its device's profile, or does not fit its length
    DATABASE = "database"  # the database refused the row


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A payload, or one object or value of it, that could not be taken.

    Attributes:
        item: index in the payload's array; 0 for a lone object; None where the payload as a whole is meant.
        boot: readable all the same, so that the transmitter can be told; else None. Likewise `seq`.
        raw: the bytes concerned: the payload, or the object as JSON.
    """

    reason: Reason
    detail: str
    raw: bytes
    item: int | None = None
    boot: int | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Upward:
    """One object of a class that is confirmed.

    Attributes:
        boot: None where it could not be read: such an object is stored and acted upon, but cannot be confirmed.
        seq: likewise.
        occurred_at: the device's clock, or None where `at` is absent, absurd or unreadable.
        at_text: `at` as it came where it is no instant, cut to 64 characters; else None.
        content: the object as canonical JSON: two objects are the same fact when these bytes are the same.
        defects: what was wrong with members that the object could be read without, as "member: what".
    """

    message_class: MessageClass
    boot: int | None
    seq: int | None
    occurred_at: datetime | None
    at_text: str | None
    content: bytes
    defects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal(Upward):
    """A condition that began (active) or returned to normal. `raw_kind` is the device's own word, 1…64 characters."""

    point: str
    raw_kind: str
    active: bool
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Upward):
    """Page `page` of `pages` (from 1) of everything that is active now, as (point, raw kind)."""

    page: int
    pages: int
    active: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Upward):
    """The answer to command `to`. `gone`: ranges (first, last) of `seq` that the transmitter no longer has."""

    to: str
    ok: bool
    operator: str | None = None
    text: str | None = None
    gone: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The transmitter's connection, by its own word or by its will. A hint only."""

    online: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life with a promise: the next one comes within `interval_seconds`.

    `detail`: power, battery, link, firmware.
    """

    boot: int
    seq: int
    occurred_at: datetime | None
    point: str
    interval_seconds: int
    detail: Mapping[str, Any] = field(default_factory=dict)


class Telemetry(TypedDict):
    """Measured values of one point at one instant. A dict, not a dataclass: made 10,000 times a second and read once.

    `values`: metric name → finite number. `at`: as it came; `signals.instants.read_instant` says what it is worth.
    """

    boot: int
    seq: int
    at: NotRequired[object]
    point: str
    values: dict[str, float]
