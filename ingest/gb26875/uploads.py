"""What the data of a frame states, and all that follows from it whoever sent it.

One object with a time tag at its end is understood once and remembered without its time: a device repeats what has not changed.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from signals.gb26875 import clock, content
from signals.gb26875.profiles import Profile
from signals.gb26875.statements import AddressOrder, Found, Measured, Operation, Report, State, Unreadable, statements, time_of
from signals.kinds import FIRE_KINDS, Kind, classify

STATE, REPORT, SIGNAL = "state", "report", "signal"
"""Classes of facts."""
REMEMBERED = 16_384
"""Objects: some 26 MiB, and as many points of which nothing changes."""
_HEAD_BYTES = 2
_ONE_OBJECT_BYTES = {kind: _HEAD_BYTES + content.LAYOUTS[kind].size for kind in (1, 2, 3, 21)}
"""Length of the data that is one state, or one value."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Said(NamedTuple):
    """What a fact says, by whichever frame it comes.

    Attributes:
        detail: JSON, its last brace left open for the frame's own numbers.
        urgent: it is, or holds, a fire (GB 26875.1 4.1.2.3).
    """

    found: State | Operation | Report
    fact_class: str
    kind: Kind | None
    active: bool | None
    defects: tuple[str, ...]
    detail: str
    urgent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What the data of a frame states.

    Attributes:
        urgent: a statement is, or holds, a fire; or one cannot be read and may be.
        measured: a statement is a measured value.
        timeless: remembered without the time tag that ends the data.
    """

    statements: tuple[Said | Measured | Unreadable, ...]
    urgent: bool
    measured: bool
    timeless: bool

    def occurred_at(self, found: State | Operation | Report | Measured, data: bytes) -> datetime | None:
        """When the device says that it occurred, in this data."""
        return time_of(clock.show(data[-clock.BYTES :])) if self.timeless else found.occurred_at


def upload_of(data: bytes, profile: Profile) -> Upload:
    """What this data states, read by its device's profile."""
    if profile.objects is None and data[1:2] == b"\x01" and len(data) == _ONE_OBJECT_BYTES.get(data[0]):
        remembered = _remembered(data[: -clock.BYTES], profile.order)
        if remembered is not None:
            return remembered
    return upload(profile.statements(data))


def upload(found: Iterable[Found], *, timeless: bool = False) -> Upload:
    """These statements."""
    told = tuple(one if isinstance(one, Measured | Unreadable) else _said(one) for one in found)
    return Upload(
        statements=told,
        urgent=any(isinstance(one, Unreadable) or (isinstance(one, Said) and one.urgent) for one in told),
        measured=any(isinstance(one, Measured) for one in told),
        timeless=timeless,
    )


@lru_cache(REMEMBERED)
def _remembered(data: bytes, order: AddressOrder) -> Upload | None:
    """None where what is kept of the object holds its time."""
    found = statements(data + clock.NONE, order=order)
    return upload(found, timeless=True) if all(isinstance(one, State | Measured) for one in found) else None


def _said(found: State | Operation | Report) -> Said:
    if isinstance(found, State):
        urgent = any(classify(kind) in FIRE_KINDS for kind in found.active)
        # What a state covers is the same for every state of its type, and long.
        detail = f'{_encode({**found.detail, "active": found.active})[:-1]},"covers":{_covers(found.covers)}'
        return Said(found, STATE, kind=None, active=None, defects=(), detail=detail, urgent=urgent)
    detail = _encode(found.detail)[:-1]
    if isinstance(found, Operation):
        return Said(found, SIGNAL, kind=found.kind, active=True, defects=(), detail=detail, urgent=found.kind in FIRE_KINDS)
    return Said(found, REPORT, kind=None, active=None, defects=found.defects, detail=detail, urgent=False)


@lru_cache(1024)
def _covers(covers: tuple[str, ...]) -> str:
    return _encode(covers)
