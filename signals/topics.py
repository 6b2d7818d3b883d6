"""MQTT topics of the profile v1: their one spelling, built and read here only."""

import re
from enum import StrEnum

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_UPWARD = re.compile(r"wanghuo/v1/(?P<transmitter>[A-Za-z0-9_-]{1,64})/(?P<kind>signal|telemetry|heartbeat|snapshot|reply|status)")


class MessageClass(StrEnum):
    """The classes of upward messages; each counts its `seq` for itself."""

    SIGNAL = "signal"
    TELEMETRY = "telemetry"
    HEARTBEAT = "heartbeat"
    SNAPSHOT = "snapshot"
    REPLY = "reply"
    STATUS = "status"


class Lane(StrEnum):
    """The two ways in: a flood on one never delays the other."""

    SIGNAL = "signal"
    TELEMETRY = "telemetry"


LANE_CLASSES = {
    Lane.SIGNAL: (MessageClass.SIGNAL, MessageClass.SNAPSHOT, MessageClass.REPLY, MessageClass.STATUS),
    Lane.TELEMETRY: (MessageClass.TELEMETRY, MessageClass.HEARTBEAT),
}

CONFIRMED_CLASSES = frozenset({MessageClass.SIGNAL, MessageClass.SNAPSHOT, MessageClass.REPLY})
"""Classes that are confirmed once stored, and whose gaps are asked for again."""


def is_identifier(text: str) -> bool:
    """Whether the text may name a transmitter, key unit or village: 1…64 of `[A-Za-z0-9_-]`."""
    return _ID.fullmatch(text) is not None


def read_upward(topic: str) -> tuple[str, MessageClass] | None:
    """The transmitter and class of an upward topic, or None for any other topic."""
    found = _UPWARD.fullmatch(topic)
    return (found["transmitter"], MessageClass(found["kind"])) if found else None


def upward(transmitter_id: str, message_class: MessageClass) -> str:
    """The topic on which the transmitter sends messages of this class."""
    return f"wanghuo/v1/{transmitter_id}/{message_class}"


def command(transmitter_id: str) -> str:
    """The topic on which the transmitter is commanded."""
    return f"wanghuo/v1/{transmitter_id}/command"


UNASSIGNED = "_unassigned"
"""Stands for the village where an alarm's transmitter is in none, or unknown; no village may be called so."""


def alarm_out(village_id: str) -> str:
    """The topic on which the centre tells sirens and other systems of a village's alarms."""
    return f"wanghuo/out/v1/alarm/{village_id}"


def probe(lane: Lane) -> str:
    """The centre's own topic by which a lane proves to itself that it has heard everything up to an instant."""
    return f"wanghuo/centre/v1/probe/{lane}"


def lane_filters(lane: Lane) -> tuple[str, ...]:
    """The subscriptions of a lane."""
    return (*(f"wanghuo/v1/+/{message_class}" for message_class in LANE_CLASSES[lane]), probe(lane))
