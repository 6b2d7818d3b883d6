"""The plan's targets for the connection ratio.

Source: 百崎回族乡消防安全治本攻坚三年行动重点项目清单, item 15: units connected 30 % by the end of 2024, 50 % by the end of 2025,
70 % by the end of 2026, all within five years. Its first year is 2024, so the fifth ends with 2028.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """A target and the day by whose end it is due."""

    due_on: date
    percent: int


MILESTONES = (
    Milestone(due_on=date(2024, 12, 31), percent=30),
    Milestone(due_on=date(2025, 12, 31), percent=50),
    Milestone(due_on=date(2026, 12, 31), percent=70),
    Milestone(due_on=date(2028, 12, 31), percent=100),
)


def milestone(on: date) -> Milestone:
    """What is aimed at on a day: the first target not yet due before it; after the last, the last."""
    return next((found for found in MILESTONES if on <= found.due_on), MILESTONES[-1])


def units_missing(*, units: int, connected: int, percent: int) -> int:
    """How many more units must be connected to reach the target; a target that is no whole number of units is rounded up."""
    return max(0, -(-units * percent // 100) - connected)
