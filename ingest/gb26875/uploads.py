"""What the data of a frame states, and all that follows from it whoever sent it: read once and remembered, as devices repeat it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from signals.gb26875.frames import Frame
from signals.gb26875.profiles import PROFILES, Profile
from signals.gb26875.statements import Found, Measured, Operation, Report, State, Unreadable
from signals.kinds import FIRE_KINDS, Kind, classify

STATE, REPORT, SIGNAL = "state", "report", "signal"
"""Classes of facts."""
REMEMBERED, REMEMBERED_BYTES = 16_384, 64
"""So many uploads of one object are remembered, some 40 MiB: a device repeats what has not changed again and again."""
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
    """What the data of a frame states. `urgent`: one of it is, or cannot be read and may be."""

    statements: tuple[Said | Measured | Unreadable, ...]
    urgent: bool


def upload_of(frame: Frame, profile: Profile) -> Upload:
    """What a frame states, read by its device's profile."""
    if len(frame.data) <= REMEMBERED_BYTES:
        return _remembered(profile.name, frame.data)
    return upload(profile.statements(frame.data))


def upload(found: Iterable[Found]) -> Upload:
    """These statements."""
    statements = tuple(one if isinstance(one, Measured | Unreadable) else _said(one) for one in found)
    urgent = any(isinstance(one, Unreadable) or (isinstance(one, Said) and one.urgent) for one in statements)
    return Upload(statements=statements, urgent=urgent)


@lru_cache(REMEMBERED)
def _remembered(profile: str, data: bytes) -> Upload:
    return upload(PROFILES[profile].statements(data))


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
