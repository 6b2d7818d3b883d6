"""A transmitter on the line: a `Speaker` with a connection to the broker, lost and made again."""

import asyncio
import contextlib
import logging
import math
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass

import aiomqtt
from aiomqtt.exceptions import MqttConnectError

from signals import topics
from signals.topics import MessageClass
from simulator.chance import seeded
from simulator.client import Client
from simulator.devices import DeviceClass
from simulator.ledger import Ledger
from simulator.speaker import Speaker

ONLINE, OFFLINE = b'{"online": true}', b'{"online": false}'
SHORTEST_WAIT_SECONDS = 0.001

log = logging.getLogger(__name__)
_LOST_LINES = logging.getLogger(f"{__name__}.paho")
_LOST_LINES.setLevel(logging.CRITICAL)
"""A lost connection is nothing to complain about here: losing some is what simulated devices do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where the broker is, and how patient a connection to it is.

    Attributes:
        keepalive_seconds: of MQTT; the broker gives a silent client up after 1.5 times this.
        answer_seconds: without an answer of the broker for this long a connection is given up.
        backoff_first_seconds: wait before the first attempt to reconnect, doubled with each failure up to
            `backoff_most_seconds`; the actual wait is drawn from the upper half, so that thousands do not come back at once.
        linger_seconds: a sleepy device stays this long after its last word, then leaves without DISCONNECT.
        sleepy_retry_seconds: a sleepy device that has used up its re-sends comes back after this long.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None
    keepalive_seconds: int = 20
    answer_seconds: float = 10.0
    backoff_first_seconds: float = 0.2
    backoff_most_seconds: float = 5.0
    linger_seconds: float = 2.0
    sleepy_retry_seconds: float = 60.0


class Transmitter:
    """One transmitter, run by `run` until `stop`. All on one event loop; nothing here is for other threads.

    Args:
        speaker: what it says.
        line: where to.
        password: with its id as user name.
        ledger: is told when it is out of reach.
        now: Unix seconds.
    """

    def __init__(
        self, speaker: Speaker, line: Line, *, password: str, ledger: Ledger, now: Callable[[], float] = time.time
    ) -> None:
        self.speaker = speaker
        self.id = speaker.id
        self.connects = 0
        self.changed = asyncio.Event()
        """Set for an instant whenever it connected or something was said or confirmed."""
        self._line = line
        self._password = password
        self._ledger = ledger
        self._now = now
        self._chance = seeded(speaker.device.seed, speaker.id, "line")
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._off = False
        self._cutting = False
        self._deaf = False
        self._wiping = False
        self._client: Client | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection on which it has shown itself."""
        return self._client is not None

    def begin(self, point: str, kind: str, *, clock: float | None = None, **more: object) -> None:
        """A condition began."""
        self._signal(point, kind, active=True, clock=clock, **more)

    def end(self, point: str, kind: str, *, clock: float | None = None, **more: object) -> None:
        """A condition is over."""
        self._signal(point, kind, active=False, clock=clock, **more)

    def telemetry(self, point: str, values: dict[str, float], *, clock: float | None = None) -> None:
        """An instrument reads this."""
        self.speaker.telemetry(point, values, now=self._now(), clock=clock)
        self.wake()

    def repeat(self, times: int) -> None:
        """Send the last signal `times` more times."""
        self.speaker.repeat(times)
        self.wake()

    def hold(self) -> None:
        """Hold signals back until `release`."""
        self.speaker.held = True

    def release(self) -> None:
        """Send what was held back, the newest first."""
        self.speaker.release(now=self._now())
        self.wake()

    def skew(self, seconds: float) -> None:
        """Set the clock this far ahead of the true time."""
        self.speaker.skew_seconds = seconds

    def restart(self) -> None:
        """Power-cycle: a new boot on a new connection; what is unconfirmed is kept."""
        self.speaker.restart(now=self._now())
        self.cut()

    def wipe(self) -> None:
        """As soon as everything is confirmed, lose all memory, count anew, and reconnect."""
        self._wiping = True
        self.wake()

    def cut(self) -> None:
        """Lose the connection without a DISCONNECT, so that the broker publishes the will; it is made again."""
        self._cutting = self._client is not None and self._client.cut()

    def switch_off(self) -> None:
        """Lose the connection, and stay away until `switch_on`."""
        self._off = True
        self._ledger.silent(self.id, at=self._now())
        self.cut()
        self.wake()

    def switch_on(self) -> None:
        """Come back."""
        self._off = False
        self.wake()

    def stop(self) -> None:
        """Let `run` leave the broker politely and return."""
        self._stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """There may be something to do."""
        self._woken.set()
        self._pulse()

    def _pulse(self) -> None:
        self.changed.set()
        self.changed.clear()

    async def run(self) -> None:
        """Connect, speak and listen, and connect again, until `stop`."""
        failures = 0
        while not self._stopping.is_set():
            await self._until_wanted()
            if self._stopping.is_set():
                return
            before = self.connects
            try:
                await self._connection()
            except* MqttConnectError as errors:
                log.log(logging.DEBUG if failures else logging.WARNING, "%s is refused: %s", self.id, errors.exceptions[0])
            except* (aiomqtt.MqttError, OSError) as errors:
                log.debug("%s lost its connection: %s", self.id, errors.exceptions[0])
            failures = 0 if self.connects > before else failures + 1
            await self._wait(self._backoff(failures), self._stopping)

    def _signal(self, point: str, kind: str, *, active: bool, clock: float | None, **more: object) -> None:
        self.speaker.signal(point, kind, active=active, now=self._now(), clock=clock, **more)
        self.wake()

    def _backoff(self, failures: int) -> float:
        most = min(self._line.backoff_most_seconds, self._line.backoff_first_seconds * 2**failures)
        return self._chance.uniform(most / 2, most)

    async def _connection(self) -> None:
        """One connection, from the first word to the last.

        Raises:
            ExceptionGroup: of MqttError, OSError: the connection was refused or lost.
        """
        async with self._make_client() as client:
            await client.subscribe(topics.command(self.id), qos=1)
            await client.publish(topics.upward(self.id, MessageClass.STATUS), ONLINE, qos=1, retain=True)
            if self._off:
                raise aiomqtt.MqttError("switched off while it connected")
            self.connects += 1
            self._client, self._cutting, self._deaf = client, False, False
            self._ledger.heard(self.id, at=self._now())
            self.speaker.connected(now=self._now())
            self.wake()
            try:
                async with asyncio.TaskGroup() as group:
                    obeying = group.create_task(self._obey(client), name=f"{self.id} obeys")
                    await self._speak(client)
                    obeying.cancel()
            finally:
                self._client = None
            await client.publish(topics.upward(self.id, MessageClass.STATUS), OFFLINE, qos=1, retain=True)

    def _make_client(self) -> Client:
        mqtt5 = self.speaker.device.mqtt5
        return Client(
            self._line.host,
            self._line.port,
            username=self.id,
            password=self._password,
            identifier=self.id,
            protocol=aiomqtt.ProtocolVersion.V5 if mqtt5 else aiomqtt.ProtocolVersion.V311,
            clean_session=None if mqtt5 else True,
            will=aiomqtt.Will(topics.upward(self.id, MessageClass.STATUS), OFFLINE, qos=1, retain=True),
            keepalive=self._line.keepalive_seconds,
            timeout=self._line.answer_seconds,
            tls_context=self._line.tls,
            logger=_LOST_LINES,
        )

    async def _obey(self, client: Client) -> None:
        try:
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    self.speaker.obey(message.payload, now=self._now())
                    self.wake()
        finally:
            self._deaf = True
            self.wake()

    async def _speak(self, client: Client) -> None:
        """Publish what there is to say, in order, one after the other; returns when it is to stop, having said it all."""
        spoken_at = self._now()
        while True:
            self._woken.clear()
            while not self._cutting and (message := self.speaker.next_message(self._now())) is not None:
                await client.publish(topics.upward(self.id, message.message_class), message.payload, qos=1)
                spoken_at = self._now()
                self.speaker.sent(message, now=spoken_at)
            self._pulse()
            if self._stopping.is_set():
                return
            if self._deaf:  # before Python 3.12 the cancellation is lost when it meets the broker's answer in `publish`
                raise aiomqtt.MqttError("the connection is lost")
            if self._wiping and not self.speaker.unconfirmed:
                self._wiping = False
                self.speaker.wipe(now=self._now())
                self.cut()
            leaves_at = spoken_at + self._line.linger_seconds if self._sleepy else math.inf
            if self._now() >= leaves_at:
                self.cut()
            if self._cutting:  # `_obey` notices; a word on a broken line would only confuse paho
                await asyncio.sleep(self._line.answer_seconds)
                raise aiomqtt.MqttError("the cut was not noticed")
            await self._wait(min(self.speaker.next_at(), leaves_at) - self._now(), self._woken)

    async def _until_wanted(self) -> None:
        """Wait while it is switched off, and while a sleepy device has nothing to say."""
        since = self._now()
        while not self._stopping.is_set():
            self._woken.clear()
            wanted_at = math.inf if self._off else self._wanted_at(since)
            if self._now() >= wanted_at:
                return
            await self._wait(wanted_at - self._now(), self._woken)

    def _wanted_at(self, since: float) -> float:
        if not self._sleepy or not self.connects:
            return since
        retry_at = since + self._line.sleepy_retry_seconds if self.speaker.unconfirmed else math.inf
        return min(self.speaker.next_at(), retry_at)

    @property
    def _sleepy(self) -> bool:
        return self.speaker.device.device_class is DeviceClass.SLEEPY

    @staticmethod
    async def _wait(seconds: float, event: asyncio.Event) -> None:
        """Until the event, `seconds` at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if seconds == math.inf else max(seconds, SHORTEST_WAIT_SECONDS)):
                await event.wait()
