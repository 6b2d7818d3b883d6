"""The codec of GB/T 26875.3 on one core: a stream of frames to decoded units, and units to frames."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.measured import Measured
from signals.gb26875 import content
from signals.gb26875.frames import Frame, Receiver, read_one

DATA = Path(__file__).parents[1] / "tests" / "data" / "gb26875"
TIMES = 400
"""How often all of the frames stand in the stream."""
CHUNK_BYTES = 64 * 1024
RUNS = 5


def measure() -> dict[str, Measured]:
    """Both ways, the median of some runs."""
    frames = _frames()
    stream = b"".join(raw for raw in frames) * TIMES
    count = len(frames) * TIMES
    units = [(frame, content.decode(frame.data)) for frame in map(_read, frames)]
    note = f"{len(frames)} different frames (captured ones that keep to the standard, one of each type after it), {TIMES} times"
    found = {}
    for name, work in (("decode", lambda: _decode(stream, count=count)), ("encode", lambda: _encode(units))):
        seconds = median(_timed(work) for _ in range(RUNS))
        found[f"gb26875_{name}_frames_per_second"] = Measured(value=count / seconds, unit="frames/s", note=note)
        found[f"gb26875_{name}_mb_per_second"] = Measured(value=len(stream) / seconds / 1e6, unit="MB/s", note=note)
    return found


def _decode(stream: bytes, *, count: int) -> None:
    receiver, seen = Receiver(), 0
    for offset in range(0, len(stream), CHUNK_BYTES):
        for part in receiver.feed(stream[offset : offset + CHUNK_BYTES]):
            assert isinstance(part, Frame)
            content.decode(part.data)
            seen += 1
    assert seen == count


def _encode(units: list[tuple[Frame, dict[str, object]]]) -> None:
    for _ in range(TIMES):
        for frame, unit in units:
            frame._replace(data=content.encode(unit)).encode()


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _read(raw: bytes) -> Frame:
    frame = read_one(raw)
    assert frame is not None
    return frame


def _frames() -> list[bytes]:
    vectors = map(json.loads, (DATA / "vectors.jsonl").read_text(encoding="utf-8").splitlines())
    captured = [bytes.fromhex(vector["hex"]) for vector in vectors if vector["conformance"] == "conformant"]
    return captured + [bytes.fromhex(line) for line in (DATA / "synthetic.txt").read_text(encoding="utf-8").split()]
