"""Run the benchmarks and write `bench/results.json` (`name: {value, unit, note}`).

`python -m bench [drain] [latency] [gb26875] [early_warning]`, or `days` by itself: simulated days, for minutes, and no speed.
"""

import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from bench import days, drain, early_warning, early_warning_feed, gb26875_codec, gb26875_server, latency
from bench.measured import BenchError, Measured
from bench.stage import CONDITIONS, stage
from stack.receiver import Receiver

RESULTS = Path(__file__).parent / "results.json"


def main(names: list[str]) -> int:
    """Run those named, or all but the simulated days; each on a stage of its own."""
    found: dict[str, Measured] = {}
    code = 0
    try:
        with Receiver() as receiver:
            for name in names or ("drain", "latency", "gb26875", "early_warning"):
                found |= measured(name, receiver=receiver)
    except BenchError as error:
        print(f"bench: the conditions did not hold: {error}", file=sys.stderr)
        code = 1
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {platform.python_implementation()} {platform.python_version()}"
    print(f"{machine}; {CONDITIONS}")
    results = {name: {**asdict(measured), "value": round(measured.value, 4)} for name, measured in found.items()}
    text = json.dumps(results, indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)
    return code


def measured(name: str, *, receiver: Receiver) -> dict[str, Measured]:
    """The figures of one benchmark.

    Raises:
        BenchError: no such benchmark, or its conditions did not hold.
    """
    if name == "days":
        return days.measure()
    with stage(receiver) as stack:
        match name:
            case "drain":
                return drain.measure(stack)
            case "latency":
                return latency.measure(stack, receiver)
            case "gb26875":
                return gb26875_codec.measure() | gb26875_server.measure(stack)
            case "early_warning":
                return early_warning.measure() | early_warning_feed.measure(stack)
    raise BenchError(f"there is no benchmark {name!r}: drain, latency, gb26875, early_warning, days")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
