"""PostgreSQL's own client programs, the newest that are installed."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from stack.database import INSTALLED
from stack.errors import BackupError, ProgramMissingError

VERSION_TIMEOUT_SECONDS = 60
PROGRAM_TIMEOUT_SECONDS = 6 * 3600
QUOTED_LINES = 12


def newest_program(name: str, *, server: int, installed: Path = INSTALLED) -> Path:
    """Where the newest `name` is, on PATH or where Debian installs it.

    Args:
        name: such as pg_dump.
        server: version of the server it must be able to read, as PostgreSQL numbers it.
        installed: folder with a folder for each version.

    Raises:
        ProgramMissingError: there is none, or only older ones than the server, which they cannot read.
    """
    on_path = shutil.which(name)
    found = [*([Path(on_path)] if on_path else []), *installed.glob(f"*/bin/{name}")]
    versions = {path: _major(path) for path in found}
    newest = max(found, key=lambda path: versions[path], default=None)
    needed = server // 10_000
    if newest is None or versions[newest] < needed:
        has = f"the newest here is of version {versions[newest]}" if newest else "there is none here"
        raise ProgramMissingError(f"{name} of PostgreSQL {needed} or newer is needed, {has}: install postgresql-client-{needed}")
    return newest


def run_program(name: str, options: Sequence[str], *, url: str, server: int) -> None:
    """Run the newest `name` on the database at `url`, and return when it has ended well.

    Raises:
        BackupError: it failed, with its last words, or took longer than `PROGRAM_TIMEOUT_SECONDS`.
        ProgramMissingError: see `newest_program`.
    """
    program = newest_program(name, server=server)
    given = conninfo_to_dict(url)
    # Not on the command line, where everybody on this machine can read it.
    environment = {**os.environ, **({"PGPASSWORD": str(given["password"])} if given.get("password") else {})}
    target = make_conninfo(**{key: str(value) for key, value in given.items() if key != "password"})
    command = [str(program), f"--dbname={target}", "--no-password", *options]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=PROGRAM_TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BackupError(f"{name} took longer than {PROGRAM_TIMEOUT_SECONDS / 3600:g} h and was ended") from error
    if done.returncode != 0:
        words = "".join(f"\n  {line}" for line in done.stderr.splitlines()[-QUOTED_LINES:])
        raise BackupError(f"{name} failed with status {done.returncode}:{words}")


def _major(program: Path) -> int:
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=VERSION_TIMEOUT_SECONDS)
    found = re.search(r" (\d+)", answer.stdout)
    return int(found[1]) if found else 0
