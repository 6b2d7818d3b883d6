"""What the registry's service and tasks read from the environment."""

from pathlib import Path

from pydantic import Field

from registry.ratio import LAPSE_DAYS
from runtime.settings import BrokerSettings, Settings


class RatioSettings(Settings):
    """What decides the connection ratio."""

    lapse_days: int = Field(default=LAPSE_DAYS, ge=1, le=3650, description="whole days of silence that end a connection")


class RegisterSettings(RatioSettings):
    """Of a task that writes the register."""

    registry_database_url: str = Field(description="database, as the role wanghuo_registry")


class ReaderSettings(RatioSettings):
    """Of a task that only reads."""

    reader_database_url: str = Field(description="database, as the role wanghuo_reader")


class EnrolmentSettings(RegisterSettings, BrokerSettings):
    """Of a task that changes who may sign in to the broker."""

    broker_password_file: Path = Field(description="the broker's password file; the broker notices its change")
    enrolment_timeout_seconds: float = Field(default=30.0, gt=0, description="how long the broker may take to notice it")


class RegistrySettings(RegisterSettings):
    """Of the service."""

    registry_http_port: int = Field(default=9105, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")
