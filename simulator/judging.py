"""Judging: the ledger against what is stored. Pure, but for `verdict`, which reads the database first."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from signals.kinds import CENTRE_KINDS, FIRE_KINDS, Kind
from simulator.entries import Cause, Entry
from simulator.expected import INFORMING_KINDS, Condition, Expected, expect
from simulator.ledger import Ledger
from simulator.spans import Outages
from simulator.stored import Identity, JournalLine, Stored, StoredAlarm, StoredFact, load
from simulator.verdict import Findings, Tally, Verdict, Violation, tolerating

LIMIT_SECONDS = 10.0
"""From the device to us: GB 26875.1-2011 4.1.2.1."""
RAISING = frozenset({"raised", "counted", "re_alarmed"})
"""Words of the journal for a beginning that had its effect."""
FIRST = "raised"
CLOSED = "closed"
DEVICE = "device"
SENT = "sent"


async def verdict(
    url: str,
    ledger: Ledger,
    *,
    limit_seconds: float = LIMIT_SECONDS,
    patience_seconds: float = 10.0,
    tolerated: frozenset[Violation] | None = None,
) -> Verdict:
    """Read what is stored and judge it.

    Args:
        url: of the database, for a role that may read.
        ledger: the truth.
        limit_seconds: nothing may take longer from the device, outages subtracted.
        patience_seconds: wait so long at most for alerts to finish.
        tolerated: what does no harm; by default a missing confirmation.

    Raises:
        DatabaseAway: it cannot be read.
    """
    stored = await load(url, ledger, patience_seconds=patience_seconds)
    return judge(ledger, stored, limit_seconds=limit_seconds, tolerated=tolerated)


def judge(
    ledger: Ledger, stored: Stored, *, limit_seconds: float = LIMIT_SECONDS, tolerated: frozenset[Violation] | None = None
) -> Verdict:
    """Compare."""
    court = _Court(ledger=ledger, stored=stored, expected=expect(ledger.entries), limit_seconds=limit_seconds)
    for hearing in (court.storage, court.alarms, court.raising, court.states, court.notifications, court.telemetry):
        hearing()
    return Verdict(
        tally=court.tally(), findings=court.findings.closed(), tolerated=tolerating() if tolerated is None else tolerated
    )


@dataclass(slots=True, kw_only=True)
class _Court:
    ledger: Ledger
    stored: Stored
    expected: Expected
    limit_seconds: float
    findings: Findings = field(default_factory=Findings)
    _outages: dict[str, Outages] = field(default_factory=dict)
    _identities: dict[bytes, Identity | None] = field(default_factory=dict)
    _lines: dict[int, list[JournalLine]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._identities.update((fact.origin_key, fact.identity) for fact in self.stored.facts)
        for line in self.stored.journal:
            if line.effect in RAISING:
                self._lines.setdefault(line.alarm_id, []).append(line)

    def storage(self) -> None:
        """Everything said is stored once, soon and confirmed; nothing else is stored."""
        rows: dict[Identity, list[StoredFact]] = {}
        for fact in self.stored.facts:
            if fact.identity is None or fact.identity not in self.expected.said:
                self.findings.add(Violation.INVENTED, f"{fact.transmitter_id} {fact.identity}")
            else:
                rows.setdefault(fact.identity, []).append(fact)
        for identity, entry in self.expected.said.items():
            found = rows.get(identity, [])
            if len(found) < self.expected.owed[identity]:
                self.findings.add(Violation.LOST, _name(identity))
            doubled = len(found) - self.expected.rows[identity]
            if doubled > 0:
                self.findings.add(Violation.STORED_TWICE, _name(identity), times=doubled)
            if found:
                self._punctual(entry, min(fact.stored_at for fact in found), what=f"stored: {_name(identity)}")
            if entry.confirmed_at is None and not entry.forgotten:
                self.findings.add(Violation.UNCONFIRMED, _name(identity))

    def alarms(self) -> None:
        """Every alarm has a cause, and every cause was taken once."""
        times: Counter[tuple[Identity, Condition]] = Counter()
        for alarm in self.stored.alarms:
            lines = self._lines.get(alarm.alarm_id, [])
            for line in lines:
                identity = self._identities.get(line.origin_key) if line.origin_key else None
                if identity is not None:
                    times[identity, _about(alarm)] += 1
            if not self._is_new(alarm):
                continue
            self._justified(alarm)
            raised = sum(line.effect == FIRST for line in lines)
            if raised == 0:
                self.findings.add(Violation.FALSELY_RAISED, f"{_label(alarm)}: the journal does not know why")
            if raised > 1 or alarm.occurrences > len(lines) > 0:
                self.findings.add(Violation.ALARMED_TWICE, f"{_label(alarm)}: {alarm.occurrences} occurrences")
        for (identity, _), number in times.items():
            doubled = number - max(1, self.expected.times[identity])
            if doubled > 0:
                self.findings.add(Violation.ALARMED_TWICE, f"by {_name(identity)}", times=doubled)

    def raising(self) -> None:
        """Every fire rings, every counter conflict and every lasting condition has an alarm; soon."""
        taken: dict[Identity, StoredAlarm] = {}
        for alarm in self.stored.alarms:
            for line in self._lines.get(alarm.alarm_id, []):
                identity = self._identities.get(line.origin_key) if line.origin_key else None
                if identity is not None:
                    taken.setdefault(identity, alarm)
                    if line.effect == FIRST and identity in self.expected.said:
                        entry = self.expected.said[identity]
                        self._punctual(entry, alarm.raised_at.timestamp(), what=f"alarmed: {_name(identity)}")
        for fire in self.expected.fires:
            if not any(identity in taken for identity in fire):
                self.findings.add(Violation.NOT_RAISED, _name(fire[0]))
        known = {_about(alarm) for alarm in self.stored.alarms}
        for about in self._lasting() - known:
            self.findings.add(Violation.NOT_RAISED, f"{about}, active to the end")
        warned = {alarm.transmitter_id for alarm in self.stored.alarms if alarm.kind == Kind.KEY_CONFLICT}
        for transmitter_id in self.expected.conflicts - warned:
            self.findings.add(Violation.NOT_RAISED, f"key_conflict of {transmitter_id}")

    def states(self) -> None:
        """An alarm says of its device what the device said last."""
        newest = {_about(alarm): alarm for alarm in sorted(self.stored.alarms, key=lambda alarm: alarm.alarm_id)}
        for about, alarm in newest.items():
            if about.kind in CENTRE_KINDS - {Kind.UNCLASSIFIED} or about.transmitter_id in self.expected.conflicts:
                continue
            active = about in self.expected.active
            ended = alarm.handling == CLOSED
            wrong = alarm.closed_by == DEVICE if ended and active else not ended and alarm.device_active != active
            if wrong:
                said = "active" if active else "over"
                self.findings.add(Violation.WRONG_STATE, f"{_label(alarm)}: the device's last word is that it is {said}")

    def notifications(self) -> None:
        """Somebody was told of every fire, and again of every re-alarm; what was owed to anybody was sent."""
        occasions: dict[int, set[int]] = {}
        for owed in self.stored.notifications:
            occasions.setdefault(owed.alarm_id, set()).add(owed.occasion)
        by_id = {alarm.alarm_id: alarm for alarm in self.stored.alarms if self._is_new(alarm)}
        for alarm in by_id.values():
            missing = 1 + alarm.re_alarms - len(occasions.get(alarm.alarm_id, ()))
            if alarm.kind in FIRE_KINDS and missing > 0:
                self.findings.add(Violation.NOT_NOTIFIED, f"{_label(alarm)}: {missing} occasions", times=missing)
        for owed in self.stored.notifications:
            told = by_id.get(owed.alarm_id)
            if told is None:
                continue
            if owed.state != SENT or owed.sent_at is None:
                self.findings.add(Violation.NOT_NOTIFIED, f"{_label(told)}: {owed.state}")
            elif owed.occasion == min(occasions[owed.alarm_id]):
                self._told_soon(told, owed.sent_at.timestamp())

    def telemetry(self) -> None:
        """Every reading that the broker has acknowledged is stored; none oftener than it was said."""
        for (transmitter_id, boot), measured in self.ledger.telemetry.items():
            count = self.stored.telemetry.get((transmitter_id, boot))
            if count is not None and count.times is None:
                continue
            stored: Mapping[int, int] = {} if count is None or count.times is None else count.times
            owed, said = measured.acknowledged.times(), measured.said.times()
            lost = sum(max(0, number - stored.get(seq, 0)) for seq, number in owed.items())
            twice = sum(max(0, number - said[seq]) for seq, number in stored.items() if seq in said)
            if lost:
                self.findings.add(Violation.TELEMETRY_LOST, f"{transmitter_id} boot {boot}: {lost} readings", times=lost)
            if twice:
                self.findings.add(Violation.TELEMETRY_STORED_TWICE, f"{transmitter_id} boot {boot}: {twice} readings", times=twice)

    def tally(self) -> Tally:
        """What was compared."""
        new = [alarm for alarm in self.stored.alarms if self._is_new(alarm)]
        return Tally(
            signals=len(self.expected.said),
            fires=len(self.expected.fires),
            stored=len(self.stored.facts),
            alarms=len(new),
            early_warnings=sum(alarm.kind == Kind.EARLY_WARNING for alarm in new),
            notifications=sum(owed.state == SENT for owed in self.stored.notifications),
            telemetry_acknowledged=sum(len(measured.acknowledged) for measured in self.ledger.telemetry.values()),
            telemetry_stored=sum(count.rows for count in self.stored.telemetry.values()),
        )

    def _is_new(self, alarm: StoredAlarm) -> bool:
        """Whether it was raised since the ledger began to play its transmitter."""
        began_at = self.ledger.played.get(alarm.transmitter_id, min(self.ledger.played.values()))
        return alarm.raised_at.timestamp() >= began_at

    def _justified(self, alarm: StoredAlarm) -> None:
        at, about = alarm.raised_at.timestamp(), _about(alarm)
        if about.kind in {Kind.OFFLINE, Kind.PATH_OFFLINE}:
            if not self._is_silent([alarm.transmitter_id] if alarm.transmitter_id else self.ledger.played, at):
                self.findings.add(Violation.FALSE_OFFLINE, _label(alarm))
            return
        told = about in self.expected.caused and about.kind not in INFORMING_KINDS
        conflict = about.kind is Kind.KEY_CONFLICT and alarm.transmitter_id in self.expected.conflicts
        if not told and not conflict and not any(_covers(cause, about, at=at) for cause in self.ledger.causes):
            self.findings.add(Violation.FALSELY_RAISED, f"{_label(alarm)}: nobody said so")

    def _is_silent(self, transmitter_ids: Iterable[str], at: float) -> bool:
        """Whether one of them was meant to be silent at that time, or shortly before."""
        spans = (span for transmitter_id in transmitter_ids for span in self.ledger.silences(transmitter_id))
        return any(since <= at <= until + self.limit_seconds for since, until in spans)

    def _lasting(self) -> set[Condition]:
        """Conditions that last and ask for an alarm; of fires every single word was heard already."""
        return {
            about
            for about in self.expected.active
            if about.kind not in INFORMING_KINDS | FIRE_KINDS and about.transmitter_id not in self.expected.conflicts
        }

    def _told_soon(self, alarm: StoredAlarm, sent_at: float) -> None:
        for line in self._lines.get(alarm.alarm_id, [])[:1]:
            identity = self._identities.get(line.origin_key) if line.origin_key else None
            if identity in self.expected.said:
                self._punctual(self.expected.said[identity], sent_at, what=f"notified: {_label(alarm)}")

    def _punctual(self, entry: Entry, at: float, *, what: str) -> None:
        name = entry.transmitter_id
        if name not in self._outages:
            self._outages[name] = Outages(self.ledger.spans(name))
        late = at - entry.said_at - self._outages[name].within(entry.said_at, at) - self.limit_seconds
        if late > 0 and not entry.forgotten:
            self.findings.add(Violation.LATE, f"{what}, {late:.1f} s beyond the limit")


def _about(alarm: StoredAlarm) -> Condition:
    return Condition(alarm.transmitter_id, alarm.point, Kind(alarm.kind), alarm.raw_kind)


def _covers(cause: Cause, about: Condition, *, at: float) -> bool:
    same = (cause.transmitter_id, cause.kind) == (about.transmitter_id, about.kind)
    return same and cause.point in {None, about.point} and cause.at <= at


def _name(identity: Identity) -> str:
    return f"{identity.transmitter_id} {identity.message_class} boot {identity.boot} seq {identity.seq}: {identity.content[:200]}"


def _label(alarm: StoredAlarm) -> str:
    return (
        f"alarm {alarm.alarm_id}, {alarm.kind}{alarm.raw_kind and f' ({alarm.raw_kind})'} of {alarm.transmitter_id} {alarm.point}"
    )
