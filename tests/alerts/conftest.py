import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from alarm_world import TIMEOUT_SECONDS, World
from office import Clock, Office


@pytest.fixture
def world(database) -> World:
    return World(database)


@pytest.fixture
def office(world, tmp_path) -> Office:
    return Office(world, tmp_path / "roster.toml", Clock(datetime.now(UTC)))


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str


@pytest.fixture
def wanghuo(world) -> Callable[..., Awaitable[Said]]:
    """Run `wanghuo` as an operator of this world does, in a process of its own."""
    environment = {
        **os.environ,
        "WANGHUO_ENVIRONMENT_FILE": os.devnull,
        "WANGHUO_READER_DATABASE_URL": world.database.url("wanghuo_reader"),
        "WANGHUO_CONSOLE_DATABASE_URL": world.database.url("wanghuo_console"),
    }

    async def run(*arguments: str, typed: str = "", before: str = "") -> Said:
        """`before`: a statement of Python that changes something in the program."""
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-c", f"{before}\nfrom stack.cli import main; main()", *arguments],
            env=environment,
            timeout=TIMEOUT_SECONDS,
            check=False,
            capture_output=True,
            text=True,
            input=typed,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run
