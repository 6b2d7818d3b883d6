"""From a notification owed to a person who has it: real rows, a real webhook at the other end."""

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

from alarm_world import OnDuty, observed
from office import Crowd, Gate, answering, wait_for
from prometheus_client import REGISTRY

from alerts import notifier
from alerts.channels import HEADER
from alerts.notifier import AT_ONCE_TO_ONE, PAUSE_MOST_SECONDS, pause
from signals.kinds import Kind
from stack.receiver import Receiver

NOBODY_LISTENS = "json://127.0.0.1:1/"


def sample(name: str) -> float:
    return REGISTRY.get_sample_value(f"wanghuo_{name}") or 0


async def test_everybody_concerned_is_told_once_with_a_stable_id_in_body_and_header(office) -> None:
    before = sample("notification_latency_seconds_count")
    with Receiver() as wang, Receiver() as li:
        office.write(wang=wang.channel, li=li.channel)
        await office.owe(Kind.FIRE_ALARM, names=("wang", "li"))
        async with office.running():
            rows = await office.all_sent()
    for row, receiver in zip(rows, (li, wang), strict=True):
        (delivery,) = receiver.deliveries
        identity = str(row["notification_id"])
        assert delivery.title == row["title"]
        assert delivery.message == f"{row['body']}\n通知 notification: {identity}"
        assert delivery.headers[HEADER] == identity
        assert (row["attempts"], row["last_error"], row["leased_until"]) == (1, None, None)
        assert row["sent_at"] == office.clock.at
    assert sample("notification_latency_seconds_count") == before + 2


async def test_a_refusal_and_a_dead_line_are_tried_again_after_a_pause(office) -> None:
    with Receiver(answering(500, 200)) as wang:
        office.write(wang=wang.channel)
        await office.owe(Kind.FAULT)
        async with office.running():
            row = await office.after_attempts(1)
            assert row["state"] == "due"
            assert office.clock.at < row["due_at"] <= office.clock.at + timedelta(seconds=1)
            assert "500" in row["last_error"]
            assert urlsplit(wang.channel).netloc.split(":")[0] in row["last_error"]
            office.clock.at += timedelta(seconds=1)
            (row,) = await office.all_sent()
    assert (row["attempts"], len(wang.deliveries)) == (2, 1)
    assert "500" in row["last_error"], "why it took two attempts stays known"


def test_pauses_double_to_a_minute_with_jitter() -> None:
    for attempts in range(1, 2000):
        longest = min(PAUSE_MOST_SECONDS, 2.0 ** min(attempts - 1, 30))
        assert longest / 2 <= pause(attempts).total_seconds() <= longest
    assert len({pause(5) for _ in range(20)}) > 1


async def test_a_fire_is_tried_until_its_alarm_is_closed(office) -> None:
    office.write(wang=NOBODY_LISTENS)
    await office.owe(Kind.FIRE_ALARM)
    async with office.running():
        await office.after_attempts(1)
        office.clock.at += timedelta(days=3)
        assert (await office.after_attempts(2))["state"] == "due"
        office.world.rows("UPDATE alarm SET handling = 'closed', closed_at = now(), closed_by = 'wang'")
        office.clock.at += timedelta(minutes=1)
        row = await office.after_attempts(3)
    assert row["state"] == "given_up"
    assert "error" in row["last_error"].lower()


async def test_what_is_no_fire_is_given_up_after_a_day(office) -> None:
    before = sample("notifications_given_up_total")
    office.write(wang=NOBODY_LISTENS)
    await office.owe(Kind.FAULT)
    async with office.running():
        await office.after_attempts(1)
        office.clock.at += timedelta(hours=23)
        assert (await office.after_attempts(2))["state"] == "due"
        office.clock.at += timedelta(hours=2)
        assert (await office.after_attempts(3))["state"] == "given_up"
        await wait_for(lambda: sample("notifications_given_up_total") == before + 1)


async def test_fires_are_claimed_before_everything_else_and_no_more_than_can_be_sent(office) -> None:
    gate = Gate()
    with Receiver(gate) as wang:
        office.write(wang=wang.channel)
        await office.owe(*[Kind.FAULT] * 20, *[Kind.FIRE_ALARM] * 3)
        async with office.running():
            await wait_for(lambda: gate.held == AT_ONCE_TO_ONE)
            leased = office.world.rows(
                "SELECT a.priority FROM notification JOIN alarm AS a USING (alarm_id) WHERE leased_until IS NOT NULL"
            )
            gate.open()
            await office.all_sent()
    assert sorted(row["priority"] for row in leased) == [0, 0, 0, 2, 2, 2, 2, 2]
    assert len(wang.deliveries) == 23


async def test_a_dead_channel_holds_up_neither_others_nor_another_channel_of_the_same_officer(office) -> None:
    dead = Gate()
    with Receiver(dead) as mute, Receiver() as good, Receiver() as li:
        office.write(wang=mute.channel, zhao=[mute.channel, good.channel], li=li.channel)
        await office.owe(*[Kind.FIRE_ALARM] * 30, names=("wang", "zhao", "li"))
        async with office.running():
            await office.world.until(
                "SELECT 1 WHERE NOT EXISTS (SELECT FROM notification WHERE state <> 'sent' AND recipient <> 'wang')"
            )
            told = office.world.rows("SELECT count(*) AS n FROM notification WHERE recipient = 'wang' AND state = 'sent'")
        dead.open()
    assert told == [{"n": 0}]
    assert (len(good.deliveries), len(li.deliveries)) == (30, 30)


async def test_a_channel_that_fails_is_tried_with_one_message_at_a_time(office) -> None:
    crowd = Crowd()
    with Receiver(crowd) as wang:
        office.write(wang=wang.channel, li=wang.channel)
        await office.owe(*[Kind.FIRE_ALARM] * 40, names=("wang", "li"))
        async with office.running():
            await wait_for(lambda: len(crowd.together) >= 2 * AT_ONCE_TO_ONE + 20)
    assert set(crowd.together[2 * AT_ONCE_TO_ONE :]) == {1}
    assert wang.deliveries == []


async def test_an_officer_who_left_the_roster_is_replaced_by_everybody(office) -> None:
    with Receiver() as li, Receiver() as zhao:
        office.write(li=li.channel, zhao=zhao.channel)
        await office.owe(Kind.FIRE_ALARM, names=("wang",))
        async with office.running():
            await office.all_sent()
            await wait_for(lambda: bool(li.deliveries and zhao.deliveries))


async def test_a_channel_is_mended_in_the_running_service(office) -> None:
    with Receiver() as wang:
        office.write(wang=NOBODY_LISTENS)
        await office.owe(Kind.FIRE_ALARM)
        async with office.running():
            await office.after_attempts(1)
            office.write(wang=wang.channel)
            office.clock.at += timedelta(seconds=2)
            await office.all_sent()
    assert len(wang.deliveries) == 1


async def test_woken_it_does_not_wait_for_the_next_look(office, monkeypatch) -> None:
    monkeypatch.setattr(notifier, "POLL_SECONDS", 3600)
    wake = asyncio.Event()
    with Receiver() as wang:
        office.write(wang=wang.channel)
        async with office.running(wake=wake):
            await office.owe(Kind.FIRE_ALARM)
            wake.set()
            await office.all_sent()
            await office.world.conclude(observed(point="later", seq=9), at=office.clock.at, roster=OnDuty(("wang",)))
            wake.set()
            await office.all_sent()
    assert len(wang.deliveries) == 2
