"""Early warning behind the whole way of telemetry: published, stored, handed over, fed. Its lag, and its own time a value."""

import time
from dataclasses import dataclass

from bench.backlog import TRANSMITTERS
from bench.flood import WIDE, WIDE_POINTS
from bench.measured import BenchError, Measured
from bench.stage import flooded, processor_seconds
from stack.board_data import metric
from stack.private import INGEST_SERVICES, PrivateStack

RATE = 10_000
VALUES = RATE * len(WIDE)
SHARE_LEAST = 0.99
LEAD_SECONDS = TRANSMITTERS * WIDE_POINTS / RATE + 5
"""Every point was heard once: what follows are 100,000 known ones."""
MEASURED_SECONDS = 60.0
SERVICE = "early-warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the service had done at a time; `lag`: seconds between a batch's receipt and its feeding."""

    at: float
    readings: float
    cpu: float
    lag: float


def measure(stack: PrivateStack) -> dict[str, Measured]:
    """Lag and time a value at 40,000 values a second of 100,000 points.

    Raises:
        BenchError: fewer values were fed.
    """
    stack.start_services([*INGEST_SERVICES, SERVICE])
    with flooded(stack, rate=RATE, seconds=LEAD_SECONDS + MEASURED_SECONDS + 10, wide=True):
        time.sleep(LEAD_SECONDS)
        seen = [_look(stack)]
        while seen[-1].at - seen[0].at < MEASURED_SECONDS:
            time.sleep(1)
            seen.append(_look(stack))
    first, last = seen[0], seen[-1]
    rate = (last.readings - first.readings) / (last.at - first.at)
    if rate < SHARE_LEAST * VALUES:
        raise BenchError(f"{rate:,.0f} values/s were fed where {VALUES:,} are due")
    each = (last.cpu - first.cpu) / (last.readings - first.readings)
    points = metric(stack.url(SERVICE), "wanghuo_early_warning_points")
    note = f"{rate:,.0f} values/s of {points:,.0f} points for {MEASURED_SECONDS:.0f} s, published, stored and handed over meanwhile"
    return {
        "early_warning_lag_max_seconds": Measured(
            value=max(each.lag for each in seen), unit="s", note=f"{note}; message received -> fed; <= 5 is due"
        ),
        "early_warning_service_values_per_second": Measured(
            value=1 / each,
            unit="1/s",
            note=f"{note}; values by the service's own processor time, unpacking and storing included; >= 40,000 is due",
        ),
    }


def _look(stack: PrivateStack) -> Seen:
    pid, url = stack.services[SERVICE].pid, stack.url(SERVICE)
    assert pid is not None
    return Seen(
        at=time.monotonic(),
        readings=metric(url, "wanghuo_early_warning_readings_total"),
        cpu=processor_seconds(pid),
        lag=metric(url, "wanghuo_early_warning_lag_seconds"),
    )
