"""Telemetry of one batch in few bytes: the hand-over from ingest to early warning (`telemetry_inbox.packed`).

Layout, little-endian: magic b"WT01"; u32 length of the series names, u32 number of readings; the names (UTF-8: transmitter
and point in turn, joined by U+0000, which neither can hold); then three columns, one entry a reading: u32 series, f64 time
(Unix seconds, device clock or receive time), u32 mask of metrics; then, for every reading in turn, f64 for each bit of its
mask, lowest first (bit n is `METRICS[n]`).
"""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

import numpy as np
import numpy.typing as npt

from signals.metrics import METRIC_INDEX, METRICS

_HEAD = Struct("<4sII")
_MAGIC = b"WT01"


class Packer:
    """Collects the readings of one batch."""

    __slots__ = ("_masks", "_series", "_series_of", "_times", "_values")

    def __init__(self) -> None:
        self._series_of: dict[str, int] = {}
        self._series = array("I")
        self._times = array("d")
        self._masks = array("I")
        self._values = array("d")

    def __len__(self) -> int:
        return len(self._series)

    @property
    def times(self) -> Sequence[float]:
        """The times of the readings, Unix seconds."""
        return self._times

    def add(self, series: str, time: float, *, values: Mapping[str, float]) -> None:
        """Add a reading of `series` (transmitter, U+0000, point) at `time` (Unix seconds)."""
        ordered = sorted((METRIC_INDEX[metric], value) for metric, value in values.items())
        self.add_ordered(series, time, mask=sum(1 << index for index, _ in ordered), values=[value for _, value in ordered])

    def add_ordered(self, series: str, time: float, *, mask: int, values: Sequence[float]) -> None:
        """Add a reading whose mask of metrics is known, with its values in the order of `METRICS`."""
        series_of = self._series_of
        self._series.append(series_of.setdefault(series, len(series_of)))
        self._times.append(time)
        self._masks.append(mask)
        self._values.extend(values)

    def only(self, kept: Sequence[bool]) -> "Packer":
        """The readings whose place is True in `kept`, which has a place for each."""
        chosen = Packer()
        names = list(self._series_of)
        offset = 0
        for series, time, mask, keep in zip(self._series, self._times, self._masks, kept, strict=True):
            end = offset + mask.bit_count()
            if keep:
                chosen.add_ordered(names[series], time, mask=mask, values=self._values[offset:end])
            offset = end
        return chosen

    def packed(self) -> bytes:
        """The batch as bytes."""
        names = "\0".join(self._series_of).encode()
        columns = (self._series, self._times, self._masks, self._values)
        return b"".join((_HEAD.pack(_MAGIC, len(names), len(self)), names, *(column.tobytes() for column in columns)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """A batch as it comes out again: a row for every value, in the order they were added.

    Attributes:
        names: of the series, (transmitter, point).
        series: place of the value's series in `names`.
        metrics: place of its metric in `METRICS`.
        times: Unix seconds.
    """

    names: Sequence[tuple[str, str]]
    series: npt.NDArray[np.int64]
    metrics: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


def unpack(packed: bytes) -> Columns:
    """The values of a batch.

    Raises:
        ValueError: not a batch of this layout.
    """
    if packed[: len(_MAGIC)] != _MAGIC or len(packed) < _HEAD.size:
        raise ValueError(f"a batch begins with {_MAGIC!r}, this one with {packed[: _HEAD.size]!r}")
    _, names_length, count = _HEAD.unpack_from(packed)
    offset = _HEAD.size + names_length
    words = packed[_HEAD.size : offset].decode().split("\0") if names_length else []
    columns: list[npt.NDArray[Any]] = []
    for kind in ("<u4", "<f8", "<u4"):
        columns.append(np.frombuffer(packed, kind, count, offset))
        offset += columns[-1].nbytes
    series, times, masks = columns
    rows, metrics = np.nonzero(masks[:, None] >> np.arange(len(METRICS), dtype=np.uint32) & 1)
    values = np.frombuffer(packed, "<f8", -1, offset) if offset < len(packed) else np.zeros(0)
    if len(values) != len(rows) or len(words) % 2 or (count and int(series.max()) >= len(words) // 2):
        raise ValueError(f"a batch of {count} readings does not fit into {len(packed)} bytes")
    names = list(zip(words[::2], words[1::2], strict=True))
    return Columns(names=names, series=series[rows].astype(np.int64), metrics=metrics, times=times[rows], values=values)
