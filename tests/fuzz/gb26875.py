"""Coverage-guided fuzzing of all that is done with bytes from a device: `python tests/fuzz/gb26875.py CORPUS -max_total_time=600`.

It needs atheris, which is not among the project's dependencies (no wheels for every Python): `pip install atheris` into a virtual
environment of its own, with the project and hypothesis importable. CORPUS is a folder of inputs; it starts with the published frames.
What is worth keeping goes into tests/data/gb26875/fuzzed.txt, which every test run replays.
"""

import json
import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "signals")]
with atheris.instrument_imports(include=["signals"]):
    from test_gb26875_hostile import KNOWN, TRAP, everything, everything_of_members, everything_of_unit, found_in, meaning, plain


def one_input(data: bytes) -> None:
    """As a stream, whole and in two halves; as what a frame carries; as a line of JSON."""
    everything(data)
    half = len(data) // 2
    assert plain(found_in([data[:half], data[half:]])) == plain(found_in([data]))
    everything_of_unit(data[:1024])
    if data.startswith(b"{"):
        everything_of_members(data)


def seeds() -> list[bytes]:
    """Published frames, what they carry, and their members."""
    known = [*KNOWN, TRAP]
    parts = [part for raw in known for part in meaning.parts(raw) if part.frame is not None]
    return [*known, *(part.frame.data for part in parts), *(json.dumps(part.members).encode() for part in parts)]


def main() -> None:
    """Seed an empty corpus, then fuzz."""
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    if not any(folder.iterdir()):
        for number, raw in enumerate(seeds()):
            (folder / f"known-{number}").write_bytes(raw)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
