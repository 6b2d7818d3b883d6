"""Frames become items of a batch: rows of `signal`, readings, quarantine; and it is decided how each is answered."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from struct import Struct

from xxhash import xxh3_64_digest

from ingest.copying import Layout, Layouts, head, tail
from ingest.facts import Fact, unreadable
from ingest.gb26875 import metrics
from ingest.gb26875.book import Device
from ingest.gb26875.channels import Channel
from ingest.quarantine import Gate, Provenance, hold
from ingest.signal_batch import Item, SignalBatch
from ingest.telemetry_batch import Origin, TelemetryBatch
from signals import origin
from signals.gb26875.frames import Frame
from signals.gb26875.profiles import PROFILES, Departure
from signals.gb26875.statements import (
    DUTY_ANSWER,
    Found,
    Measured,
    Operation,
    Report,
    State,
    Statement,
    Unreadable,
)
from signals.gb26875.tables import Command
from signals.instants import EPOCH, microseconds
from signals.kinds import FIRE_KINDS, classify
from signals.messages import Reason, Rejected

STATE, REPORT, SIGNAL = "state", "report", "signal"
"""Classes of facts."""
_SAID = Struct("<HB")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
SENTINEL = 0
"""`time` of a reading without a clock: 2000-01-01, as in the telemetry lane."""
REMEMBERED, REMEMBERED_BYTES = 16_384, 64
"""So many uploads of one object are remembered, some 40 MiB: a device repeats what has not changed again and again."""
QUIET_POINTS_MAXIMUM = 200_000
"""Points of which we remember that all was well; beyond, everything is handed over again."""


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A frame on its way to the database.

    Attributes:
        stated: what it states, where its device was known when it came.
        answer: the command that it is answered with once it is stored; None: with none.
    """

    frame: Frame
    device: Device | None
    channel: Channel
    received_at: datetime
    stated: list[Found] | None = None
    answer: Command | None = None

    @property
    def raw(self) -> bytes:
        """The frame's bytes as they came."""
        return raw_of(self.frame)

    @property
    def urgent(self) -> bool:
        """Whether it goes before others: a fire, or something that cannot be read and may be one (GB 26875.1 4.1.2.3)."""
        return any(isinstance(one, Unreadable) or _is_urgent(one) for one in self.stated or ())


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one turn of the lane stores."""

    signals: SignalBatch = field(default_factory=SignalBatch)
    telemetry: TelemetryBatch = field(default_factory=TelemetryBatch)


class Reader:
    """Reads arrivals. Nothing raises for what a device may send."""

    def __init__(self) -> None:
        self._gate = Gate()
        self._layouts = Layouts()
        self._quiet: set[tuple[str, str]] = set()

    def read(self, arrival: Arrival, batch: Batch) -> None:
        """Add what follows from a frame to the batch, and decide how it is answered."""
        frame, device = arrival.frame, arrival.device
        uploaded = frame.command not in {Command.CONFIRM, Command.ANSWER, Command.DENY}
        arrival.answer = Command.CONFIRM if uploaded else None
        if device is None:
            self._hold(arrival, batch, reason=Reason.UNKNOWN_TRANSMITTER, why=_how_to_enrol(arrival))
            arrival.answer = Command.DENY if uploaded else None
            return
        departures = device.profile.departures(frame)
        for departure in departures:
            metrics.DEPARTURES.labels(departure).inc()
        refused = [departure for departure in departures if departure not in device.profile.accepts]
        if refused:
            why = f"departs from the standard: {', '.join(refused)}; profile {device.profile.name} does not take that"
            self._hold(arrival, batch, reason=Reason.FRAME, why=why)
            arrival.answer = Command.DENY if uploaded else None
            return
        self._take(arrival, batch, device=device, departures=tuple(departures))

    def give_up(self, arrival: Arrival, batch: Batch) -> None:
        """Something in our own code failed on this frame: keep it as it is, and tell an officer."""
        self._hold(arrival, batch, reason=Reason.FRAME, why="unforeseen; see the log")

    def _take(self, arrival: Arrival, batch: Batch, *, device: Device, departures: tuple[Departure, ...]) -> None:
        frame = arrival.frame
        identity = origin.key("gb26875", frame.source + _SAID.pack(frame.serial, frame.command) + frame.data)
        facts = []
        for place, found in enumerate(arrival.stated or stated(frame, device)):
            if isinstance(found, Unreadable):
                self._hold(arrival, batch, reason=Reason.FRAME, why=found.why)
            elif isinstance(found, Measured):
                self._measure(found, arrival, batch=batch, device=device)
            else:
                facts.append(self._fact(found, arrival, device=device, identity=(identity, place), departures=departures))
        if facts:
            batch.signals.items.append(Item(provenance=provenance_of(arrival), raw=arrival.raw, facts=tuple(facts)))

    def _fact(
        self,
        found: State | Operation | Report,
        arrival: Arrival,
        *,
        device: Device,
        identity: tuple[bytes, int],
        departures: tuple[str, ...],
    ) -> Fact:
        key, key_before = origin.windowed(*identity, received_at=arrival.received_at)
        return Fact(
            transmitter_id=device.transmitter_id,
            key=key,
            key_before=key_before,
            fact_class=_class_of(found),
            boot=None,
            seq=arrival.frame.serial,
            point=found.point,
            kind=found.kind if isinstance(found, Operation) else None,
            raw_kind="",
            active=True if isinstance(found, Operation) else None,
            detail=_detail(found, arrival.frame, device=device, place=identity[1]),
            defects=(*departures, *(found.defects if isinstance(found, Report) else ())),
            occurred_at=found.occurred_at,
            at_text=None,
            received_at=arrival.received_at,
            payload=arrival.raw,
            handed_over=self._is_handed_over(found, device),
            urgent=_is_urgent(found),
        )

    def _is_handed_over(self, found: State | Operation | Report, device: Device) -> bool:
        """Periodic uploads of points where all is well would change nothing: of those the first one is enough."""
        if isinstance(found, Operation):
            return True
        if isinstance(found, Report):
            return DUTY_ANSWER in found.detail
        name = (device.transmitter_id, found.point)
        if found.active:
            self._quiet.discard(name)
            return True
        if name in self._quiet:
            return False
        if len(self._quiet) >= QUIET_POINTS_MAXIMUM:
            self._quiet.clear()
        self._quiet.add(name)
        return True

    def _measure(self, found: Measured, arrival: Arrival, *, batch: Batch, device: Device) -> None:
        readings, at = batch.telemetry.readings, microseconds(arrival.received_at)
        layout = self._layouts.find((found.metric,))
        assert layout is not None, "statements name known metrics only"
        time = None if found.occurred_at is None else microseconds(found.occurred_at)
        # Without a clock the serial alone would take a reading for one that was stored before the device restarted.
        boot = 0 if time is not None else int(arrival.received_at.timestamp() // 60)
        row = _row(
            layout, (boot, arrival.frame.serial, SENTINEL if time is None else time, found.value), device=device, point=found.point
        )
        readings.rows.append(row + tail(at))
        series, seconds = f"{device.transmitter_id}\0{found.point}", (at if time is None else time) / 1e6 + EPOCH.timestamp()
        readings.packer.add_ordered(series, seconds, mask=layout.mask, values=(found.value,))
        readings.received.append(arrival.received_at.timestamp())
        readings.origins.append(Origin(topic=topic_of(arrival.frame), payload=arrival.raw))

    def _hold(self, arrival: Arrival, batch: Batch, *, reason: Reason, why: str) -> None:
        """Into quarantine; and since it may have been a fire, an officer is told."""
        rejected = Rejected(reason=reason, detail=why, raw=arrival.raw)
        provenance = provenance_of(arrival)
        held = hold(rejected, provenance=provenance)
        admitted = self._gate.admits(held)
        statement = unreadable(held, rest=not admitted)
        batch.signals.items.append(
            Item(provenance=provenance, raw=rejected.raw, facts=(statement,), held=held if admitted else None)
        )


def stated(frame: Frame, device: Device) -> list[Found]:
    """What a frame states, read by its device's profile. Nobody changes what was read."""
    if len(frame.data) <= REMEMBERED_BYTES:
        return _remembered(device.profile.name, frame.data)
    return device.profile.statements(frame.data)


@lru_cache(REMEMBERED)
def _remembered(profile: str, data: bytes) -> list[Found]:
    return PROFILES[profile].statements(data)


def topic_of(frame: Frame) -> str:
    """What stands in the place of a topic."""
    return _topic(frame.source)


@lru_cache(4096)
def _topic(source: bytes) -> str:
    return f"gb26875/{source.hex()}"


def provenance_of(arrival: Arrival) -> Provenance:
    """Where a frame came from."""
    transmitter_id = arrival.device.transmitter_id if arrival.device else None
    return Provenance(
        topic=topic_of(arrival.frame), transmitter_id=transmitter_id, message_class=None, received_at=arrival.received_at
    )


def raw_of(frame: Frame) -> bytes:
    """The frame's bytes as they came, or as we make them."""
    return frame.encode() if frame.raw is None else frame.raw


def _row(layout: Layout, numbers: tuple[int, int, int, float], *, device: Device, point: str) -> bytes:
    fields = layout.fields
    fields[1::2] = numbers
    content = head(device.transmitter_id, point) + layout.pack(*fields)
    return content + xxh3_64_digest(content)


def _class_of(found: State | Operation | Report) -> str:
    if isinstance(found, State):
        return STATE
    return REPORT if isinstance(found, Report) else SIGNAL


def _is_urgent(found: Found) -> bool:
    if isinstance(found, State):
        return any(classify(kind) in FIRE_KINDS for kind in found.active)
    return isinstance(found, Operation) and found.kind in FIRE_KINDS


def _detail(found: Statement, frame: Frame, *, device: Device, place: int) -> str:
    """As JSON: what the frame states at this place among its statements, and the frame's own numbers."""
    remembered = len(frame.data) <= REMEMBERED_BYTES
    told = _told_again(device.profile.name, frame.data, place=place) if remembered else _told(found)
    return f'{told[:-1]},"serial":{frame.serial},"command":{frame.command}}}'


@lru_cache(REMEMBERED)
def _told_again(profile: str, data: bytes, *, place: int) -> str:
    found = _remembered(profile, data)[place]
    assert not isinstance(found, Unreadable)
    return _told(found)


def _told(found: Statement) -> str:
    """What a state covers is the same for every state of its type and is written once."""
    if not isinstance(found, State):
        return _encode(found.detail)
    return f'{_encode({**found.detail, "active": found.active})[:-1]},"covers":{_covers(found.covers)}}}'


@lru_cache(1024)
def _covers(covers: tuple[str, ...]) -> str:
    return _encode(covers)


def _how_to_enrol(arrival: Arrival) -> str:
    address = arrival.frame.source
    return (
        f"address {address.hex()} (number {int.from_bytes(address, 'little')}) from {arrival.channel.peer} is not enrolled;"
        f" to enrol it: wanghuo registry enrol-gb26875 ID --address {address.hex()} --class control_room --unit UNIT"
    )
