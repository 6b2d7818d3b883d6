"""Settings come from the environment, prefix `WANGHUO_`, or from the file `.stack/env` that a private stack leaves behind.

Every service declares what it needs as a subclass of `Settings`; `load` names everything that is missing or wrong at once.
"""

import os
import ssl
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from runtime.errors import ConfigurationError

PREFIX = "WANGHUO_"
ENVIRONMENT_FILE = Path(os.environ.get("WANGHUO_ENVIRONMENT_FILE", ".stack/env"))


class Settings(BaseSettings):
    """What every service and task needs."""

    # A variable that is set to nothing is not set: so docker-compose passes on what .env leaves out.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ENVIRONMENT_FILE, env_ignore_empty=True, extra="ignore", frozen=True
    )

    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR", pattern=r"(?i)^(DEBUG|INFO|WARNING|ERROR)$")
    http_host: str = Field(default="127.0.0.1", description="address on which /metrics, /healthz and /readyz are served")


class BrokerSettings(Settings):
    """What a service needs that speaks MQTT."""

    broker_url: str = Field(description="mqtt://host:port, or mqtts://host:port for TLS", pattern=r"^mqtts?://\S+$")
    broker_ca_file: Path | None = Field(default=None, description="certificate authority that signed the broker's certificate")

    def tls(self) -> ssl.SSLContext | None:
        """What proves the broker to us; None where it is reached without TLS.

        Raises:
            ConfigurationError: the certificate authority cannot be read.
        """
        if not self.broker_url.startswith("mqtts:"):
            return None
        try:
            return ssl.create_default_context(cafile=self.broker_ca_file)
        except OSError as error:
            raise ConfigurationError(f"cannot read the certificate authority {self.broker_ca_file}: {error}") from None


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Read the settings of one service.

    Raises:
        ConfigurationError: names every variable that is missing or wrong, one a line.
    """
    try:
        return kind()
    except ValidationError as error:
        lines = [f"  {_variable(part['loc'])}: {part['msg']}" for part in error.errors()]
        raise ConfigurationError("the configuration is incomplete or wrong:\n" + "\n".join(lines)) from None
    except SettingsError as error:
        raise ConfigurationError(f"the configuration is wrong: {error}") from None


def _variable(location: tuple[str | int, ...]) -> str:
    return f"{PREFIX}{str(location[0]).upper()}" if location else "together"
