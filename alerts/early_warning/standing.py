"""What stands of a point and kind, by who says so: a kind is over when nobody says it any more."""

from typing import NamedTuple

from alerts.early_warning.findings import Level
from signals.kinds import Kind


class Source(NamedTuple):
    """Who says so, and of what: a metric, or a fire by all that a point measures."""

    about: str
    name: str


class Standing:
    """Only what stands is here."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, Kind], dict[Source, Level]] = {}

    def say(self, point: int, kind: Kind, *, source: Source, level: Level) -> bool:
        """Note what a source says now; True where it is to be told: it is more than was said about this, or the last to be over.

        Two that find the same leak tell of one. What is said about something else hides nothing: a trend of a current that stands
        for weeks must not keep a fire quiet.
        """
        said = self._said.setdefault((point, kind), {})
        known = max((each for other, each in said.items() if other.about == source.about), default=Level.NONE)
        before = said.pop(source, Level.NONE)
        if level is not Level.NONE:
            said[source] = level
        if not said:
            del self._said[point, kind]
        return level > known or (level is Level.NONE and before is not Level.NONE and not said)
