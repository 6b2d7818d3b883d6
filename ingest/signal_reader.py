"""The signal lane's messages become items: nothing is lost to a fault in them, and what cannot be read is said so."""

from collections.abc import Callable, Sequence
from datetime import datetime

import mqtt5

from ingest import metrics
from ingest.confirms import answers_confirm, answers_resend
from ingest.facts import fact, unreadable
from ingest.gaps import Counter
from ingest.presence import Presence
from ingest.quarantine import Gate, Provenance, hold, provenance_of
from ingest.signal_batch import Item, SignalBatch
from ingest.sources import BRIDGE, Track
from ingest.transmitters import Transmitters
from signals.border import Confirmable, read_signal_lane
from signals.instants import microseconds
from signals.messages import Reason, Rejected, Reply, Signal, Snapshot, Status
from signals.topics import CONFIRMED_CLASSES, Lane, MessageClass, probe, read_upward


class SignalReader:
    """Reads messages into batches. `live` says whether the lane has caught up at an instant."""

    def __init__(self, transmitters: Transmitters, *, presence: Presence, live: Callable[[datetime], bool]) -> None:
        self._transmitters = transmitters
        self._presence = presence
        self._live = live
        self._gate = Gate()
        self._tracks: dict[tuple[str, MessageClass], Track] = {}
        self._statuses: dict[str, tuple[bool, datetime]] = {}
        self._probe = probe(Lane.SIGNAL)

    def read(self, messages: Sequence[mqtt5.PublishPacket], batch: SignalBatch, *, received_at: datetime) -> None:
        """Read messages, in order, into the batch. Nothing raises for what a device may send."""
        for message in messages:
            try:
                self._read(message, batch, received_at=received_at)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not let one message stand before a fire for ever
                rejected = Rejected(reason=Reason.SHAPE, detail=f"unforeseen: {error!r}", raw=message.payload)
                batch.items.append(self._rejected(rejected, provenance_of(message.topic, received_at=received_at)))

    def unknown(self, batch: SignalBatch) -> list[str]:
        """The transmitters of parked messages, to be looked up."""
        found = {topic[0] for message, _ in batch.parked if (topic := read_upward(message.topic))}
        return self._transmitters.to_look_up(found)

    def read_parked(self, batch: SignalBatch) -> None:
        """Read what was parked, now that its transmitters were looked up."""
        parked, batch.parked = batch.parked, []
        for message, received_at in parked:
            self.read([message], batch, received_at=received_at)

    def _read(self, message: mqtt5.PublishPacket, batch: SignalBatch, *, received_at: datetime) -> None:
        if message.topic == self._probe:
            batch.probes.append(message.payload)
            return
        provenance = provenance_of(message.topic, received_at=received_at)
        transmitter_id, message_class = provenance.transmitter_id, provenance.message_class
        if transmitter_id is None or message_class is None:
            rejected = Rejected(reason=Reason.TOPIC, detail="not a topic of the profile", raw=message.payload)
            batch.items.append(self._rejected(rejected, provenance))
            return
        transmitter_class = self._transmitters.class_of(transmitter_id)
        if transmitter_class is None and self._transmitters.to_look_up([transmitter_id]):
            batch.parked.append((message, received_at))
            return
        objects = read_signal_lane(message_class, message.payload)
        metrics.OBJECTS.labels(message_class).inc(len(objects))
        for found in objects:
            if isinstance(found, Rejected):
                batch.items.append(self._rejected(found, provenance))
            elif isinstance(found, Status):
                self._note_status(found, batch, transmitter_id=transmitter_id, at=received_at)
            else:
                batch.items.append(self._stored(found, provenance, transmitter_id=transmitter_id))
        said = [found for found in objects if isinstance(found, Signal | Snapshot | Reply)]
        if said and transmitter_class is not None and not message.retain:
            self._hear(said, batch, origin=(transmitter_id, transmitter_class), live=not message.duplicate, at=received_at)

    def _rejected(self, rejected: Rejected, provenance: Provenance) -> Item:
        held = hold(rejected, provenance=provenance)
        admitted = self._gate.admits(held)
        # The class as the topic says it, even where the rest of the topic is not of the profile.
        may_be_a_fire = provenance.topic.rpartition("/")[2] in CONFIRMED_CLASSES
        counted = _counted(provenance, boot=rejected.boot, seq=rejected.seq)
        return Item(
            provenance=provenance,
            raw=rejected.raw,
            counted=counted,
            confirmed=counted is not None,
            facts=(unreadable(held, rest=not admitted),) if may_be_a_fire else (),
            held=held if admitted else None,
        )

    def _stored(self, found: Confirmable, provenance: Provenance, *, transmitter_id: str) -> Item:
        counted = _counted(provenance, boot=found.boot, seq=found.seq)
        held = None
        if self._transmitters.class_of(transmitter_id) is None:
            detail = "not enrolled, or withdrawn"
            rejected = Rejected(reason=Reason.UNKNOWN_TRANSMITTER, detail=detail, raw=found.content, boot=found.boot, seq=found.seq)
            held = hold(rejected, provenance=provenance)
        asked = answers_resend(found.to, transmitter_id=transmitter_id) if isinstance(found, Reply) and found.gone else None
        return Item(
            provenance=provenance,
            raw=found.content,
            counted=counted,
            confirmed=counted is not None and not (isinstance(found, Reply) and answers_confirm(found.to)),
            facts=(fact(found, transmitter_id=transmitter_id, received_at=provenance.received_at),),
            held=held if held is not None and self._gate.admits(held) else None,
            gone=(asked, found.gone) if asked is not None and isinstance(found, Reply) else None,
        )

    def _note_status(self, found: Status, batch: SignalBatch, *, transmitter_id: str, at: datetime) -> None:
        batch.beside.statuses[transmitter_id] = (found.online, at)
        if not self._presence[transmitter_id, ""].last_at:
            # There may be no row to write it in before something else is heard.
            self._statuses[transmitter_id] = (found.online, at)

    def _hear(self, said: Sequence[Confirmable], batch: SignalBatch, *, origin: tuple[str, str], live: bool, at: datetime) -> None:
        transmitter_id, transmitter_class = origin
        live, instant = live and self._live(at), microseconds(at)
        heard = self._presence[transmitter_id, ""]
        self._presence.heard(heard, instant)
        for found in said:
            if self._is_newer(transmitter_id, found) and live and found.occurred_at is not None:
                heard.note_clock(microseconds(found.occurred_at), at=instant)
            if transmitter_class == BRIDGE and isinstance(found, Signal) and found.point:
                device = self._presence.device(transmitter_id, found.point)
                if device is not None:
                    self._presence.heard(device, instant)
        if transmitter_id in self._statuses:
            batch.beside.statuses.setdefault(transmitter_id, self._statuses.pop(transmitter_id))

    def _is_newer(self, transmitter_id: str, found: Confirmable) -> bool:
        if found.boot is None or found.seq is None:
            return False
        track = self._tracks.setdefault((transmitter_id, found.message_class), Track())
        return track.missing_before(found.boot, found.seq) >= 0


def _counted(provenance: Provenance, *, boot: int | None, seq: int | None) -> tuple[Counter, int] | None:
    message_class, transmitter_id = provenance.message_class, provenance.transmitter_id
    if boot is None or seq is None or transmitter_id is None or message_class not in CONFIRMED_CLASSES or message_class is None:
        return None
    return Counter(transmitter_id=transmitter_id, message_class=message_class, boot=boot), seq
