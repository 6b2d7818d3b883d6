"""Confirms and denies: said when what they answer is committed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import islice

from ingest.gb26875 import metrics
from ingest.gb26875.reader import Arrival
from signals.gb26875 import clock
from signals.gb26875.tables import Command

SLICE = 25
"""Frames that are answered at a stretch: less than a millisecond."""
_ANSWERED = {Command.CONFIRM: metrics.ANSWERED.labels("confirmed"), Command.DENY: metrics.ANSWERED.labels("denied")}


async def answer(arrivals: Iterable[Arrival], *, now: Callable[[], datetime]) -> None:
    """Answer what is stored, in slices: the next turn goes to the database in between."""
    left = iter(arrivals)
    try:
        while part := list(islice(left, SLICE)):
            _answer_stored(part, at=now())
            await asyncio.sleep(0)
    finally:
        _answer_stored(list(left), at=now())  # told to stop, we still say what is stored


def answer_at_once(arrivals: Iterable[Arrival], *, at: datetime) -> None:
    """Answer frames with the commands decided for them. One whose device is gone meanwhile comes again."""
    tag, sent = clock.write(at), Counter[Command]()
    for arrival in arrivals:
        if arrival.answer is not None:
            swapped = arrival.device is None or arrival.device.profile.swaps_addresses
            sent[arrival.answer] += arrival.channel.send(arrival.frame.answered(arrival.answer, time=tag, swapped=swapped))
    for command, count in sent.items():
        _ANSWERED[command].inc(count)


def _answer_stored(arrivals: Sequence[Arrival], *, at: datetime) -> None:
    answer_at_once(arrivals, at=at)
    received = [arrival.received_at.timestamp() for arrival in arrivals if arrival.answer is not None]
    metrics.CONFIRMED.between(received, at.timestamp())
