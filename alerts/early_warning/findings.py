"""What the engine finds, and what every detector of its offers."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt

from signals.kinds import Kind

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.void]


class Level(IntEnum):
    """How sure a finding is of itself."""

    NONE = 0
    WATCH = 1
    WARNING = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A condition of a point that began or reached a higher level (active), or is over.

    Attributes:
        time: of the reading, in the clock of the readings (seconds).
        reason: quantity, slope, noise and expected time to the threshold, in words and numbers.
        confidence: 0…1; orders findings, and is no measured frequency.
    """

    transmitter_id: str
    point: str
    kind: Kind
    active: bool
    level: Level
    time: float
    reason: str
    confidence: float


class Detector(Protocol):
    """A kernel for series of one metric whose findings stand by themselves; a module can be one.

    `step` takes one reading of each row of `state`, changes it in place, and returns rows with the fields `level` (0, 1, 2:
    what holds now) and `confidence` (0…1), which `reason` puts in words.
    """

    @property
    def KIND(self) -> Kind: ...  # noqa: N802

    def begin(self, count: int) -> Rows: ...

    def step(self, state: Rows, *, time: Floats, value: Floats) -> Rows: ...

    def reason(self, row: np.void) -> str: ...


def median(one: Floats, two: Floats, *, other: Floats) -> Floats:
    """Of three readings of each series: one odd reading is none."""
    middle: Floats = np.maximum(np.minimum(one, two), np.minimum(np.maximum(one, two), other))
    return middle
