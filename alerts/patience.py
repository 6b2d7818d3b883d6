"""How the parts of the alerts service wait for a database or broker that is away: for ever, with a growing pause."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from runtime.errors import BrokerRefused, Unavailable

PAUSE_FIRST_SECONDS = 0.1
PAUSE_MOST_SECONDS = 2.0

log = logging.getLogger(__name__)


async def patiently(work: Callable[[], Awaitable[None]], *, what: str, failed: Callable[[str], None] = lambda _: None) -> None:
    """Do `work` until it ends by itself. What we depend on being away costs a pause and begins it anew; other errors end this.

    Pauses double from 0.1 s to 2 s, with jitter: an outage is followed by a silence of no more than that. A broker that refuses
    us may be told otherwise by the next reading of its password file.
    """
    loop, failures = asyncio.get_running_loop(), 0
    while True:
        began = loop.time()
        try:
            await work()
            return  # noqa: TRY300
        except (Unavailable, BrokerRefused) as error:
            failed(str(error))
            failures = 1 if loop.time() - began > PAUSE_MOST_SECONDS else failures + 1
            pause = min(PAUSE_MOST_SECONDS, PAUSE_FIRST_SECONDS * 2 ** min(failures, 10)) * random.uniform(0.5, 1)  # noqa: S311
            log.warning("%s waits %.1f s: %s", what, pause, error)
            await asyncio.sleep(pause)
