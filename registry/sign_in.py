"""Whether the broker takes a user's credentials, tried with a connection of its own that disturbs no device's session."""

import asyncio
import secrets
from enum import StrEnum

from aiomqtt import Client, MqttError, ProtocolVersion
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from runtime.errors import BrokerAway, BrokerRefused
from runtime.mqtt import BrokerAddress
from runtime.settings import BrokerSettings

CONNECT_TIMEOUT_SECONDS = 5.0
RETRY_SECONDS = 0.25
_REFUSED = frozenset({0x86, 0x87})
"""MQTT 5: bad user name or password; not authorized."""


class Answer(StrEnum):
    """What the broker said."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


async def try_sign_in(broker: BrokerSettings, user: str, *, password: str) -> Answer:
    """Sign in and out once, with a client id that no device has.

    Raises:
        BrokerAway: nobody answers within `CONNECT_TIMEOUT_SECONDS`, or something else than a broker.
        ConfigurationError: the certificate authority's file cannot be used.
    """
    address = BrokerAddress.read(broker.broker_url)
    try:
        client = Client(
            address.host,
            address.port,
            username=user,
            password=password,
            identifier=f"registry.sign-in.{secrets.token_hex(8)}",
            protocol=ProtocolVersion.V5,
            clean_start=True,
            timeout=CONNECT_TIMEOUT_SECONDS,
            tls_context=broker.tls(),
        )
        async with asyncio.timeout(2 * CONNECT_TIMEOUT_SECONDS), client:
            return Answer.ACCEPTED
    except MqttConnectError as error:
        code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
        if code in _REFUSED:
            return Answer.REFUSED
        raise BrokerAway(f"the broker at {broker.broker_url} does not let anybody in: {error}") from error
    except (MqttError, OSError, TimeoutError) as error:
        raise BrokerAway(f"the broker at {broker.broker_url} cannot be reached: {error or 'no answer'}") from error


async def wait_until_accepted(broker: BrokerSettings, user: str, *, password: str, within_seconds: float) -> None:
    """Return when the broker takes the credentials that were just written into its password file.

    Raises:
        BrokerRefused: it still refuses them when the time is over.
        BrokerAway: it cannot be reached when the time is over.
        ConfigurationError: the certificate authority's file cannot be used.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_seconds
    while True:
        away: BrokerAway | None = None
        try:
            if await try_sign_in(broker, user, password=password) is Answer.ACCEPTED:
                return
        except BrokerAway as error:
            away = error
        if loop.time() >= deadline:
            raise away or BrokerRefused(
                f"the broker at {broker.broker_url} has not taken up the new password file within {within_seconds:g} s:"
                " does it read the same file, and does its watcher (deploy/mosquitto/run.sh) run?"
            )
        await asyncio.sleep(RETRY_SECONDS)
