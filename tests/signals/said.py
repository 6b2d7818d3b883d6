"""What a device might say: one sound object of every class, and strategies for payloads, sound and broken."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from hypothesis import strategies as st

from signals.kinds import PROFILE_KINDS
from signals.messages import INTEGER_MAXIMUM
from signals.metrics import METRICS
from signals.packing import unpack
from signals.topics import LANE_CLASSES, Lane

SIGNAL_LANE = LANE_CLASSES[Lane.SIGNAL]
MEMBERS = (
    *("boot", "seq", "at", "point", "kind", "active", "text", "level", "code", "cause", "confidence", "evidence", "values"),
    *("page", "pages", "to", "ok", "operator", "gone", "online", "interval_seconds", "power", "battery_volts", "panel_link"),
)

FIRE = {"boot": 7, "seq": 12, "point": "1-1", "kind": "fire_alarm", "active": True}
READING = {"boot": 7, "seq": 12, "point": "1-1", "values": {"temperature_celsius": 21.5, "co_ppm": 3}}
HEARTBEAT = {"boot": 7, "seq": 12, "interval_seconds": 60}
SNAPSHOT = {"boot": 7, "seq": 12, "page": 1, "pages": 1, "active": [{"point": "1-1", "kind": "fire_alarm"}]}
REPLY = {"boot": 7, "seq": 12, "to": "c-1", "ok": True}

any_text = st.text(st.characters(), max_size=70)
"""Lone surrogates and U+0000 included."""
plain_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=64)
counters = st.integers(0, INTEGER_MAXIMUM)
numbers = st.floats(allow_nan=False, allow_infinity=False)
any_scalar = st.none() | st.booleans() | st.integers() | st.integers(10**30, 10**31) | st.floats() | any_text
any_json = st.recursive(any_scalar, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4))
any_object = st.dictionaries(st.sampled_from(MEMBERS) | any_text, any_json, max_size=12)
metric_values = st.dictionaries(st.sampled_from(METRICS), numbers, min_size=1)

telemetry = st.fixed_dictionaries(
    {"boot": counters, "seq": counters, "point": plain_text, "values": metric_values},
    optional={"at": st.just("2025-03-01T08:00:00+08:00")},
)
kinds = st.sampled_from(sorted(PROFILE_KINDS)) | plain_text.filter(bool)
signals = st.fixed_dictionaries({"boot": counters, "seq": counters, "point": plain_text, "kind": kinds, "active": st.booleans()})


def payload(value):
    """As a device writes it; lone surrogates as escapes."""
    return json.dumps(value).encode()


def nested(levels, *, opening="[", closing="]"):
    return opening * levels + "1" + closing * levels


def only(found):
    assert len(found) == 1
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One telemetry object of a packed batch."""

    transmitter_id: str
    point: str
    time: float
    values: Mapping[str, float]


def unpacked(packed: bytes) -> list[Reading]:
    """The values of a batch, put together again: those of one object follow one another in the order of `METRICS`."""
    found = unpack(packed)
    rows = list(zip(found.series.tolist(), found.times.tolist(), found.metrics.tolist(), found.values.tolist(), strict=True))
    begins, number = [], 0
    for place, row in enumerate(rows):
        before = rows[place - 1] if place else None
        number += before is not None and (before[:2] != row[:2] or before[2] >= row[2])
        begins.append(number)
    put: list[Reading] = []
    for _, group in groupby(zip(begins, rows, strict=True), key=lambda pair: pair[0]):
        members = [row for _, row in group]
        transmitter_id, point = found.names[members[0][0]]
        values = {METRICS[metric]: value for _, _, metric, value in members}
        put.append(Reading(transmitter_id=transmitter_id, point=point, time=members[0][1], values=values))
    return put
