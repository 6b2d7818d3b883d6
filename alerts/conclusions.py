"""The one door to alarms: observations come in, conditions, alarms, journal, notifications and publications come out.

Devices, the centre, liveness and early warning all use it. It works inside the caller's transaction: what the caller takes from its
inbox and what follows from it are committed together or not at all.
"""

from collections.abc import Sequence
from datetime import datetime

from alerts.desk import Desk
from alerts.facts import Actor, CompleteSnapshot, Conclusion, ConditionKey, Fact, Observation, StateReport
from alerts.store import Roster, Scope, load, lock, record
from runtime.database import Connection
from signals.kinds import Kind

__all__ = ["Actor", "CompleteSnapshot", "Conclusion", "Fact", "Observation", "Roster", "conclude"]


async def conclude(connection: Connection, facts: Sequence[Fact], *, roster: Roster, at: datetime) -> list[Conclusion]:
    """Draw the conclusions from facts in order of arrival, at instant `at`.

    Once in a transaction, which should hold little else: it keeps others away from the same conditions until it ends. At most about
    1,000 facts a call (see `alerts.store.lock`); statements per call do not grow with them.

    Raises:
        psycopg.Error: the transaction is lost; nothing was concluded.
    """
    if not facts:
        return []
    scope = scope_of(facts)
    await lock(connection, scope)
    desk = Desk(await load(connection, scope), at=at)
    desk.take_all(facts)
    await record(connection, desk, roster=roster, at=at)
    return [
        Conclusion(
            key=change.key,
            alarm_id=change.alarm.alarm_id if change.alarm else None,
            event=change.event,
            outcome=change.outcome,
            origin_key=change.origin_key,
        )
        for change in desk.changes
    ]


def scope_of(facts: Sequence[Fact]) -> Scope:
    """What the facts may change or depend on. A snapshot or a reset may concern all of its transmitter."""
    keys: set[ConditionKey] = set()
    wide: set[str] = set()
    for fact in facts:
        if isinstance(fact, CompleteSnapshot):
            wide.add(fact.transmitter_id)
            keys |= fact.active
        elif isinstance(fact, StateReport):
            keys.update(fact.covers)
            if any(key.kind is Kind.RESET for key in fact.active):
                wide.add(fact.transmitter_id)
        else:
            keys.add(fact.key)
            if fact.kind is Kind.RESET:
                wide.add(fact.transmitter_id)
    return Scope(keys=frozenset(keys), wide=frozenset(wide))
