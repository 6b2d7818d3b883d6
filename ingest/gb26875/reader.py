"""Frames become items of a batch: rows of `signal`, readings, quarantine; and it is decided how each is answered."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from struct import Struct

from xxhash import xxh3_64_digest

from ingest.copying import Layout, Layouts, head, tail
from ingest.facts import Fact, unreadable
from ingest.gb26875 import metrics
from ingest.gb26875.book import Device
from ingest.gb26875.calm import Calm
from ingest.gb26875.channels import Channel
from ingest.gb26875.uploads import Said, Upload, upload_of
from ingest.quarantine import Gate, Provenance, hold
from ingest.signal_batch import Item, SignalBatch
from ingest.telemetry_batch import Origin, TelemetryBatch
from signals import origin
from signals.gb26875.frames import Frame
from signals.gb26875.profiles import Departure
from signals.gb26875.statements import DUTY_ANSWER, Measured, Operation, Report, State
from signals.gb26875.tables import Command
from signals.instants import EPOCH, microseconds
from signals.messages import Reason, Rejected

REPLIES = frozenset({Command.CONFIRM, Command.ANSWER, Command.DENY})
"""What is not answered itself."""
_SAID = Struct("<HB")
SENTINEL = 0
"""`time` of a reading without a clock: 2000-01-01, as in the telemetry lane."""


@dataclass(slots=True, kw_only=True)
class Arrival:
    """A frame on its way to the database.

    Attributes:
        upload: what it states, where its device was known when it came.
        answer: the command that it is answered with once it is stored; None: with none.
    """

    frame: Frame
    device: Device | None
    channel: Channel
    received_at: datetime
    upload: Upload | None = None
    answer: Command | None = None

    @property
    def raw(self) -> bytes:
        """The frame's bytes as they came."""
        return raw_of(self.frame)

    def occurred_at(self, found: State | Operation | Report | Measured) -> datetime | None:
        """When its device says that this occurred."""
        assert self.upload is not None
        return self.upload.occurred_at(found, self.frame.data)

    @property
    def measured(self) -> bool:
        """Whether a value of it goes with the readings."""
        return self.upload is not None and self.upload.measured

    @property
    def urgent(self) -> bool:
        """Whether it goes before others: a fire, or something that cannot be read and may be one (GB 26875.1 4.1.2.3)."""
        return self.upload is not None and self.upload.urgent


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
        self._calm = Calm()

    def read(self, arrival: Arrival, batch: Batch) -> None:
        """Add what follows from a frame to the batch, and decide how it is answered."""
        frame, device = arrival.frame, arrival.device
        uploaded = frame.command not in REPLIES
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
        arrival.upload = upload = arrival.upload or upload_of(arrival.frame.data, device.profile)
        facts = []
        for place, stated in enumerate(upload.statements):
            if isinstance(stated, Said):
                facts.append(self._fact(stated, arrival, device=device, place=place, departures=departures))
            elif isinstance(stated, Measured):
                self._measure(stated, arrival, batch=batch, device=device)
            else:
                self._hold(arrival, batch, reason=Reason.FRAME, why=stated.why)
        if facts:
            batch.signals.items.append(Item(provenance=provenance_of(arrival), raw=arrival.raw, facts=tuple(facts)))

    def _fact(self, said: Said, arrival: Arrival, *, device: Device, place: int, departures: tuple[str, ...]) -> Fact:
        frame, found = arrival.frame, said.found
        identity = frame.source + _SAID.pack(frame.serial, frame.command) + frame.data
        key, key_before = origin.windowed("gb26875", identity, place, received_at=arrival.received_at)
        return Fact(
            transmitter_id=device.transmitter_id,
            key=key,
            key_before=key_before,
            fact_class=said.fact_class,
            boot=None,
            seq=frame.serial,
            point=found.point,
            kind=said.kind,
            raw_kind="",
            active=said.active,
            detail=f'{said.detail},"serial":{frame.serial},"command":{frame.command}}}',
            defects=departures + said.defects,
            occurred_at=arrival.occurred_at(found),
            at_text=None,
            received_at=arrival.received_at,
            payload=arrival.raw,
            handed_over=self._is_handed_over(found, arrival, device=device),
            urgent=said.urgent,
        )

    def _is_handed_over(self, found: State | Operation | Report, arrival: Arrival, *, device: Device) -> bool:
        if isinstance(found, State):
            name = (device.transmitter_id, found.point)
            return self._calm.is_news(name, active=bool(found.active), received_at=arrival.received_at)
        return isinstance(found, Operation) or DUTY_ANSWER in found.detail

    def _measure(self, found: Measured, arrival: Arrival, *, batch: Batch, device: Device) -> None:
        readings, at = batch.telemetry.readings, microseconds(arrival.received_at)
        layout = self._layouts.find((found.metric,))
        assert layout is not None, "statements name known metrics only"
        occurred_at = arrival.occurred_at(found)
        time = None if occurred_at is None else microseconds(occurred_at)
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


def _how_to_enrol(arrival: Arrival) -> str:
    address = arrival.frame.source
    return (
        f"address {address.hex()} (number {int.from_bytes(address, 'little')}) from {arrival.channel.peer} is not enrolled;"
        f" to enrol it: wanghuo registry enrol-gb26875 ID --address {address.hex()} --class control_room --unit UNIT"
    )
