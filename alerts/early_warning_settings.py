"""What the early-warning service reads from the environment."""

from pathlib import Path

from pydantic import Field

from runtime.settings import Settings


class EarlyWarningSettings(Settings):
    """Of the service."""

    alerts_database_url: str = Field(description="database, as the role wanghuo_alerts")
    roster_file: Path = Field(description="the duty officers, TOML")
    early_warning_http_port: int = Field(default=9104, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")
