"""`wanghuo commands …` as an operator types it, each in a process of its own."""

import asyncio
import json
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from alarm_world import World, signal

from alerts.downward.requests import take_up

GB26875 = "INSERT INTO gb26875_device (transmitter_id, address) VALUES ('T1', '385b01000000')"


@pytest.fixture
def shell(wanghuo):
    """Run a command of `wanghuo commands`."""
    return partial(wanghuo, "commands")


@asynccontextmanager
async def a_device(world: World, *replies: dict[str, Any]):
    """T1 speaks GB/T 26875.3, requests are taken up, and it replies to the first command."""
    world.rows(GB26875)

    async def serve() -> None:
        async with world.alerts() as connection:
            while not world.rows("SELECT 1 FROM command"):
                async with connection.transaction():
                    await take_up(connection, at=datetime.now(UTC))
                await asyncio.sleep(0.02)
        (row,) = world.rows("SELECT command_id, state FROM command")
        async with world.worker() as (worker, connection):
            for seq, reply in enumerate(replies if row["state"] == "due" else (), 1):
                detail = {"to": str(row["command_id"]), "ok": True, **reply}
                now = datetime.now(UTC)
                world.store(signal(None, **{"class": "reply"}, seq=seq, detail=detail, received_at=now, occurred_at=now))
                await worker.turn(connection)

    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(serve())
        yield
        serving.cancel()


async def test_a_query_is_sent_followed_and_answered(world, shell):
    version = {"answer": {"type": 85, "objects": [{"major": 1, "minor": 3}]}}
    async with a_device(world, {"stage": "sent"}, {"stage": "answered", **version}):
        said = await shell("send", "T1", "query", "what=device_version", "--operator", "wang")
    assert said.status == 0, said.err
    assert said.out.splitlines()[0] == "sent"
    assert said.out.splitlines()[-1].startswith("answered after 0.")
    assert '"minor": 3' in said.out
    (listed,) = json.loads((await shell("list", "--json")).out)
    assert (listed["name"], listed["state"], listed["requested_by"]) == ("query", "answered", "wang")
    assert "已应答 answered" in (await shell("list", "--transmitter", "T1")).out
    assert (await shell("list", "--transmitter", "T2")).out == "no commands\n"
    shown = await shell("show", listed["command_id"])
    assert "query what=device_version" in shown.out
    assert '"minor": 3' in shown.out


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["T1", "query", "what=weather"], "'weather' is none of"),
        (["T9", "query", "what=status"], "there is no transmitter T9"),
        (["T1", "query", "status"], "member=value"),
        (["T1", "query", "what=device_version", "--operator", "centre"], "cannot be an operator"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_sentence(world, shell, arguments, named):
    async with a_device(world):
        said = await shell("send", *arguments)
    assert (said.status, said.out) == (1, "")
    assert named in said.err
    assert said.err.startswith("wanghuo: ")
    assert said.err.count("\n") == 1


async def test_a_command_that_fails_says_why(world, shell):
    async with a_device(world, {"stage": "failed", "ok": False, "silent": True, "text": "no answer within 10 s, said 4 times"}):
        said = await shell("send", "T1", "duty_check", "deadline_seconds=60")
    assert said.status == 1
    assert "no answer within 10 s, said 4 times" in said.err
    (row,) = world.rows("SELECT expires_at - issued_at AS worth FROM command")
    assert row["worth"].total_seconds() == pytest.approx(60, abs=1)


async def test_nobody_is_initialised_without_being_asked_again(world, shell):
    said = await shell("send", "T1", "initialise", "--no-wait", typed="n\n")
    assert (said.status, world.rows("SELECT 1 FROM command_request")) == (1, [])
    said = await shell("send", "T1", "initialise", "--no-wait", "--json", typed="y\n")
    assert said.status == 0
    assert world.rows("SELECT name FROM command_request") == [{"name": "initialise"}]
    assert '"state": "requested"' in said.out


async def test_without_the_service_it_says_that_nobody_took_it_up(world, shell):
    hasty = "from alerts.downward import shell; shell.TAKEN_UP_WITHIN_SECONDS = 0.5"
    said = await shell("send", "T1", "query", "what=status", "--expires", "3600", before=hasty)
    assert said.status == 1
    assert "is requested and nothing more came of it: the alerts or ingest service does not run" in said.err


@pytest.mark.parametrize(("name", "sentence"), [("7", "no id of a command"), (str(uuid.UUID(int=7)), "there is no command")])
async def test_an_unknown_command_is_named(world, shell, name, sentence):
    said = await shell("show", name)
    assert said.status == 1
    assert sentence in said.err
