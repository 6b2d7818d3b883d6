"""A real service, a webhook and a dead-man switch around the watchdog."""

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest
from alarm_world import TIMEOUT_SECONDS

from alerts import watch
from alerts import watchdog as watchdog_module
from alerts.channels import HEADER, spare_loopback
from alerts.roster import RosterFile
from alerts.watchdog import Watchdog
from alerts.watchdog_settings import WatchdogSettings
from runtime.errors import ConfigurationError
from runtime.health import Health, serve
from runtime.settings import load
from stack.ports import free_port
from stack.receiver import Receiver

BEGIN = datetime(2025, 3, 1, 6, 0, tzinfo=UTC)
A, B = "http://a:1", "http://b:2"


class Service:
    """A service that can be told what to say of itself; /healthz is runtime's own."""

    def __init__(self) -> None:
        self.connected = True
        self.age = 0.0
        self.health = Health("ingest-signal")
        self.turning()
        self.health.facts["connected"] = lambda: self.connected
        self.health.facts["last_commit_age_seconds"] = lambda: self.age
        self.port = free_port()
        self._stop = serve(self.health, host="127.0.0.1", port=self.port)
        self.url = f"http://127.0.0.1:{self.port}"

    def turning(self, *, well: bool = True) -> None:
        self.health._turned = math.inf if well else -math.inf

    def stop(self) -> None:
        self._stop()


class Switch:
    """A dead-man switch: counts GETs."""

    def __init__(self) -> None:
        self.beats = 0
        self.status = 200
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                switch.beats += 1
                self.send_response(switch.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/ping"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    yield made
    with suppress(OSError):
        made.stop()


@pytest.fixture
def switch() -> Iterator[Switch]:
    made = Switch()
    yield made
    made.stop()


@pytest.fixture
def quick(monkeypatch) -> None:
    monkeypatch.setattr(watchdog_module, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(watchdog_module, "PAGE_AGAIN_FIRST_SECONDS", 0.02)
    monkeypatch.setattr(watchdog_module, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(watchdog_module, "HEARTBEAT_AGAIN_SECONDS", 0.02)


@pytest.fixture
def no_environment(monkeypatch) -> None:
    """No variable of ours, and a proxy that does not exist."""
    for name in [name for name in os.environ if name.startswith("WANGHUO_") or name.lower() == "no_proxy"]:
        monkeypatch.delenv(name)
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "example.org")
    monkeypatch.setenv("NO_PROXY", "example.org")


@asynccontextmanager
async def watching(*urls: str, roster: Any, channel: str, heartbeat: str | None = None, offset: list[timedelta] | None = None):
    ahead = offset or [timedelta(0)]
    roster.write_text(f'[[officer]]\nname = "wang"\nchannels = ["{channel}"]\n')
    settings = WatchdogSettings(watched_urls=",".join(urls), roster_file=roster, heartbeat_url=heartbeat)
    watchdog = Watchdog(settings, roster=RosterFile(roster), now=lambda: datetime.now(UTC) + ahead[0])
    health = Health("watchdog")
    watchdog.tell(health)
    task = asyncio.create_task(watchdog.run())
    yield watchdog, health
    assert not task.done()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def until(reached) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached():
            await asyncio.sleep(0.02)


async def test_people_are_paged_when_nothing_is_committed_and_when_it_is_over(service, quick, no_environment, tmp_path) -> None:
    spare_loopback()
    offset = [timedelta(0)]
    with Receiver() as pager:
        async with watching(service.url, roster=tmp_path / "r.toml", channel=pager.channel, offset=offset) as (watchdog, health):
            await until(lambda: watchdog.state.all_well)
            service.age = 42.0
            offset[0] += timedelta(seconds=42)
            await until(lambda: len(pager.deliveries) == 1)
            assert health.report()["blind"] == {"ingest-signal": "no commit for 42 s"}
            assert health.report()["ready"] is True
            service.age = 0.0
            await until(lambda: len(pager.deliveries) == 2)
    blind, over = pager.deliveries
    assert blind.title == "【望火失明】the watch is blind: ingest-signal"
    assert "no commit for 42 s" in blind.message
    assert over.title == "【望火复明】the watch sees again: ingest-signal"
    assert blind.headers[HEADER] != over.headers[HEADER]


async def test_a_service_that_ends_a_stuck_one_and_one_that_hears_nothing(service, quick, no_environment, tmp_path) -> None:
    spare_loopback()
    offset = [timedelta(0)]
    with Receiver() as pager:
        async with watching(service.url, roster=tmp_path / "r.toml", channel=pager.channel, offset=offset) as (watchdog, _):
            for number, (break_it, mend_it, complaint) in enumerate(
                [
                    (lambda: setattr(service, "connected", False), lambda: setattr(service, "connected", True), "no connection"),
                    (lambda: service.turning(well=False), service.turning, "stuck"),
                    (service.stop, lambda: None, "unreachable"),
                ],
                1,
            ):
                await until(lambda: watchdog.state.all_well)
                break_it()
                await until(lambda complaint=complaint: complaint in watchdog.state.services[service.url].complaint)
                offset[0] += timedelta(seconds=31)
                await until(lambda number=number: len(pager.deliveries) == 2 * number - 1)
                assert complaint in pager.deliveries[-1].message
                mend_it()
                if complaint != "unreachable":
                    await until(lambda number=number: len(pager.deliveries) == 2 * number)


async def test_a_page_that_nobody_takes_is_tried_again_under_the_same_id_and_said_in_health(service, quick, tmp_path) -> None:
    statuses = [500, 500, 200]
    with Receiver(lambda: statuses.pop(0) if len(statuses) > 1 else statuses[0]) as pager:
        service.age = 50.0
        offset = [timedelta(0)]
        async with watching(service.url, roster=tmp_path / "r.toml", channel=pager.channel, offset=offset) as (_, health):
            offset[0] += timedelta(seconds=50)
            await until(lambda: "nobody took the page" in str(health.problems()))
            await until(lambda: len(pager.deliveries) == 1)
            await until(lambda: health.problems() == {})
    assert statuses == [200]


async def test_the_dead_man_switch_hears_of_us_only_while_everything_is_well(
    service, switch, quick, no_environment, tmp_path
) -> None:
    spare_loopback()
    service.connected = False
    with Receiver() as pager:
        async with watching(service.url, roster=tmp_path / "r.toml", channel=pager.channel, heartbeat=switch.url) as (watchdog, _):
            await until(lambda: watchdog.state.services[service.url].complaint == "no connection to the broker")
            assert switch.beats == 0
            service.connected = True
            await until(lambda: switch.beats > 3)
            service.connected = False
            await until(lambda: not watchdog.state.all_well)
            looked = watchdog.state
            await until(lambda: watchdog.state is not looked)
            beats = switch.beats
            for _ in range(3):
                looked = watchdog.state
                await until(lambda looked=looked: watchdog.state is not looked)
            assert switch.beats == beats
            service.connected = True
            await until(lambda: switch.beats > beats)
            switch.status = 500
            await until(lambda: switch.beats > beats + 3)


@contextmanager
def process(**environment: str) -> Iterator[subprocess.Popen[str]]:
    script = "import typer; from alerts.watchdog_commands import register; app = typer.Typer(); register(app); app()"
    variables = {f"WANGHUO_{name.upper()}": value for name, value in environment.items()}
    started = subprocess.Popen(
        [sys.executable, "-c", script],
        env={"WANGHUO_ENVIRONMENT_FILE": "/nonexistent", **variables},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stderr is not None
        started.stderr.close()


def test_the_command_is_ready_needs_neither_database_nor_broker_and_ends_in_order(service, tmp_path) -> None:
    roster, port = tmp_path / "roster.toml", free_port()
    roster.write_text('[[officer]]\nname = "wang"\nchannels = ["json://127.0.0.1:1/"]\n')
    with process(watched_urls=service.url, roster_file=str(roster), watchdog_http_port=str(port)) as running:
        report: dict[str, Any] = {}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not report:
            assert running.poll() is None
            assert time.monotonic() < deadline
            with suppress(URLError), build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/readyz", timeout=10) as found:
                report = json.load(found)
            time.sleep(0.02)
        assert (report["service"], report["ready"], report["blind"]) == ("watchdog", True, {})
        running.send_signal(signal.SIGTERM)
        assert running.wait(TIMEOUT_SECONDS) == 0


def test_a_broken_roster_keeps_it_from_starting(service, tmp_path) -> None:
    roster = tmp_path / "roster.toml"
    roster.write_text("[[officer]]")
    with process(watched_urls=service.url, roster_file=str(roster), watchdog_http_port=str(free_port())) as running:
        _, said = running.communicate(timeout=TIMEOUT_SECONDS)
    assert running.returncode == 2
    assert "officer 1 name" in said


def test_all_mistakes_of_the_settings_are_named_at_once(no_environment, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANGHUO_WATCHED_URLS", "http://a:9101/, ftp://b")
    monkeypatch.setenv("WANGHUO_HEARTBEAT_URL", "nowhere")
    with pytest.raises(ConfigurationError) as caught:
        load(WatchdogSettings)
    assert [name in str(caught.value) for name in ("WATCHED_URLS", "ROSTER_FILE", "HEARTBEAT_URL")] == [True] * 3
    monkeypatch.setenv("WANGHUO_WATCHED_URLS", "http://a:9101/, https://b/x")
    monkeypatch.delenv("WANGHUO_HEARTBEAT_URL")
    monkeypatch.setenv("WANGHUO_ROSTER_FILE", str(tmp_path))
    assert load(WatchdogSettings).watched_urls == ("http://a:9101", "https://b/x")
    assert watch.begin(load(WatchdogSettings).watched_urls, at=BEGIN).services.keys() == {"http://a:9101", "https://b/x"}
