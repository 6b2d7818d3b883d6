"""Who may send telemetry, and whose signals need no remark: the enrolled transmitters that are not withdrawn, kept in memory."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ingest.presence import SHANGHAI
from ingest.store import Store
from sql.queries import load

REFRESH_SECONDS = 5.0
ABSENT_SECONDS = 5.0
"""So long a transmitter that was not found is not looked up again; it is found by the next refresh anyway."""
REFRESH_TIMEOUT_SECONDS = 10.0

_SQL = load("ingest")


class Transmitters:
    """The register's word, at most `REFRESH_SECONDS` old. A class by transmitter: `control_room`, `detector`, `sleepy`, `bridge`.

    `on_change` is called with the ids that were added or removed.
    """

    def __init__(self, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._classes: dict[str, str] = {}
        self._absent_until: dict[str, float] = {}
        self.on_change: Callable[[set[str]], None] = lambda _: None

    def class_of(self, transmitter_id: str) -> str | None:
        """The class of an enrolled transmitter; None for one that is unknown, or withdrawn, as far as is known here."""
        return self._classes.get(transmitter_id)

    def to_look_up(self, transmitter_ids: Iterable[str]) -> list[str]:
        """Those of whom nothing is known, and of whom the database was not asked lately."""
        at = self._now().timestamp()
        return [found for found in transmitter_ids if found not in self._classes and self._absent_until.get(found, 0.0) <= at]

    async def look_up(self, transmitter_ids: list[str], *, store: Store) -> None:
        """Ask the database now.

        Raises:
            Unavailable: it does not answer.
        """
        found = await self._ask("enrolled_among", store=store, transmitter_ids=transmitter_ids)
        until = self._now().timestamp() + ABSENT_SECONDS
        self._absent_until.update({name: until for name in transmitter_ids if name not in found})
        self._change({**self._classes, **found})

    async def refresh(self, store: Store) -> None:
        """Read all of them anew.

        Raises:
            Unavailable: the database does not answer; what is known stays.
        """
        found = await self._ask("enrolled", store=store)
        self._absent_until.clear()
        self._change(found)

    async def _ask(self, query: str, *, store: Store, **parameters: object) -> dict[str, str]:
        today = self._now().astimezone(SHANGHAI).date()
        async with store.transaction() as connection:
            cursor = await connection.execute(_SQL[query], {**parameters, "today": today})
            return {str(name): str(transmitter_class) for name, transmitter_class in await cursor.fetchall()}

    def _change(self, classes: Mapping[str, str]) -> None:
        changed = {name for name, _ in classes.items() ^ self._classes.items()}
        if changed:
            self._classes = dict(classes)
            self.on_change(changed)
