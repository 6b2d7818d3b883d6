"""Settings of the simulator's tasks on the shell."""

import json
from pathlib import Path

from pydantic import Field

from runtime.errors import ConfigurationError
from runtime.mqtt import BrokerAddress
from runtime.settings import BrokerSettings, Settings
from signals.topics import is_identifier
from simulator.transmitter import Line


class SimulatorSettings(BrokerSettings):
    """What a fleet needs."""

    simulator_credentials_file: Path = Field(
        description="passwords: a JSON object by transmitter id, or a line `id,password` for each"
    )


class FloodTaskSettings(BrokerSettings):
    """What a flood needs."""

    simulator_world_user: str = Field(default="simulator.world", description="broker user that may speak for every transmitter")
    simulator_world_password: str = Field(description="its password")


class LedgerSettings(Settings):
    """What judging a ledger needs."""

    reader_database_url: str = Field(description="postgresql://… of the role that may read everything")


def line_to(settings: BrokerSettings) -> Line:
    """The line to the broker of these settings.

    Raises:
        ConfigurationError: the certificate authority cannot be read.
    """
    address = BrokerAddress.read(settings.broker_url)
    return Line(host=address.host, port=address.port, tls=settings.tls())


def read_credentials(path: Path) -> dict[str, str]:
    """Passwords by transmitter id, from a JSON object or from lines `id,password` as `wanghuo registry enrol-all` prints them.

    Raises:
        ConfigurationError: the file cannot be read, or is neither.
    """
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if text.startswith("{") else dict(line.split(",", 1) for line in text.splitlines() if line)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"cannot read the credentials {path}: {error}") from error
    if not found or not all(is_identifier(name) and isinstance(word, str) for name, word in found.items()):
        raise ConfigurationError(f"the credentials {path} hold no passwords by transmitter id")
    return dict(found)
