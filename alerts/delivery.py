"""Delivery: one message through all channels of a recipient, in threads, because apprise blocks."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from alerts import notifier_metrics as metrics
from alerts.channels import Message, label, send

ATTEMPT_TIMEOUT_SECONDS = 30.0
"""A channel has answered by then or counts as failed, whatever the time-outs in its URL."""
STUCK_SECONDS = 60.0
"""So long after an attempt that has not ended a failing channel is tried once more,"""
STUCK_MAXIMUM = 16
"""unless so many attempts have not ended."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Of a delivery. `error`: what channels complained of by then; may also be there when another took the message."""

    taken: bool
    error: str | None


class _Channel:
    """`failing`: the last message was not taken. Then one message at a time is tried, so that a dead channel ties up one thread."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.failing = False
        self._in_flight = 0
        self._tried_at = 0.0

    def open(self, *, at: float) -> bool:
        """Whether to try it at loop time `at`. A thread that never comes back does not close it for ever."""
        overdue = at - self._tried_at > STUCK_SECONDS and self._in_flight < STUCK_MAXIMUM
        return not self.failing or self._in_flight == 0 or overdue

    def attempt(self, message: Message) -> asyncio.Future[str | None]:
        """Send in a thread of its own; the future holds `send`'s answer. Cancelling it leaves the thread to its time-outs."""
        loop = asyncio.get_running_loop()
        self._tried_at = loop.time()
        answer: asyncio.Future[str | None] = loop.create_future()
        self._in_flight += 1

        def work() -> None:
            error = send(self.url, message)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._end, answer, error)

        try:
            # Daemons, for a channel that hangs must not hold up the end of the process.
            threading.Thread(target=work, name=f"channel {label(self.url)}", daemon=True).start()
        except RuntimeError as error:
            loop.call_soon(self._end, answer, f"{label(self.url)}: {error}")
        return answer

    def give_up(self) -> str:
        """Nobody waits for the answer any more; returns the complaint."""
        self.failing = True
        return f"{label(self.url)}: no answer within {ATTEMPT_TIMEOUT_SECONDS:.0f} s"

    def _end(self, answer: asyncio.Future[str | None], error: str | None) -> None:
        self._in_flight -= 1
        if error is not None:
            metrics.CHANNEL_FAILURES.inc()
            if not self.failing:
                log.warning("a channel fails: %s", error)
        self.failing = error is not None
        if not answer.done():
            answer.set_result(error)


class Courier:
    """Delivers messages. Threads: one for each message on its way and each of its channels, one for a channel that fails."""

    def __init__(self) -> None:
        self._channels: dict[str, _Channel] = {}

    async def deliver(self, message: Message, urls: Sequence[str]) -> Outcome:
        """Send through all channels at once; returns when the first took the message, or all failed. The others go on meanwhile.

        A channel that fails, and is being tried with another message, is left out.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ATTEMPT_TIMEOUT_SECONDS
        channels = [self._channels.setdefault(url, _Channel(url)) for url in urls]
        tried = [channel for channel in channels if channel.open(at=loop.time())]
        errors = [
            f"{label(channel.url)}: fails, and is being tried with another message" for channel in channels if channel not in tried
        ]
        answers = {channel.attempt(message): channel for channel in tried}
        waiting = set(answers)
        while waiting:
            done, waiting = await asyncio.wait(waiting, timeout=deadline - loop.time(), return_when=asyncio.FIRST_COMPLETED)
            errors += [error for answer in done if (error := answer.result()) is not None]
            if any(answer.result() is None for answer in done):
                return Outcome(taken=True, error=_storable(errors))
            if not done:
                errors += [answers[answer].give_up() for answer in waiting]
                break
        return Outcome(taken=False, error=_storable(errors))


def _storable(errors: Sequence[str]) -> str | None:
    text = "; ".join(errors).replace("\0", "").encode(errors="replace").decode()
    return text or None
