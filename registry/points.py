"""Points that a signal named before anybody wrote them into the register."""

from datetime import datetime, timedelta

from runtime.database import Connection
from sql.queries import load

OVERLAP = timedelta(minutes=2)
"""Rows are received before they are committed, and clocks differ: a pass looks again at what the one before it saw last."""
SWEEP_EVERY = timedelta(hours=1)
SWEEP_BACK = timedelta(hours=24)
"""For what was committed later than `OVERLAP`, and for transmitters that came into the register after their signals."""
SLICE = timedelta(days=1)
"""Receive time looked through by one statement: a start looks through all signals that are kept."""

_SQL = load("registry")


class Points:
    """Follows the signals. What it has seen is kept in memory only: a new start looks through everything again."""

    def __init__(self) -> None:
        self._seen_until: datetime | None = None
        self._swept_at: datetime | None = None

    async def add_seen(self, connection: Connection, *, now: datetime) -> int:
        """Add the points named since the last call, unregistered.

        Every slice of time is a transaction of its own; after an error the next call begins where this one did.

        Returns:
            How many were added.
        """
        sweep = self._swept_at is None or now - self._swept_at >= SWEEP_EVERY
        since = self._seen_until
        if since is not None:
            since = min(since, now - SWEEP_BACK) if sweep else since - OVERLAP
        added = await _add(connection, since=since, until=now)
        self._seen_until = now
        self._swept_at = now if sweep else self._swept_at
        return added


async def _add(connection: Connection, *, since: datetime | None, until: datetime) -> int:
    added = 0
    while True:
        row = await (await connection.execute(_SQL["next_signal"], {"since": since})).fetchone()
        begin = row[0] if row else None
        if not isinstance(begin, datetime) or begin >= until:
            return added
        since = min(begin + SLICE, until)
        cursor = await connection.execute(_SQL["add_unregistered_points"], {"since": begin, "until": since})
        added += cursor.rowcount
