"""The telemetry lane's messages become rows. This is the hot path: it runs for every message."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import mqtt5
from xxhash import xxh3_64_digest

from ingest import metrics
from ingest.copying import Layout, Layouts, tail, with_text
from ingest.presence import Presence
from ingest.quarantine import Gate, hold, provenance_of
from ingest.sources import Source
from ingest.telemetry_batch import TelemetryBatch
from ingest.transmitters import Transmitters
from signals.border import read_heartbeats, read_plain_telemetry, read_telemetry
from signals.instants import EPOCH, TEXT_MAXIMUM, microseconds, read_microseconds
from signals.messages import Heartbeat, Reason, Rejected, Telemetry
from signals.payloads import plain
from signals.topics import Lane, MessageClass, probe, read_upward, upward

EPOCH_SECONDS = EPOCH.timestamp()
SENTINEL = 0
"""`time` of a reading whose clock is absent, absurd or unreadable: 2000-01-01. Redelivered, it must find its own chunk."""

_HEARTBEATS = metrics.OBJECTS.labels(MessageClass.HEARTBEAT)
_MISSING_TELEMETRY = metrics.MISSING.labels(MessageClass.TELEMETRY)
_MISSING_HEARTBEATS = metrics.MISSING.labels(MessageClass.HEARTBEAT)


class _Arrival:
    """What the messages of one slice have in common."""

    __slots__ = ("add", "at", "batch", "live", "message", "origins", "received_at", "rows", "tail")

    message: mqtt5.PublishPacket  # the one that is being read

    def __init__(self, batch: TelemetryBatch, *, received_at: datetime, live: bool) -> None:
        self.batch = batch
        self.received_at = received_at
        self.at = microseconds(received_at)
        self.tail = tail(self.at)
        self.live = live
        self.rows = batch.readings.rows.append
        self.add = batch.readings.packer.add_ordered
        self.origins = batch.readings.origins.append


class TelemetryReader:
    """Reads messages into batches; remembers what is needed of every transmitter.

    `live` says whether the lane has caught up: only then does a message tell how far a device's clock is off.
    """

    def __init__(self, transmitters: Transmitters, *, presence: Presence, live: Callable[[datetime], bool]) -> None:
        self._transmitters = transmitters
        self._presence = presence
        self._live = live
        self._sources: dict[str, Source] = {}
        self._by_topic: dict[str, Source] = {}
        self._layouts = Layouts()
        self._gate = Gate()
        self._probe = probe(Lane.TELEMETRY)
        transmitters.on_change = self._forget

    def read(self, messages: Sequence[mqtt5.PublishPacket], batch: TelemetryBatch, *, received_at: datetime) -> None:
        """Read messages, in order, into the batch. Nothing raises for what a device may send."""
        arrival = _Arrival(batch, received_at=received_at, live=self._live(received_at))
        before = len(batch.readings)
        rest = iter(messages)
        while True:
            try:
                self._read_messages(rest, arrival)
                break
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not let one message stand before all others for ever
                self._refuse(arrival.message, arrival, reason=Reason.SHAPE, detail=f"unforeseen: {error!r}")
        batch.readings.received += [received_at.timestamp()] * (len(batch.readings) - before)

    def _read_messages(self, messages: Iterator[mqtt5.PublishPacket], arrival: _Arrival) -> None:
        find, layout_of, take, at = self._by_topic.get, self._layouts.find, self._take, arrival.at
        for message in messages:
            arrival.message = message
            source = find(message.topic) or self._read_other(message, arrival)
            if source is None:
                continue
            reading = read_plain_telemetry(message.payload)
            layout = None if reading is None else layout_of(tuple(reading["values"]))
            if reading is None or layout is None or message.retain:
                self._read_closely(message, arrival, source=source)
                continue
            take(reading, layout, arrival=arrival, source=source)
            heard = source.heard
            if at >= heard.due_at:
                self._presence.open(heard, at)
            heard.count += 1
            heard.last_at = at

    def unknown(self, batch: TelemetryBatch) -> list[str]:
        """The transmitters of parked messages, to be looked up."""
        found = {topic[0] for message, _ in batch.parked if (topic := read_upward(message.topic))}
        return self._transmitters.to_look_up(found)

    def read_parked(self, batch: TelemetryBatch) -> None:
        """Read what was parked, now that its transmitters were looked up."""
        parked, batch.parked = batch.parked, []
        for message, received_at in parked:
            self.read([message], batch, received_at=received_at)

    def _take(self, reading: Telemetry, layout: Layout, *, arrival: _Arrival, source: Source) -> None:
        boot, seq, point, at, message = reading["boot"], reading["seq"], reading["point"], arrival.at, arrival.message
        text = reading.get("at")
        time = read_microseconds(text)
        if point != source.point:
            source.turn_to(point)
        values = layout.in_order(reading["values"])
        fields = layout.fields
        fields[1::2] = (boot, seq, SENTINEL if time is None else time, *values)
        content = source.beginning + layout.pack(*fields)
        if time is None and text is not None:
            content = with_text(content, plain(str(text))[:TEXT_MAXIMUM])
        arrival.rows(content + xxh3_64_digest(content) + arrival.tail)
        arrival.add(source.series, (at if time is None else time) / 1e6 + EPOCH_SECONDS, mask=layout.mask, values=values)
        arrival.origins(message)
        if message.retain:
            return  # kept by the broker since who knows when: no sign of life
        missing = source.telemetry.missing_before(boot, seq)
        if missing >= 0:
            if missing:
                _MISSING_TELEMETRY.inc(missing)
            if time is not None and at - time < source.heard.offset and arrival.live and not message.duplicate:
                source.heard.offset = at - time
        if source.bridge and point:
            self._hear_device(source, point, at=at)

    def _read_closely(self, message: mqtt5.PublishPacket, arrival: _Arrival, *, source: Source) -> None:
        """A payload that is not one faultless object."""
        readings, rejected = read_telemetry(message.payload)
        for reading in readings:
            layout = self._layouts.find(tuple(reading["values"]))
            assert layout is not None, "the border leaves known metrics only"
            self._take(reading, layout, arrival=arrival, source=source)
        if readings and not message.retain:
            self._presence.heard(source.heard, arrival.at)
        for found in rejected:
            self._quarantine(found, arrival, topic=message.topic)

    def _read_other(self, message: mqtt5.PublishPacket, arrival: _Arrival) -> Source | None:
        """A message of a topic not met before: its source where it is telemetry; everything else is dealt with here."""
        if message.topic == self._probe:
            arrival.batch.probes.append(message.payload)
            return None
        transmitter_id, message_class = read_upward(message.topic) or (None, None)
        if transmitter_id is None:
            self._refuse(message, arrival, reason=Reason.TOPIC, detail="not a topic of the profile")
            return None
        source = self._source(transmitter_id)
        if source is None:
            if self._transmitters.to_look_up([transmitter_id]):
                arrival.batch.parked.append((message, arrival.received_at))
            else:
                self._refuse(message, arrival, reason=Reason.UNKNOWN_TRANSMITTER, detail="not enrolled, or withdrawn")
        elif message_class is MessageClass.HEARTBEAT:
            self._read_heartbeats(message, arrival, source=source)
        else:
            self._by_topic[message.topic] = source
            return source
        return None

    def _read_heartbeats(self, message: mqtt5.PublishPacket, arrival: _Arrival, *, source: Source) -> None:
        valid = False
        for found in read_heartbeats(message.payload):
            if isinstance(found, Rejected):
                self._quarantine(found, arrival, topic=message.topic)
                continue
            valid = True
            _HEARTBEATS.inc()
            missing = source.heartbeats.missing_before(found.boot, found.seq)
            _MISSING_HEARTBEATS.inc(max(0, missing))
            if not message.retain:
                self._hear_heartbeat(found, arrival, source=source, newer=missing >= 0)
        if valid and not message.retain:
            self._presence.heard(source.heard, arrival.at)

    def _hear_heartbeat(self, found: Heartbeat, arrival: _Arrival, *, source: Source, newer: bool) -> None:
        device = source.device(found.point)
        heard = device or source.heard
        if device is not None:
            self._presence.heard(device, arrival.at)
        if newer and arrival.live and not arrival.message.duplicate and found.occurred_at is not None:
            heard.note_clock(microseconds(found.occurred_at), at=arrival.at)
        if newer:
            heard.interval_seconds = found.interval_seconds
            heard.heartbeat = json.dumps(found.detail)

    def _hear_device(self, source: Source, point: str, *, at: int) -> None:
        device = source.device(point)
        if device is not None:
            self._presence.heard(device, at)

    def _refuse(self, message: mqtt5.PublishPacket, arrival: _Arrival, *, reason: Reason, detail: str) -> None:
        self._quarantine(Rejected(reason=reason, detail=detail, raw=message.payload), arrival, topic=message.topic)

    def _quarantine(self, rejected: Rejected, arrival: _Arrival, *, topic: str) -> None:
        held = hold(rejected, provenance=provenance_of(topic, received_at=arrival.received_at))
        if self._gate.admits(held):
            arrival.batch.beside.held.append(held)

    def _source(self, transmitter_id: str) -> Source | None:
        source = self._sources.get(transmitter_id)
        transmitter_class = self._transmitters.class_of(transmitter_id)
        if source is None and transmitter_class is not None:
            source = Source(transmitter_id, transmitter_class=transmitter_class, presence=self._presence)
            self._sources[transmitter_id] = source
        return source

    def _forget(self, transmitter_ids: set[str]) -> None:
        for transmitter_id in transmitter_ids:
            self._sources.pop(transmitter_id, None)
            self._by_topic.pop(upward(transmitter_id, MessageClass.TELEMETRY), None)
