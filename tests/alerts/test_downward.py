"""Commands: asked for, refused, moved on by replies, given up; and what rings when nobody answers."""

import uuid
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from alarm_world import AT, World, later, signal
from psycopg.types.json import Jsonb

from alerts.conclusions import conclude
from alerts.downward.outcomes import expire
from alerts.downward.requests import ask_for_clocks, take_up
from alerts.downward.shell import content_of
from runtime.errors import Refused

GB26875 = "INSERT INTO gb26875_device (transmitter_id, address) VALUES ('T1', '385b01000000')"
WINDOW = 300


@pytest.fixture
def by_frames(world: World) -> World:
    """A world in which T1 speaks GB/T 26875.3."""
    world.rows(GB26875)
    return world


def request(world: World, name: str, transmitter: str = "T1", *, lasts: float = WINDOW, **content: Any) -> uuid.UUID:
    """An operator asks, at `AT`."""
    request_id = uuid.uuid4()
    with psycopg.connect(world.database.url("wanghuo_console"), autocommit=True) as connection:
        connection.execute(
            "INSERT INTO command_request (request_id, transmitter_id, name, content, requested_by, requested_at, expires_at)"
            " VALUES (%s, %s, %s, %s, 'wang', %s, %s)",
            [request_id, transmitter, name, Jsonb(content), AT, later(lasts)],
        )
    return request_id


async def taken_up(world: World, *, second: float = 0.5) -> int:
    async with world.alerts() as connection, connection.transaction():
        return await take_up(connection, at=later(second))


async def asked(world: World, name: str = "duty_check", transmitter: str = "T1", **content: Any) -> str:
    """A command that is due."""
    command_id = request(world, name, transmitter, **content)
    await taken_up(world)
    return str(command_id)


async def hears(world: World, *told: dict[str, Any], transmitter: str = "T1", first: int = 1) -> None:
    """The transmitter replies, a second after another; each is concluded."""
    replies = [
        signal(None, **{"class": "reply"}, seq=seq, transmitter_id=transmitter, detail=detail)
        for seq, detail in enumerate(told, first)
    ]
    await concluded(world, *replies)


async def concluded(world: World, *signals: dict[str, Any]) -> None:
    async with world.worker() as (worker, connection):
        world.store(*signals)
        await worker.turn(connection)


async def given_up(world: World, *, second: float) -> None:
    async with world.alerts() as connection, connection.transaction():
        found = await expire(connection, at=later(second))
        await conclude(connection, found, roster=world.roster, at=later(second))


def pressed(seq: int) -> dict[str, Any]:
    """The key of the person on duty, at second `seq`."""
    return signal(None, **{"class": "report"}, seq=seq, boot=None, point="", detail={"duty_answer": True, "operator": 3})


def hearing_until(world: World, second: float, *, lane: str) -> None:
    world.rows(
        "INSERT INTO ingest_uptime (lane, up_from, heard_until) VALUES (%s, %s, %s)", lane, AT - timedelta(hours=1), later(second)
    )


def command(world: World, *columns: str) -> tuple[Any, ...]:
    (row,) = world.rows(f"SELECT {', '.join(columns)} FROM command")
    return tuple(row.values())


def alarms(world: World) -> list[tuple[str, str]]:
    return [(row["kind"], row["handling"]) for row in world.alarms()]


async def test_a_request_becomes_a_command_once(by_frames):
    asked_for = request(by_frames, "query", what="component_status", point="2-41-8")
    assert [await taken_up(by_frames), await taken_up(by_frames)] == [1, 0]
    assert command(by_frames, "command_id", "state", "requested_by", "issued_at") == (asked_for, "due", "wang", AT)


@pytest.mark.parametrize(
    ("transmitter", "name", "content", "named"),
    [
        ("T1", "configure", {"report_seconds": 60}, "GB/T 26875.3 has no words for 'configure'"),
        ("T1", "query", {"what": "snapshot"}, "what"),
        ("T1", "query", {"what": "component_status"}, "component_address_hex"),
        ("T1", "query", {"what": "component_status", "point": "2-41"}, "does not fit"),
        ("T1", "query", {"what": "system_status", "point": "900"}, "900"),
        ("T1", "duty_check", {"deadline_seconds": 999_999}, "deadline_seconds"),
        ("T2", "initialise", {}, "the MQTT profile has no words for 'initialise'"),
        ("T2", "query", {"what": "component_status"}, "what"),
        ("T2", "query", {"what": "status", "why": 1}, "why"),
        ("T2", "configure", {}, "report_seconds"),
        ("T2", "configure", {"report_seconds": 0}, "report_seconds"),
        ("T2", "configure", {"report_on_change": {"colour": 1}}, "colour"),
        ("T2", "configure", {"report_on_change": {"co_ppm": 0}}, "co_ppm"),
        ("T2", "configure", {"report_on_change": 7}, "report_on_change"),
        ("T2", "set_clock", {"now": "noon"}, "now"),
    ],
)
async def test_what_the_wire_has_no_words_for_fails_at_once(by_frames, transmitter, name, content, named):
    request(by_frames, name, transmitter, **content)
    await taken_up(by_frames)
    state, failure = command(by_frames, "state", "failure")
    assert state == "failed"
    assert failure.startswith("refused: ")
    assert named in failure


async def test_a_request_that_nobody_took_up_in_time_is_not_sent(by_frames):
    request(by_frames, "duty_check", lasts=60)
    await taken_up(by_frames, second=61)
    assert command(by_frames, "state") == ("expired",)


async def test_stages_move_a_command_and_the_answer_of_the_person_on_duty_ends_it(by_frames):
    command_id = await asked(by_frames)
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "sent"}, {"to": command_id, "ok": True, "stage": "confirmed"})
    assert command(by_frames, "state", "sent_at", "confirmed_at") == ("sent", later(1.2), later(2.2))
    await concluded(by_frames, pressed(6))
    assert command(by_frames, "state", "latency_seconds") == ("answered", pytest.approx(5.0))
    assert command(by_frames, "answer")[0]["operator"] == 3
    assert alarms(by_frames) == []


async def test_all_stages_in_one_batch(by_frames):
    command_id = await asked(by_frames, "query", what="device_version")
    stages = [{"to": command_id, "ok": True, "stage": stage} for stage in ("sent", "answered")]
    await hears(by_frames, *stages)
    assert command(by_frames, "state", "latency_seconds") == ("answered", pytest.approx(1.0))


async def test_a_device_that_does_not_answer_is_a_fault_until_it_does(by_frames):
    command_id = await asked(by_frames, "set_clock")
    silent = {"to": command_id, "ok": False, "stage": "failed", "text": "no answer within 10 s, said 4 times", "silent": True}
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "sent"}, silent)
    assert command(by_frames, "state", "failure") == ("failed", "no answer within 10 s, said 4 times")
    assert alarms(by_frames) == [("unresponsive", "open")]
    by_frames.rows("DELETE FROM command")
    command_id = await asked(by_frames, "set_clock")
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "sent"}, first=3)
    assert alarms(by_frames) == [("unresponsive", "open")]
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "answered"}, first=4)
    assert alarms(by_frames) == [("unresponsive", "closed")]


@pytest.mark.parametrize("flag", [{}, {"unsent": True}])
async def test_a_command_that_was_denied_or_never_sent_is_no_fault_of_the_line(by_frames, flag):
    command_id = await asked(by_frames, "query", what="device_version")
    await hears(by_frames, {"to": command_id, "ok": False, "stage": "failed", "text": "the device denied it", **flag})
    assert command(by_frames, "state", "failure") == ("failed", "the device denied it")
    assert alarms(by_frames) == []


async def test_a_duty_check_that_nobody_answers_rings_until_somebody_does(by_frames):
    command_id = await asked(by_frames)
    stages = [{"to": command_id, "ok": True, "stage": stage} for stage in ("sent", "confirmed")]
    await hears(by_frames, *stages)
    await given_up(by_frames, second=WINDOW - 1)
    await given_up(by_frames, second=WINDOW + 1)
    assert alarms(by_frames) == []  # an answer may still wait to be stored
    hearing_until(by_frames, WINDOW, lane="gb26875")
    await given_up(by_frames, second=WINDOW + 1)
    await given_up(by_frames, second=WINDOW + 2)
    assert alarms(by_frames) == [("duty_unanswered", "open")]
    (row,) = by_frames.alarms()
    assert row["reason"].startswith("nobody answered the duty check of 2025-03-01 14:00:01")
    await concluded(by_frames, pressed(WINDOW + 60))
    assert alarms(by_frames) == [("duty_unanswered", "closed")]
    assert command(by_frames, "state") == ("expired",)


async def test_an_answer_that_came_in_time_and_is_concluded_late_counts(by_frames):
    command_id = await asked(by_frames)
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "sent"}, {"to": command_id, "ok": True, "stage": "confirmed"})
    hearing_until(by_frames, WINDOW + 5, lane="gb26875")
    by_frames.store(pressed(WINDOW - 10))
    await given_up(by_frames, second=WINDOW + 5)
    assert command(by_frames, "state") == ("sent",)
    async with by_frames.worker() as (worker, connection):
        await worker.turn(connection)
    await given_up(by_frames, second=WINDOW + 6)
    assert command(by_frames, "state") == ("answered",)
    assert alarms(by_frames) == []


async def test_whom_a_duty_check_did_not_reach_is_not_blamed(by_frames):
    command_id = await asked(by_frames)
    await hears(by_frames, {"to": command_id, "ok": True, "stage": "sent"})
    hearing_until(by_frames, WINDOW, lane="gb26875")
    await given_up(by_frames, second=WINDOW + 1)
    assert (command(by_frames, "state"), alarms(by_frames)) == (("expired",), [])


@pytest.mark.parametrize(("heard", "rings"), [(True, [("duty_unanswered", "open")]), (False, [])])
async def test_a_duty_check_by_mqtt_that_nobody_answers_rings_where_the_transmitter_is_heard(world, heard, rings):
    await asked(world)
    world.rows("UPDATE command SET state = 'sent', sent_at = %s", later(1))
    world.rows(
        "INSERT INTO presence (transmitter_id, lane, last_heard_at) VALUES ('T1', 'telemetry', %s)", later(60 if heard else 0)
    )
    hearing_until(world, WINDOW, lane="signal")
    await given_up(world, second=WINDOW + 1)
    assert (command(world, "state"), alarms(world)) == (("expired",), rings)


async def test_a_duty_check_by_mqtt_is_answered_by_its_reply(world):
    command_id = await asked(world)
    world.rows("UPDATE command SET state = 'sent', sent_at = %s", later(1))
    await hears(world, {"to": command_id, "ok": False, "text": "nobody came"}, first=9)
    assert command(world, "state", "failure") == ("failed", "nobody came")
    assert alarms(world) == [("duty_unanswered", "open")]
    world.rows("DELETE FROM command")
    command_id = await asked(world)
    await hears(world, {"to": command_id, "ok": True, "operator": "zhao"}, first=20)
    assert alarms(world) == [("duty_unanswered", "closed")]


async def test_only_the_transmitter_that_was_asked_answers_and_only_in_time(world):
    mine, others = await asked(world, what="status", name="query"), await asked(world, "query", "T2", what="status")
    late = {"to": mine, "ok": True}
    await hears(world, {"to": others, "ok": True}, {"to": "resend-7", "ok": True})
    await hears(world, late, first=WINDOW)
    assert [row["state"] for row in world.rows("SELECT state FROM command")] == ["due", "due"]
    await hears(world, {"to": mine, "ok": True, "text": "first"}, {"to": mine, "ok": True, "text": "second"}, first=5)
    assert [row["answer"]["text"] for row in world.rows("SELECT answer FROM command WHERE answer IS NOT NULL")] == ["first"]


async def test_clocks_are_set_once_in_a_while_and_only_of_those_who_are_there(by_frames):
    async def look(second: float) -> int:
        async with by_frames.alerts() as connection, connection.transaction():
            await ask_for_clocks(connection, at=later(second), every=timedelta(hours=24))
        return len(by_frames.rows("SELECT 1 FROM command WHERE name = 'set_clock' AND requested_by = 'centre'"))

    by_frames.rows("INSERT INTO presence (transmitter_id, lane, last_heard_at) VALUES ('T2', 'signal', %s)", AT)
    assert await look(0) == 0
    by_frames.rows("INSERT INTO presence (transmitter_id, lane, last_heard_at) VALUES ('T1', 'gb26875', %s)", AT)
    assert [await look(1), await look(30)] == [1, 1]
    assert await look(86_500) == 1  # not heard of late
    by_frames.rows("UPDATE presence SET last_heard_at = %s", later(86_490))
    assert await look(86_500) == 2


def test_members_are_read_from_words():
    members = ["what=component_status", "component_address_hex=29000800", "system_type=1", 'report_on_change={"co_ppm": 2}']
    assert content_of(members) == {
        "what": "component_status",
        "component_address_hex": "29000800",
        "system_type": 1,
        "report_on_change": {"co_ppm": 2},
    }


@pytest.mark.parametrize("members", [["what"], ["=status"], ["what=a", "what=b"]])
def test_members_of_another_form_are_refused(members):
    with pytest.raises(Refused, match="member=value"):
        content_of(members)
