"""The roster: who is told of which alarm, and how. A TOML file that may be edited while the service runs.

`deploy/roster.example.toml` says how it is written.
"""

import logging
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from alerts import roster_metrics as metrics
from alerts.channels import usable
from alerts.wording import SHANGHAI
from runtime.errors import ConfigurationError

BYTES_MAXIMUM = 1024 * 1024
OFFICERS_MAXIMUM = 500
CHANNELS_MAXIMUM = 20
VILLAGES_MAXIMUM = 500
NAME_MAXIMUM = 64
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")

log = logging.getLogger(__name__)


def _read_clock(value: object) -> object:
    if isinstance(value, time):
        return value
    if isinstance(value, str) and CLOCK.fullmatch(value):
        return time.fromisoformat(value)
    raise ValueError('must be a time of day in Asia/Shanghai, "00:00" to "23:59"')


def _usable(url: str) -> str:
    # The URL may hold a password, so it is not repeated in a complaint.
    if not usable(url):
        raise ValueError("must be a URL that apprise knows")
    return url


Clock = Annotated[time, BeforeValidator(_read_clock)]
Name = Annotated[str, Field(min_length=1, max_length=NAME_MAXIMUM, pattern=r"^[^\x00-\x1f\x7f]+$")]
ChannelUrl = Annotated[
    str, Field(max_length=2000), BeforeValidator(lambda value: _usable(value) if isinstance(value, str) else value)
]
Channels = Annotated[tuple[ChannelUrl, ...], Field(min_length=1, max_length=CHANNELS_MAXIMUM)]


class _Table(BaseModel):
    # Nothing of what stands in the file is repeated in a complaint: it may be a secret.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Officer(_Table):
    """A duty officer. `name` is the recipient of notifications, and stays the same for as long as the person does."""

    name: Name
    channels: Channels
    villages: Annotated[tuple[Name, ...], Field(min_length=1, max_length=VILLAGES_MAXIMUM)] | None = None
    lowest_priority: Annotated[int, Field(strict=True, ge=0, le=3)] = 3
    on_from: Annotated[Clock | None, Field(alias="from")] = None
    on_until: Annotated[Clock | None, Field(alias="until")] = None

    def is_told(self, *, village_id: str | None, priority: int, at: datetime) -> bool:
        """Whether an alarm concerns them. One of no known village concerns everybody."""
        theirs = self.villages is None or village_id is None or village_id in self.villages
        return theirs and priority <= self.lowest_priority and self._is_on_duty(at.astimezone(SHANGHAI).time())

    def _is_on_duty(self, clock: time) -> bool:
        if self.on_from is None or self.on_until is None:
            return True
        if self.on_from < self.on_until:
            return self.on_from <= clock < self.on_until
        return clock >= self.on_from or clock < self.on_until


class _Watchdog(_Table):
    channels: Channels


class Roster(_Table):
    """All duty officers, and whom the watchdog pages."""

    officers: Annotated[tuple[Officer, ...], Field(alias="officer", min_length=1, max_length=OFFICERS_MAXIMUM)]
    watchdog: _Watchdog | None = None

    def recipients(self, *, village_id: str | None, priority: int, at: datetime) -> tuple[str, ...]:
        """Names of those to be told; of everybody when it concerns nobody, for somebody must hear of it."""
        told = [one.name for one in self.officers if one.is_told(village_id=village_id, priority=priority, at=at)]
        return tuple(told or (one.name for one in self.officers))

    def channels(self, recipient: str) -> tuple[str, ...]:
        """Ways to a recipient. One who is not on the roster any more stands for everybody: somebody must hear of it."""
        known = [officer.channels for officer in self.officers if officer.name == recipient]
        found = known or [officer.channels for officer in self.officers]
        return tuple(dict.fromkeys(url for channels in found for url in channels))

    @property
    def watchdog_channels(self) -> tuple[str, ...]:
        """Ways to those who mend the watch; to everybody where the file does not name them."""
        return self.watchdog.channels if self.watchdog else self.channels("")


def read(text: str, *, name: str) -> Roster:
    """Read a roster. `name`: of the file, for the complaint.

    Raises:
        ConfigurationError: names every mistake, each with its key and what is allowed.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"the roster {name} is not TOML: {error}") from None
    mistakes, found = list(_across(document)), None
    try:
        found = Roster.model_validate(document)
    except ValidationError as error:
        mistakes[:0] = _mistakes(error)
    if mistakes or found is None:
        raise ConfigurationError(f"the roster {name} cannot be used:\n" + "\n".join(f"  {mistake}" for mistake in mistakes))
    return found


def _mistakes(error: ValidationError) -> Iterator[str]:
    places = [part["loc"] for part in error.errors()]
    for part in error.errors():
        place = part["loc"]
        # A list whose members are all wrong is not also too short.
        if part["type"] == "too_short" and any(other != place and other[: len(place)] == place for other in places):
            continue
        yield f"{_key(place)}: {part['msg'].removeprefix('Value error, ')}"


def _across(document: Mapping[str, Any]) -> Iterator[str]:
    """Mistakes that no key makes alone."""
    officers = document.get("officer")
    tables = (
        [(number, one) for number, one in enumerate(officers, 1) if isinstance(one, dict)] if isinstance(officers, list) else []
    )
    seen: dict[object, int] = {}
    for number, officer in tables:
        name = str(officer.get("name"))
        if "name" in officer and seen.setdefault(name, number) != number:
            yield f"officer {number} name: is that of officer {seen[name]} already; it must be one officer's only"
        if ("from" in officer) != ("until" in officer):
            yield f"officer {number} from, until: must stand together; leave both out for the whole day"
        elif "from" in officer and officer["from"] == officer["until"]:
            yield f"officer {number} from, until: must differ; leave both out for the whole day"


def _key(location: Sequence[Any]) -> str:
    """As people count: the first officer is officer 1."""
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in location) or "the file"


class RosterFile:
    """The roster of a file, read again when the file changes; of a file that cannot be used, the last good one.

    Raises:
        ConfigurationError: the file cannot be used, and there is no earlier roster.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._look()
        self._roster = self._read()
        self._problem: str | None = None
        metrics.OFFICERS.set(len(self._roster.officers))

    def problem(self) -> str | None:
        """What is wrong with the file as it is now; a check of `runtime.health`."""
        return self._problem

    def recipients(self, *, village_id: str | None, priority: int, at: datetime) -> tuple[str, ...]:
        """See `Roster.recipients`."""
        return self.current().recipients(village_id=village_id, priority=priority, at=at)

    def current(self) -> Roster:
        """The roster in use."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            self._read_again()
        return self._roster

    def _read_again(self) -> None:
        try:
            self._roster = self._read()
        except ConfigurationError as error:
            self._problem = f"{error}\nthe roster read before stays in use"
            metrics.REJECTED.inc()
            log.error("%s", self._problem)  # noqa: TRY400
            return
        self._problem = None
        metrics.OFFICERS.set(len(self._roster.officers))
        log.info("the roster %s was read again: %d officers", self._path, len(self._roster.officers))

    def _look(self) -> tuple[int, ...]:
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> Roster:
        try:
            with self._path.open("rb") as file:
                text = file.read(BYTES_MAXIMUM + 1).decode()
        except OSError as error:
            raise ConfigurationError(f"cannot read the roster {self._path}: {os.strerror(error.errno or 0)}") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"the roster {self._path} is not UTF-8") from None
        if len(text.encode()) > BYTES_MAXIMUM:
            raise ConfigurationError(f"the roster {self._path} is larger than {BYTES_MAXIMUM} bytes")
        return read(text, name=str(self._path))
