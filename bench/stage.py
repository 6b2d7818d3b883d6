"""The stage of all benchmarks: a private stack with fsync and synchronous commit on, and a register of 5,000 transmitters."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.backlog import TRANSMITTERS
from stack.children import Child
from stack.private import WORLD, PrivateStack, PrivateStackSettings
from stack.processes import WANGHUO
from stack.receiver import Receiver

CONDITIONS = (
    "fsync=on, synchronous_commit=on, logged tables, unique index, presence and gap tracking on, 5,000 transmitters,"
    " 2 values per message, one object per message, QoS 1, all on one machine"
)
REGISTER = """
INSERT INTO village VALUES ('bench', 'Bench');
INSERT INTO transmitter (transmitter_id, village_id, class, accepted_on, enrolled_at)
  SELECT 'T' || number, 'bench', 'detector', '2026-01-01', now() FROM generate_series(0, %(transmitters)s - 1) AS number;
"""
ROSTER = '[[officer]]\nname = "officer"\nchannels = ["{channel}"]\n\n[watchdog]\nchannels = ["{channel}"]\n'
WORLD_USER = WORLD


@contextmanager
def stage(receiver: Receiver) -> Iterator[PrivateStack]:
    """A running broker and database with the register, and no service yet."""
    with tempfile.TemporaryDirectory(prefix="wanghuo-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        roster = folder / "roster.toml"
        roster.write_text(ROSTER.format(channel=receiver.channel), encoding="utf-8")
        settings = PrivateStackSettings(
            folder=folder,
            roster=roster,
            world=True,
            parameters={"track_commit_timestamp": "on"},
            variables={"log_level": "WARNING"},
        )
        with PrivateStack(settings) as stack:
            with psycopg.connect(stack.database_url("wanghuo_registry")) as connection:
                connection.execute(REGISTER.replace("%(transmitters)s", str(TRANSMITTERS)).encode())
            yield stack


@contextmanager
def flooded(stack: PrivateStack, *, rate: float, seconds: float, wide: bool = False) -> Iterator[None]:
    """A process of its own floods the broker, for so long at most."""
    child = Child("flood", log=stack.folder / "flood.log")
    command = [*WANGHUO[:1], "-m", "bench.flood", str(stack.broker.port), str(rate), str(seconds), *(["wide"] if wide else [])]
    child.start(command, environment={"PATH": "/usr/bin:/bin", "BENCH_PASSWORD": stack.password(WORLD_USER)})
    try:
        yield
    finally:
        child.kill()


def resident_mebibytes(pid: int) -> float:
    """The most memory that a process ever held, MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    kibibytes = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kibibytes / 1024


def processor_seconds(pid: int) -> float:
    """The processor time that a process has taken, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
