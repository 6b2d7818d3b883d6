"""When the watch is blind: what the services' health means, and when people are paged. Pure; time is given.

A service is well while it answers, its event loop turns, it is connected and it commits. Blind: not well for `BLIND_AFTER`.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from alerts.wording import shanghai

BLIND_AFTER = timedelta(seconds=30)
PAGE_AGAIN_AFTER = timedelta(minutes=15)
_PROBLEM_CHARACTERS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What one look at a service says.

    Attributes:
        name: what the service calls itself; empty where it does not answer.
        well_at: the newest instant at which it was well by its own account; None: none.
        complaint: what is wrong; empty: nothing, but for the age of `well_at`.
    """

    name: str = ""
    well_at: datetime | None = None
    complaint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A service. `well_at`: when it was last known to be well; before that is known, when the watch began."""

    name: str
    well_at: datetime
    complaint: str = "not looked at yet"
    ever_well: bool = False
    blind: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Of the watch: every service by its URL, and when people were last paged about those that are blind."""

    services: Mapping[str, Watched]
    paged_at: datetime | None = None

    @property
    def blind(self) -> dict[str, Watched]:
        """Those people were told of."""
        return {url: service for url, service in self.services.items() if service.blind}

    @property
    def all_well(self) -> bool:
        """Whether the last look found nothing to complain of, anywhere."""
        return all(service.ever_well and not service.blind and not service.complaint for service in self.services.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A message to those who mend the watch."""

    title: str
    body: str


def begin(urls: Iterable[str], *, at: datetime) -> State:
    """A watch that begins; every service has `BLIND_AFTER` to show itself."""
    return State(services={url: Watched(name=url, well_at=at) for url in urls})


def unreachable(reason: str) -> Word:
    """Of a service that does not answer."""
    return Word(complaint=f"unreachable: {reason}"[:_PROBLEM_CHARACTERS])


def unintelligible() -> Word:
    """Of something that answers, and is no service of ours."""
    return unreachable("what answers is not a service's health")


def read(report: object, *, at: datetime) -> Word:
    """Of a service that answered at `at` with this JSON of `runtime.health`."""
    if not isinstance(report, dict) or not isinstance(report.get("alive"), bool):
        return unintelligible()
    name = str(report.get("service", ""))[:64]
    problems = _problems(report)
    if not report["alive"]:
        return Word(name=name, complaint=f"stuck: its event loop does not turn{problems}")
    if report.get("connected", True) is not True:
        return Word(name=name, complaint=f"no connection to the broker{problems}")
    age = report.get("last_commit_age_seconds", 0)
    if isinstance(age, bool) or not isinstance(age, int | float) or not math.isfinite(age):
        return Word(name=name, complaint=f"it does not say when it last committed{problems}")
    silence = timedelta(seconds=min(max(age, 0.0), 1e9))
    complaint = f"no commit for {silence.total_seconds():.0f} s{problems}" if silence >= BLIND_AFTER else ""
    return Word(name=name, well_at=at - silence, complaint=complaint)


def _problems(report: Mapping[str, Any]) -> str:
    problems = report.get("problems")
    if not isinstance(problems, dict) or not problems:
        return ""
    return f" ({'; '.join(f'{name}: {problem}' for name, problem in problems.items())})"[:_PROBLEM_CHARACTERS]


def look(state: State, words: Mapping[str, Word], *, at: datetime) -> tuple[State, list[Page]]:
    """Take the words of one look around, one for every service; returns what people have to be told."""
    services = {url: _after(service, words[url], at=at) for url, service in state.services.items()}
    fallen = [url for url, service in services.items() if service.blind and not state.services[url].blind]
    risen = [url for url, service in services.items() if not service.blind and state.services[url].blind]
    after = State(services=services, paged_at=state.paged_at)
    pages = [_over(state, after, risen=risen, at=at)] if risen else []
    again = state.paged_at is not None and at - state.paged_at >= PAGE_AGAIN_AFTER
    if fallen or (after.blind and again):
        pages.append(_blind(after, again=not fallen, at=at))
        after = replace(after, paged_at=at)
    return (after if after.blind else replace(after, paged_at=None)), pages


def _after(service: Watched, word: Word, *, at: datetime) -> Watched:
    well_at = max(service.well_at, word.well_at) if word.well_at else service.well_at
    return Watched(
        name=word.name or service.name,
        well_at=well_at,
        complaint=word.complaint,
        ever_well=service.ever_well or word.well_at is not None,
        blind=at - well_at >= BLIND_AFTER,
    )


def _blind(state: State, *, again: bool, at: datetime) -> Page:
    blind = state.blind
    names = ", ".join(service.name for service in blind.values())
    lines = [
        f"{service.name} ({url}): {service.complaint}; since {shanghai(service.well_at)}, {_span(service.well_at, at)}"
        for url, service in blind.items()
    ]
    title = f"【望火失明】the watch is {'still ' * again}blind: {names}"
    return Page(title=title, body="\n".join([*lines, "Signals may not become alarms until this is mended.", f"at {shanghai(at)}"]))


def _over(before: State, after: State, *, risen: list[str], at: datetime) -> Page:
    names = ", ".join(after.services[url].name for url in risen)
    lines = [
        f"{after.services[url].name} ({url}): well again; it was blind since {shanghai(before.services[url].well_at)},"
        f" {_span(before.services[url].well_at, at)}"
        for url in risen
    ]
    still = ", ".join(service.name for service in after.blind.values())
    rest = f"Still blind: {still}." if still else "The whole watch sees again."
    return Page(title=f"【望火复明】the watch sees again: {names}", body="\n".join([*lines, rest, f"at {shanghai(at)}"]))


def _span(since: datetime, at: datetime) -> str:
    seconds = round((at - since).total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
