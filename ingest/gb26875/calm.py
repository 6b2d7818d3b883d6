"""Points where all is well: their periodic uploads would change nothing, so alerts need not hear of each."""

from datetime import datetime, timedelta

AGAIN = timedelta(hours=1)
"""So often they are handed over all the same: what went wrong on the way is set right."""
POINTS_MAXIMUM = 200_000
"""Points that are remembered; beyond, everything is handed over again."""


class Calm:
    """The newest state of every point that was handed over, by (transmitter, point)."""

    def __init__(self) -> None:
        self._handed: dict[tuple[str, str], tuple[datetime, bool]] = {}

    def is_news(self, name: tuple[str, str], *, active: bool, received_at: datetime) -> bool:
        """Whether a state is to be handed over. `active`: something of it is active.

        Fires overtake what came before them (GB 26875.1 4.1.2.3): a state that is older than the newest one tells nothing of now.
        """
        handed_at, was_active = self._handed.get(name, (received_at, True))
        if received_at < handed_at:
            return True
        if not active and not was_active and received_at - handed_at < AGAIN:
            return False
        if len(self._handed) >= POINTS_MAXIMUM and name not in self._handed:
            self._handed.clear()
        self._handed[name] = (received_at, active)
        return True
