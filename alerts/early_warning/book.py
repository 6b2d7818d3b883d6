"""The book of points: their numbers, names, zones and sensitivities."""

import numpy as np

from alerts.early_warning.combination import NO_ZONE

SENSITIVITY_LARGEST = 100.0
FEWEST = 16


class Book:
    """Points are numbered as they are first named, and keep their number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._names: list[str] = []
        self.zones = np.full(FEWEST, NO_ZONE, np.int32)
        self.sensitivity = np.ones(FEWEST)
        """By point; the limits of its evidence are divided by it."""

    def __len__(self) -> int:
        return len(self._names)

    def number(self, transmitter_id: str, point: str) -> int:
        """The point's number, a new one where it has none."""
        name = f"{transmitter_id}\0{point}"
        known = self._numbers.get(name)
        if known is None:
            known = self._numbers[name] = len(self._names)
            self._names.append(name)
            if known >= len(self.zones):
                self.zones = np.concatenate((self.zones, np.full(len(self.zones), NO_ZONE, np.int32)))
                self.sensitivity = np.concatenate((self.sensitivity, np.ones(len(self.sensitivity))))
        return known

    def find(self, transmitter_id: str, point: str) -> int | None:
        """The point's number, None where it was never named."""
        return self._numbers.get(f"{transmitter_id}\0{point}")

    def name(self, number: int) -> tuple[str, str]:
        """Transmitter and point."""
        transmitter_id, _, point = self._names[number].partition("\0")
        return transmitter_id, point

    def zone_of(self, number: int) -> int:
        """The point's zone, or NO_ZONE."""
        return int(self.zones[number])

    def place(self, number: int, *, zone: int) -> None:
        """Put a point into a zone, or (NO_ZONE) into none."""
        self.zones[number] = zone

    def desensitise(self, number: int, *, sensitivity: float) -> None:
        """Ask for more, or less, of a point before it warns: 1 is ordinary. Its fixed threshold is never touched.

        Raises:
            ValueError: not above 0, or beyond any sense.
        """
        if not 0 < sensitivity <= SENSITIVITY_LARGEST:
            raise ValueError(f"a point's sensitivity lies above 0 and at most at {SENSITIVITY_LARGEST:g}, not at {sensitivity:g}")
        self.sensitivity[number] = sensitivity

    @property
    def bytes(self) -> int:
        """Memory of the arrays; the names take what Python's strings and a dictionary take."""
        return self.zones.nbytes + self.sensitivity.nbytes
