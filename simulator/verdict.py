"""The verdict: what the ledger knows against what is stored, alarmed and notified."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

EXAMPLES_MAXIMUM = 5


class Violation(StrEnum):
    """What can be wrong; the words of the verdict."""

    LOST = "lost"  # said, and not stored
    STORED_TWICE = "stored twice"
    INVENTED = "invented"  # stored, though never said so
    LATE = "late"  # stored, alarmed or notified later than the limit, outages subtracted
    NOT_RAISED = "not raised"
    ALARMED_TWICE = "alarmed twice"
    FALSELY_RAISED = "falsely raised"  # an alarm without a cause
    FALSE_OFFLINE = "false offline"
    WRONG_STATE = "wrong state"  # an alarm that contradicts the device's last word
    NOT_NOTIFIED = "not notified"
    UNCONFIRMED = "unconfirmed"  # the centre did not say that it is stored
    TELEMETRY_LOST = "telemetry lost"  # acknowledged by the broker, and not stored
    TELEMETRY_STORED_TWICE = "telemetry stored twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How often, and the first examples."""

    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was compared."""

    signals: int = 0
    fires: int = 0
    stored: int = 0
    alarms: int = 0
    early_warnings: int = 0
    notifications: int = 0
    telemetry_acknowledged: int = 0
    telemetry_stored: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`tolerated`: violations that are counted and do no harm to `ok`."""

    tally: Tally
    findings: Mapping[Violation, Finding]
    tolerated: frozenset[Violation]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong that is not tolerated."""
        return not any(self.count(violation) for violation in set(Violation) - self.tolerated)

    def count(self, violation: Violation) -> int:
        """How often."""
        return self.findings.get(violation, Finding()).count

    def lines(self) -> list[str]:
        """For people: what was compared, the verdict, and the examples."""
        tally = self.tally
        counts = ", ".join(f"{self.count(violation)} {violation}" for violation in Violation)
        found = [
            f"  {violation}: {example}" for violation in Violation for example in self.findings.get(violation, Finding()).examples
        ]
        compared = (
            f"{tally.signals:,} objects said, {tally.fires:,} of them fires; {tally.stored:,} facts stored;"
            f" {tally.alarms:,} alarms, {tally.early_warnings:,} early warnings, {tally.notifications:,} notifications sent;"
            f" {tally.telemetry_acknowledged:,} readings acknowledged, {tally.telemetry_stored:,} stored"
        )
        return [f"ledger: {compared}", f"verdict: {'good' if self.ok else 'BAD'}: {counts}", *found]


@dataclass(slots=True, kw_only=True)
class Findings:
    """Collects what is wrong."""

    counts: Counter[Violation] = field(default_factory=Counter)
    examples: dict[Violation, list[str]] = field(default_factory=dict)

    def add(self, violation: Violation, example: str, *, times: int = 1) -> None:
        """Note it."""
        self.counts[violation] += times
        examples = self.examples.setdefault(violation, [])
        if len(examples) < EXAMPLES_MAXIMUM:
            examples.append(example)

    def closed(self) -> Mapping[Violation, Finding]:
        """All of it."""
        return {
            violation: Finding(count=count, examples=tuple(self.examples[violation])) for violation, count in self.counts.items()
        }


def tolerating(violations: Iterable[Violation] = (Violation.UNCONFIRMED,)) -> frozenset[Violation]:
    """Violations that a run may show: by default a confirmation that had not come when it ended."""
    return frozenset(violations)
