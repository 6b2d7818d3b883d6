"""What stands of a point and kind, by who says so: a kind is over when nobody says it any more."""

from alerts.early_warning.findings import Level
from signals.kinds import Kind


class Standing:
    """Only what stands is here."""

    def __init__(self) -> None:
        self._said: dict[tuple[int, Kind], dict[str, Level]] = {}

    def say(self, point: int, kind: Kind, *, source: str, level: Level) -> bool:
        """Note what a source says now; True where it is to be told: it says more than before, or was the last to say anything.

        A source is not hidden by another's higher level: a slow trend that stands for weeks must not keep a fire quiet.
        """
        said = self._said.setdefault((point, kind), {})
        before = said.pop(source, Level.NONE)
        if level is not Level.NONE:
            said[source] = level
        if not said:
            del self._said[point, kind]
        return level > before or (level is Level.NONE and before is not Level.NONE and not said)
