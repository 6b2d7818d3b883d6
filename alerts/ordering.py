"""Which word is the newer, and what a complete snapshot says about what is known. Pure.

Messages overtake one another: two workers, a re-send, a device that was away. A device's own counter decides; its clock does only
where the counter began anew. Where there is doubt, a beginning counts as new (it rings) and an end as old (nothing is ended).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from alerts.facts import Actor, CompleteSnapshot, Condition, ConditionKey, Observation, StateReport
from alerts.machine import Behaviour
from alerts.policy import DEVICE_KINDS, POLICY
from signals.kinds import Kind

_HOST = re.compile(r"\d+(\.\d+)?")
"""A host in the form `host-loop-address` of a point."""


def is_newer(word: Observation | Condition, last: Condition | None) -> bool:
    """Whether the word is newer than the last one applied.

    A lower `boot` at a later time is a device that was wiped and counts anew; so is the same counter said of another fact. The time
    of an end must then be the device's own: a receive time only tells that it came later, which a straggler does too. A lower `seq`
    of the same boot may be either, and is believed for a beginning alone: by its own time it is no straggler.
    """
    if last is None or word.boot is None or word.seq is None:
        return True
    later = word.occurred_at > last.occurred_at
    if last.boot is None or last.seq is None:
        return word.active or later
    mine, theirs = (word.boot, word.seq), (last.boot, last.seq)
    if mine > theirs:
        return True
    has_own_time = word.occurred_at != word.received_at
    if word.boot == last.boot and mine < theirs:
        return later and has_own_time and word.active
    return later and (word.active or has_own_time)


def in_order(observations: list[Observation]) -> list[Observation]:
    """The words of one transmitter in the order of their counters, where all have one of the same boot; else as they came."""
    if len({word.boot for word in observations}) == 1 and all(
        word.boot is not None and word.seq is not None for word in observations
    ):
        return sorted(observations, key=lambda word: word.seq or 0)
    return observations


def is_behind(reset: ConditionKey, key: ConditionKey) -> bool:
    """Whether the reset ends the condition.

    All of a transmitter for point "", all behind it (`host-loop-address`) for a host, else the point and its channels `point/…`.
    """
    if key.transmitter_id != reset.transmitter_id or key.kind not in DEVICE_KINDS:
        return False
    behind_host = _HOST.fullmatch(reset.point) and key.point.startswith(f"{reset.point}-")
    return reset.point in {"", key.point} or key.point.startswith(f"{reset.point}/") or bool(behind_host)


def resets_above(key: ConditionKey) -> Iterator[ConditionKey]:
    """The resets that the condition is behind."""
    yield ConditionKey(key.transmitter_id, "", Kind.RESET, "")
    host = _HOST.match(key.point)
    if host is not None and key.point.startswith(f"{host[0]}-"):
        yield ConditionKey(key.transmitter_id, host[0], Kind.RESET, "")
    parts = key.point.split("/")
    for length in range(1, len(parts) + 1):
        if point := "/".join(parts[:length]):
            yield ConditionKey(key.transmitter_id, point, Kind.RESET, "")


def reconcile(snapshot: CompleteSnapshot, conditions: Iterable[Condition]) -> list[Observation]:
    """What a complete snapshot adds to the known conditions of its transmitter: ends first, then beginnings.

    A condition that is active and not in it is over where its last word is older than the snapshot; one that is in it began
    unless it is known to be active, or its end is newer than the snapshot.
    """
    known = {condition.key: condition for condition in conditions if condition.key.kind in DEVICE_KINDS}
    ended = [
        key
        for key, condition in known.items()
        if condition.active and key not in snapshot.active and _is_older(condition, snapshot)
    ]
    begun = [
        key
        for key in snapshot.active
        if key.kind in DEVICE_KINDS and (key not in known or (not known[key].active and _is_older(known[key], snapshot)))
    ]
    return [_observed(snapshot, key, active=False) for key in sorted(ended)] + [
        _observed(snapshot, key, active=True) for key in sorted(begun)
    ]


def compare(
    report: StateReport, known: Mapping[ConditionKey, Condition], *, open_since: Mapping[ConditionKey, datetime]
) -> list[Observation]:
    """What a report of a point's state adds to its known conditions: ends first, then beginnings.

    A state that is said again is no new alarm while one is open; where a person has closed it, it rings unless it is told to be the
    same occurrence. The very same frame said anew, later than a repeat comes, is a device that restarted: its fire counts anew.

    Fires overtake what was said before them, and no counter tells: a condition that was heard of after the report came is not ended
    by it. Where the report came after its alarm, it was over in between, and began again. `open_since`: when the first word of
    each open alarm came.
    """
    over = [key for key in report.covers if key not in report.active and key in known and known[key].active]
    between = {key for key in over if open_since.get(key, report.received_at) < report.received_at < known[key].received_at}
    ended = [key for key in over if key in between or report.received_at >= known[key].received_at]
    begun = [
        key
        for key in report.covers
        if key in between
        or (
            key in report.active
            and not (key in known and known[key].active and _is_restated(report, known[key], is_open=key in open_since))
        )
    ]
    return [_reported(report, key, active=False) for key in ended] + [_reported(report, key, active=True) for key in begun]


def _is_restated(report: StateReport, last: Condition, *, is_open: bool) -> bool:
    same_time = report.has_device_time and report.occurred_at == last.occurred_at
    if last.seq == report.serial and (same_time or not report.has_device_time):
        return False
    if POLICY[last.key.kind].behaviour is Behaviour.INFORMING:
        return True
    return is_open or same_time


def _is_older(condition: Condition, snapshot: CompleteSnapshot) -> bool:
    # Snapshots and signals count their `seq` apart: of the counters only `boot` can be compared.
    if condition.boot is not None and snapshot.boot is not None and condition.boot < snapshot.boot:
        return True
    return condition.occurred_at < snapshot.taken_at and condition.received_at <= snapshot.received_at


def _observed(snapshot: CompleteSnapshot, key: ConditionKey, *, active: bool) -> Observation:
    return Observation(
        transmitter_id=key.transmitter_id,
        point=key.point,
        kind=key.kind,
        raw_kind=key.raw_kind,
        active=active,
        occurred_at=snapshot.taken_at,
        received_at=snapshot.received_at,
        reason="in the transmitter's complete list of what is active" if active else "",
        detail={"snapshot": True},
        origin_key=snapshot.origin_key,
        actor=Actor.DEVICE,
    )


def _reported(report: StateReport, key: ConditionKey, *, active: bool) -> Observation:
    return Observation(
        transmitter_id=key.transmitter_id,
        point=key.point,
        kind=key.kind,
        raw_kind=key.raw_kind,
        active=active,
        seq=report.serial,
        occurred_at=report.occurred_at,
        received_at=report.received_at,
        detail=report.detail,
        origin_key=report.origin_key,
        actor=Actor.DEVICE,
    )
