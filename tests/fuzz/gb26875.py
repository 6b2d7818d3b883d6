"""Coverage-guided fuzzing of all that is done with bytes from a device and with JSON lines for `encode`.

    python tests/fuzz/gb26875.py CORPUS -max_total_time=600 -max_len=3300 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1

It needs atheris, which is not among the project's dependencies (no wheels for every Python): `pip install atheris hypothesis pytest`
into a virtual environment of its own. CORPUS is a folder of inputs; one that is not there is made, and starts with the published frames.

What is worth keeping stands in tests/data/gb26875/fuzzed.txt, which every test run replays: inputs of at most 400 bytes, of which
`-set_cover_merge=1` kept the fewest that reach as much (it starts this file anew: make it executable, with the environment's Python
in a first line).

Run so far, as above, on CPython 3.11 with atheris 3.0: 307,954 inputs in 1,001 s, then 157,729 in 781 s from what the first had kept,
beside other work on two cores; 404 edges and 2,273 features were reached. Then, from the seeds, 229,920 inputs in 661 s on commit 0541bb0
and 508,997 in 661 s on commit ca2c4aa. Nothing raised, no input was slow, the most memory was 80 MiB. What did raise before (a text that
looks like our own word for text that is none) was seen by reading; it is a seed now.
"""

import json
import sys
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1] / "signals")]
with atheris.instrument_imports(include=["signals"]):
    from test_gb26875_hostile import KNOWN, TRAP, everything_of_input, meaning


def seeds() -> list[bytes]:
    """Published frames, what they carry, and their members."""
    known = [*KNOWN, TRAP]
    parts = [part for raw in known for part in meaning.parts(raw) if part.frame is not None]
    return [*known, *(part.frame.data for part in parts), *(json.dumps(part.members).encode() for part in parts)]


def main() -> None:
    """Make and seed the corpus where it is not there, then fuzz."""
    folder = Path(sys.argv[1])
    if not folder.name.startswith("-") and not folder.exists():  # a merge starts itself with options only
        folder.mkdir()
        for number, raw in enumerate(seeds()):
            (folder / f"known-{number}").write_bytes(raw)
    atheris.Setup(sys.argv, everything_of_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
