"""What the watchdog reads from the environment."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode

from runtime.settings import Settings

WATCHED_MAXIMUM = 100


def _split(value: object) -> object:
    return tuple(filter(None, (part.strip().rstrip("/") for part in value.split(",")))) if isinstance(value, str) else value


def _http(value: str) -> str:
    try:
        good = urlsplit(value).scheme in {"http", "https"} and bool(urlsplit(value).hostname) and urlsplit(value).port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("must be http://host:port or https://host:port")
    return value


HttpUrl = Annotated[str, BeforeValidator(_http)]


class WatchdogSettings(Settings):
    """Of the watchdog."""

    watched_urls: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_split)] = Field(
        description="bases of the services' HTTP, comma-separated", min_length=1, max_length=WATCHED_MAXIMUM
    )
    roster_file: Path = Field(description="the duty officers, TOML")
    heartbeat_url: HttpUrl | None = Field(default=None, description="asked every minute while everything is well", repr=False)
    watchdog_http_port: int = Field(default=9106, ge=1, le=65535, description="port of /metrics, /healthz and /readyz")
