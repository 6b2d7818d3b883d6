"""`wanghuo alerts` as a process: everything together, killed, started again, told to end."""

import asyncio
import json
import os
import signal as signals
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, create_subprocess_exec
from contextlib import asynccontextmanager

import aiomqtt
import pytest
from alarm_world import TIMEOUT_SECONDS, signal

from runtime.broker_accounts import BrokerAccount
from stack.ports import free_port

ROSTER = """
[[officer]]
name = "王"
channels = ["json://127.0.0.1:9/"]
"""


@pytest.fixture
def environment(world, broker, tmp_path) -> dict[str, str]:
    """Of the service and of the shell beside it."""
    roster = tmp_path / "roster.toml"
    roster.write_text(ROSTER, encoding="utf-8")
    settings = {
        "ENVIRONMENT_FILE": os.devnull,
        "ALERTS_DATABASE_URL": world.database.url("wanghuo_alerts"),
        "CONSOLE_DATABASE_URL": world.database.url("wanghuo_console"),
        "READER_DATABASE_URL": world.database.url("wanghuo_reader"),
        "BROKER_URL": broker.url,
        "ALERTS_BROKER_PASSWORD": broker.passwords[BrokerAccount.ALERTS],
        "ROSTER_FILE": str(roster),
        "ALERTS_HTTP_PORT": str(free_port()),
    }
    return {**os.environ, **{f"WANGHUO_{name}": value for name, value in settings.items()}}


async def wanghuo(*arguments: str, environment: dict[str, str]):
    """Start `wanghuo`."""
    return await create_subprocess_exec(sys.executable, "-m", "stack.cli", *arguments, env=environment, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def service(environment: dict[str, str], **more: str):
    process = await wanghuo("alerts", environment={**environment, **more})
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def siren(broker):
    name = BrokerAccount.SIRENS
    client = aiomqtt.Client(
        broker.host, broker.port, username=name, password=broker.passwords[name], protocol=aiomqtt.ProtocolVersion.V5
    )
    async with client:
        await client.subscribe("wanghuo/out/v1/alarm/V1", qos=1)
        yield client.messages


def _get(environment: dict[str, str], path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{environment['WANGHUO_ALERTS_HTTP_PORT']}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode()
    except OSError:
        return 0, ""


async def got(environment: dict[str, str], path: str, *, status: int = 200) -> str:
    """The page, once it has this status."""
    while True:
        found, text = await asyncio.to_thread(_get, environment, path)
        if found == status:
            return text
        await asyncio.sleep(0.05)


async def test_from_a_stored_signal_to_siren_shell_and_metrics(world, broker, environment) -> None:
    world.store(signal("fire_alarm", seq=1))
    async with service(environment) as process, siren(broker) as messages:
        told = json.loads((await anext(messages)).payload)
        assert (told["event"], told["kind"], told["annunciate"]) == ("raised", "fire_alarm", True)
        acknowledging = await wanghuo("alarms", "acknowledge", "1", "--operator", "zhao", environment=environment)
        out, err = await acknowledging.communicate()
        assert out.decode() == "alarm 1 is acknowledged by zhao\n", err.decode()
        assert json.loads((await anext(messages)).payload)["event"] == "acknowledged"
        health = json.loads(await got(environment, "/readyz"))
        assert health["connected"] is True
        assert health["last_commit_age_seconds"] < TIMEOUT_SECONDS
        metrics = await got(environment, "/metrics")
        for line in (
            'wanghuo_alarms_raised_total{kind="fire_alarm"} 1.0',
            "wanghuo_alarm_latency_seconds_count 1.0",
            "wanghuo_orders_obeyed_total 1.0",
            "wanghuo_signals_poisonous_total 0.0",
        ):
            assert line in metrics
        await world.until("SELECT 1 FROM notification WHERE recipient = '王'")
        process.send_signal(signals.SIGTERM)
        assert await process.wait() == 0


async def test_killed_between_publishing_and_forgetting_it_says_the_same_again_under_the_same_id(
    world, broker, environment
) -> None:
    world.store(signal("fire_alarm", seq=1))
    async with siren(broker) as messages:
        async with service(environment, WANGHUO_FAILPOINT="alerts.published") as process:
            first = json.loads((await anext(messages)).payload)
            assert await process.wait() == -signals.SIGKILL
        async with service(environment):
            second = json.loads((await anext(messages)).payload)
            await world.until("SELECT 1 WHERE NOT EXISTS (SELECT FROM alarm_publication)")
    assert first == second
    assert len(world.alarms()) == 1


async def test_with_the_database_away_it_starts_says_so_and_works_when_it_comes(world, broker, environment) -> None:
    await asyncio.to_thread(world.database.server.stop)
    async with service(environment):
        assert "database" in json.loads(await got(environment, "/readyz", status=503))["problems"]
        await asyncio.to_thread(world.database.server.start)
        world.store(signal("fire_alarm", seq=1))
        await world.until("SELECT 1 FROM alarm")
        await got(environment, "/readyz")


async def test_a_missing_configuration_is_named_whole_with_status_2() -> None:
    process = await wanghuo("alerts", environment={"WANGHUO_ENVIRONMENT_FILE": os.devnull})
    _, err = await process.communicate()
    assert process.returncode == 2
    for name in ("BROKER_URL", "ALERTS_DATABASE_URL", "ALERTS_BROKER_PASSWORD", "ROSTER_FILE"):
        assert f"WANGHUO_{name}" in err.decode()
