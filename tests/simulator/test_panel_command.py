"""A panel on the shell."""

import asyncio
import threading

import pytest
import typer
from typer.testing import CliRunner

from runtime.errors import ConfigurationError
from signals.gb26875.profiles import PROFILES
from simulator.commands import register
from simulator.ledger import Ledger
from simulator.panel_tasks import manner_of
from tests.simulator.panel_centre import TIMEOUT_SECONDS, panel_centre


def run(*arguments):
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["simulator", "panel", *map(str, arguments)])


@pytest.fixture
def centre():
    """A centre in a thread of its own, because a command takes the whole main thread."""
    started, found = threading.Event(), {}

    async def listen():
        found["stopping"], found["loop"] = asyncio.Event(), asyncio.get_running_loop()
        async with panel_centre() as made:
            found["centre"] = made
            started.set()
            await found["stopping"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(listen()))
    thread.start()
    assert started.wait(TIMEOUT_SECONDS)
    yield found["centre"]
    found["loop"].call_soon_threadsafe(found["stopping"].set)
    thread.join(TIMEOUT_SECONDS)


def test_a_panel_plays_a_scenario_and_says_captured_frames(centre, tmp_path):
    file = tmp_path / "ledger.jsonl"
    where = ("--address", "88888", "--to", f"127.0.0.1:{centre.port}", "--points", 30, "--duration", 1, "--ledger", file)
    result = run("C1", "alarm_storm", "--captured", *where)
    assert result.exit_code == 0, result.output
    ledger = Ledger.read(file)
    said = len(ledger.entries)
    assert f"C1 said {said} frames, {said} confirmed by the centre" in result.output
    assert {frame.source.hex() for frame in centre.heard} == {"385b01000000"}
    stated = centre.stated()
    assert "酒店负一层肉类加工间" in {one.get("text") for one in stated}
    assert sum("fire" in one["status"] for one in stated) >= 33, "30 points and three captured fires"
    assert sum(unit["type"] == 24 for unit in centre.units()) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (["--to", "nowhere"], "is no HOST:PORT"),
        (["--address", "?"], "is no address of GB/T 26875.3"),
        (["--profile", "odd"], "there is no profile 'odd'"),
        (["no_such_scenario"], "no scenario no_such_scenario"),
    ],
)
def test_what_cannot_be_played_is_named(wrong, why):
    result = run("C1", "--address", "88888", "--duration", 1, *wrong)
    assert isinstance(result.exception, ConfigurationError)
    assert why in str(result.exception)


def test_a_panel_shows_that_it_is_there_as_its_profile_has_it():
    beats = {name: manner_of(profile).heartbeat for name, profile in PROFILES.items()}
    assert beats["strict"] is None
    assert beats["standard"] == b""
    for name, profile in PROFILES.items():
        assert beats[name] is None or beats[name] in {b"", *profile.heartbeats}
