"""Settings come from the environment, prefix `WANGHUO_`, or from the file `.stack/env` that a private stack leaves behind.

Every service declares what it needs as a subclass of `Settings`; `load` names everything that is missing or wrong at once.
"""

import os
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.errors import ConfigurationError

PREFIX = "WANGHUO_"
ENVIRONMENT_FILE = Path(os.environ.get("WANGHUO_ENVIRONMENT_FILE", ".stack/env"))


class Settings(BaseSettings):
    """What every service and task needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=ENVIRONMENT_FILE, extra="ignore", frozen=True)

    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")
    http_host: str = Field(default="127.0.0.1", description="address on which /metrics, /healthz and /readyz are served")


class BrokerSettings(Settings):
    """What a service needs that speaks MQTT."""

    broker_url: str = Field(description="mqtt://host:port, or mqtts://host:port for TLS", pattern=r"^mqtts?://\S+$")
    broker_ca_file: Path | None = Field(default=None, description="certificate authority that signed the broker's certificate")


S = TypeVar("S", bound=Settings)


def load(kind: type[S]) -> S:
    """Read the settings of one service.

    Raises:
        ConfigurationError: names every variable that is missing or wrong, one a line.
    """
    try:
        return kind()
    except ValidationError as error:
        lines = [f"  {PREFIX}{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors()]
        raise ConfigurationError("the configuration is incomplete:\n" + "\n".join(lines)) from None
