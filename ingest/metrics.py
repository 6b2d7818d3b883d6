"""What ingest counts. Both lanes have the same metrics; they are processes of their own."""

from bisect import bisect_left
from collections.abc import Iterable

from prometheus_client import REGISTRY, Histogram
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from ingest.gaps import GapState
from runtime.metrics import LATENCY_BUCKETS_SECONDS, counter, gauge
from signals.messages import Reason
from signals.topics import MessageClass

BATCH_BUCKETS = (1, 10, 100, 500, 1000, 2000, 4000, 8000, 16000)


class Tallies(Collector):
    """A counter `wanghuo_{name}_total` that one thread adds to, by a label's values: prometheus_client takes 1 µs for each."""

    def __init__(self, name: str, purpose: str, *, label: str, values: Iterable[str]) -> None:
        self.counts = dict.fromkeys(values, 0)
        self._label = label
        self._name = f"wanghuo_{name}"
        self._purpose = purpose
        REGISTRY.register(self)

    def collect(self) -> Iterable[CounterMetricFamily]:
        """prometheus_client's: the counts as they are now."""
        family = CounterMetricFamily(self._name, self._purpose, labels=[self._label])
        for value, count in list(self.counts.items()):
            family.add_metric([value], count)
        yield family


class Latencies(Collector):
    """A histogram `wanghuo_{name}_seconds` that takes a whole batch at once: prometheus_client takes 1 µs for each value."""

    def __init__(self, name: str, purpose: str) -> None:
        self._name = f"wanghuo_{name}_seconds"
        self._purpose = purpose
        self._counts = [0] * (len(LATENCY_BUCKETS_SECONDS) + 1)
        self._sum = 0.0
        REGISTRY.register(self)

    def between(self, begun: Iterable[float], ended: float) -> None:
        """Observe what ended at `ended` and began at each of `begun` (Unix seconds); what began later counts as 0."""
        ordered = sorted(begun)
        if not ordered:
            return
        later = len(ordered)
        for index, bound in enumerate(LATENCY_BUCKETS_SECONDS):
            first = bisect_left(ordered, ended - bound, 0, later)
            self._counts[index] += later - first
            later = first
        self._counts[-1] += later
        self._sum += max(0.0, ended * len(ordered) - sum(ordered))

    def collect(self) -> Iterable[HistogramMetricFamily]:
        """prometheus_client's: the histogram as it is now."""
        total, buckets = 0, []
        for bound, count in zip([*map(str, LATENCY_BUCKETS_SECONDS), "+Inf"], list(self._counts), strict=True):
            total += count
            buckets.append((bound, float(total)))
        yield HistogramMetricFamily(self._name, self._purpose, buckets=buckets, sum_value=self._sum)


MESSAGES = counter("ingest_messages", "Messages taken from the broker.")
BYTES = counter("ingest_received_bytes", "Bytes of their payloads.")
REDELIVERIES = counter("ingest_redeliveries", "Messages that the broker had delivered before.")
OBJECTS = counter("ingest_objects", "Objects read, by class.", message_class=MessageClass)
STORED = counter("ingest_stored", "Objects stored as facts, by class.", message_class=MessageClass)
DUPLICATES = counter("ingest_duplicates", "Objects that were stored before, by class.", message_class=MessageClass)
QUARANTINED = counter("ingest_quarantined", "What could not be taken, by reason; kept or not.", reason=Reason)
QUARANTINE_DROPPED = counter("ingest_quarantine_dropped", "Of it, what was not kept: its transmitter had kept us busy enough.")
KEY_CONFLICTS = counter("ingest_key_conflicts", "Facts whose counter another fact has already.")
MISSING = counter("ingest_missing_objects", "Objects found missing in a sequence, by class.", message_class=MessageClass)
GAPS_CLOSED = counter("ingest_missing_objects_closed", "Of those asked for again: what became of them.", state=GapState)
ASKED = counter("ingest_resend_commands", "Commands that asked for missing objects.")
CONFIRMED = counter("ingest_confirmed", "Objects confirmed to their transmitters.")
UNCONFIRMED = counter("ingest_confirms_not_sent", "Confirms that could not be sent; the transmitter re-sends.")
REFUSED = counter("ingest_refused_by_database", "Rows that the database refused.")
BATCH = Histogram("wanghuo_ingest_batch_objects", "Objects in one transaction.", buckets=BATCH_BUCKETS)
BACKLOG = gauge("ingest_backlog_seconds", "How long a message that reaches the broker now waits to be stored, at least.")
UNACKNOWLEDGED = gauge("ingest_unacknowledged_messages", "Messages held that the broker still keeps for us.")
DEVICE_TO_STORED = Latencies("ingest_device_to_stored", "From the device's clock, where it can be read, to the commit.")
RECEIVED_TO_STORED = Latencies("ingest_received_to_stored", "From the receipt of a message to the commit.")
