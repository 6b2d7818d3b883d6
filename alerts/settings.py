"""What the alerts service and `wanghuo alarms` read from the environment."""

from pathlib import Path

from pydantic import Field

from runtime.settings import BrokerSettings, Settings


class AlertsSettings(BrokerSettings):
    """Of the service."""

    alerts_database_url: str = Field(description="database, as the role wanghuo_alerts")
    alerts_broker_password: str = Field(description="password of the broker user alerts.out", min_length=1, repr=False)
    roster_file: Path = Field(description="the duty officers, TOML")
    gb26875_clock_hours: float = Field(
        default=24,
        ge=0,
        description="how often the clocks of devices that speak GB/T 26875.3 are set; 0: only when an operator asks",
    )
    alerts_http_port: int = Field(default=9103, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")


class ReaderSettings(Settings):
    """Of what only reads."""

    reader_database_url: str = Field(description="database, as the role wanghuo_reader")


class ConsoleSettings(Settings):
    """Of what gives orders."""

    console_database_url: str = Field(description="database, as the role wanghuo_console")
