"""Who is alive: from the last sign of life and the time we listened since, who is offline, and which path. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from alerts.hearing import Hearing
from signals.kinds import Kind

GRACE = timedelta(seconds=60)
"""After an outage of ours devices have this long to reconnect."""
PATH_LEAST = 5
"""Transmitters that make a path worth an alarm of its own."""
PATH_SHARE = 0.5
"""From this share of its transmitters on, the path is what is silent."""
PATH_WAIT = timedelta(seconds=30)
"""On such a path a single silence waits for the others to follow before it is an alarm."""
PATH_NAMED = 5
MISSED_REPORTS_OF_SLEEPY = 3
SLEEPY_LEAST = timedelta(hours=48)


class TransmitterClass(StrEnum):
    """`transmitter.class`."""

    CONTROL_ROOM = "control_room"
    DETECTOR = "detector"
    SLEEPY = "sleepy"
    BRIDGE = "bridge"


BOUNDS: Mapping[TransmitterClass, tuple[timedelta, timedelta]] = {
    TransmitterClass.CONTROL_ROOM: (timedelta(minutes=1), timedelta(minutes=30)),
    TransmitterClass.DETECTOR: (timedelta(minutes=2), timedelta(hours=6)),
    TransmitterClass.BRIDGE: (timedelta(minutes=1), timedelta(minutes=30)),
    TransmitterClass.SLEEPY: (SLEEPY_LEAST, timedelta(days=21)),
}
"""The least and the most silence that is offline, whatever was promised; without a promise, the most. 21 days: the longest promise
of the profile is 7."""


class Named(NamedTuple):
    """What can be offline: a transmitter (point ''), a device behind a bridge, or a path (transmitter '')."""

    transmitter_id: str
    point: str
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A transmitter, or a device behind a bridge, and its last sign of life.

    `will_at`: when the broker told of its disconnection, if that was the last word about its connection.
    """

    transmitter_id: str
    point: str
    transmitter_class: TransmitterClass
    path: str
    last_heard_at: datetime
    interval: timedelta | None
    will_at: datetime | None = None


def limit(heard: Heard) -> timedelta:
    """Silence from which on it is offline.

    Twice the promised interval within the bounds of its class; three reports, and 48 h at least, of one that sleeps. A will
    shortens this to the least, never of one that sleeps: it powers off without saying so.
    """
    least, most = BOUNDS[heard.transmitter_class]
    if heard.transmitter_class is TransmitterClass.SLEEPY:
        return min(most, max(least, MISSED_REPORTS_OF_SLEEPY * heard.interval)) if heard.interval else least
    if heard.will_at is not None and heard.will_at >= heard.last_heard_at:
        return least
    return min(most, max(least, 2 * heard.interval)) if heard.interval else most


def judge(everybody: Iterable[Heard], hearing: Hearing, *, standing: Collection[Named]) -> dict[Named, str]:
    """What is offline, each with its reason.

    Args:
        everybody: all that were ever heard.
        hearing: when we could hear.
        standing: what was offline before; a single alarm stays one when its path follows.
    """
    silent: dict[Named, tuple[Heard, timedelta]] = {}
    paths: dict[str, list[Heard]] = defaultdict(list)
    for heard in everybody:
        if heard.path and not heard.point:
            paths[heard.path].append(heard)
        silence = hearing.silence(heard.last_heard_at)
        if silence > limit(heard):
            silent[Named(heard.transmitter_id, heard.point, Kind.OFFLINE)] = (heard, silence)
    offline: dict[Named, str] = {}
    for path, members in paths.items():
        quiet = [member for member in members if Named(member.transmitter_id, "", Kind.OFFLINE) in silent]
        if len(members) >= PATH_LEAST and len(quiet) >= PATH_SHARE * len(members):
            offline[Named("", path, Kind.PATH_OFFLINE)] = _path_reason(path, quiet, members=len(members))
    for named, (heard, silence) in silent.items():
        collapsed = Named("", heard.path, Kind.PATH_OFFLINE) in offline
        waits = len(paths[heard.path]) >= PATH_LEAST and silence <= limit(heard) + PATH_WAIT
        if named in standing or not (collapsed or waits):
            offline[named] = _reason(heard, silence)
    return offline


def _reason(heard: Heard, silence: timedelta) -> str:
    promised = f"; it promised a report every {heard.interval.total_seconds():.0f} s" if heard.interval else ""
    will = "; the broker saw it disconnect" if heard.will_at is not None and heard.will_at >= heard.last_heard_at else ""
    return (
        f"silent for {silence.total_seconds():.0f} s while we listened, limit {limit(heard).total_seconds():.0f} s"
        f" ({heard.transmitter_class}){promised}{will}"
    )


def _path_reason(path: str, quiet: list[Heard], *, members: int) -> str:
    names = sorted(heard.transmitter_id for heard in quiet)
    more = f" and {len(names) - PATH_NAMED} more" if len(names) > PATH_NAMED else ""
    return f"{len(quiet)} of {members} transmitters of path {path} are silent: {', '.join(names[:PATH_NAMED])}{more}"
