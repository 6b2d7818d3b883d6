"""Transmitters on a real broker, before a scripted centre."""

import asyncio
import json
import logging
import time
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from runtime.errors import ConfigurationError
from signals.topics import MessageClass
from simulator import fires, scenarios
from simulator.devices import DeviceClass, Pace, make_device
from simulator.fires import QUADRANTS, Place
from simulator.fleet import Fleet
from simulator.ledger import Ledger
from simulator.outbox import Patience
from simulator.speaker import Manner
from simulator.transmitter import Line
from tests.simulator.centre import TIMEOUT_SECONDS, centre_at

QUIET = Pace(heartbeat_seconds=0, telemetry_seconds=0)
NEVER = Patience(seconds=3600)
HASTY = Patience(seconds=0.2)
SIGNAL, REPLY, SNAPSHOT, STATUS = MessageClass.SIGNAL, MessageClass.REPLY, MessageClass.SNAPSHOT, MessageClass.STATUS


def device(name="T1", device_class=DeviceClass.DETECTOR, *, pace=QUIET, points=3):
    return make_device(name, device_class, seed=1, points=points, pace=pace)


@asynccontextmanager
async def fleet_at(broker, *devices, ledger=None, patience=NEVER, **line):
    place = Line(host=broker.host, port=broker.port, **{"linger_seconds": 0.3, **line})
    manner = Manner(patience=patience, duty_answer_seconds=0.1, page_conditions=2)
    ledger = ledger or Ledger()
    async with Fleet(devices, line=place, credentials=broker.passwords, ledger=ledger, manner=manner) as fleet:
        assert await fleet.connected(timeout_seconds=TIMEOUT_SECONDS)
        yield fleet


async def until(transmitter, reached):
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not reached(transmitter.speaker):
            await transmitter.changed.wait()


async def test_a_transmitter_shows_itself_and_says_goodbye(broker):
    async with centre_at(broker) as centre:
        async with fleet_at(broker, device()):
            await centre.until(lambda: centre.objects(STATUS) == [{"online": True}])
        await centre.until(lambda: centre.objects(STATUS) == [{"online": True}, {"online": False}])
    async with centre_at(broker) as later:
        (status,) = await later.until(lambda: later.messages(STATUS))
        assert status.retained
        assert status.objects == [{"online": False}]


@pytest.mark.parametrize("name", ["T1", "T3", "T8", "T11"])
async def test_a_signal_is_kept_until_it_is_confirmed_on_both_versions_of_mqtt(broker, name):
    assert {device(other).mqtt5 for other in ("T1", "T3", "T8", "T11")} == {True, False}
    async with centre_at(broker, confirming=False) as centre, fleet_at(broker, device(name)) as fleet:
        fleet.transmitters[name].begin("1", "fire_alarm")
        (signal,) = await centre.until(lambda: centre.objects(SIGNAL, name))
        assert not await fleet.settle(timeout_seconds=0.2)
        await centre.confirm(name, SIGNAL, signal)
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        (entry,) = fleet.ledger.entries
        assert entry.members == signal
        assert entry.said_at <= entry.acknowledged_at <= entry.confirmed_at


async def test_the_unconfirmed_is_said_three_more_times_and_again_at_every_reconnect(broker):
    async with centre_at(broker, confirming=False) as centre, fleet_at(broker, device(), patience=HASTY) as fleet:
        fleet.transmitters["T1"].begin("1", "fire_alarm")
        await centre.until(lambda: len(centre.messages(SIGNAL)) == 4)
        await until(fleet.transmitters["T1"], lambda speaker: speaker.next_at() == float("inf"))
        fleet.transmitters["T1"].cut()
        await centre.until(lambda: len(centre.messages(SIGNAL)) == 5)
        assert {message.payload for message in centre.messages(SIGNAL)} == {centre.heard[1].payload}
        assert [found["online"] for found in centre.objects(STATUS)] == [True, False, True]  # the will in the middle
        assert len(fleet.ledger.entries) == 1


async def test_what_happens_while_the_broker_is_dead_is_said_afterwards(broker):
    devices = [device(f"T{number}") for number in range(1, 11)]
    async with fleet_at(broker, *devices, patience=Patience(seconds=0.5, resends=200)) as fleet:
        broker.server.kill()
        for name, transmitter in fleet.transmitters.items():
            transmitter.begin("1", "fire_alarm", text=name)
        broker.server.start()
        async with centre_at(broker) as centre:
            await centre.until(lambda: {one["text"] for one in centre.objects(SIGNAL)} == fleet.transmitters.keys())
            assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert all(transmitter.connects == 2 for transmitter in fleet.transmitters.values())


async def test_commands_are_obeyed(broker):
    room = device("T1", DeviceClass.CONTROL_ROOM)
    async with centre_at(broker) as centre, fleet_at(broker, room) as fleet:
        for point in room.points:
            fleet.transmitters["T1"].begin(point, "fault")
        signals = await centre.until(lambda: len(centre.objects(SIGNAL)) == 3 and centre.objects(SIGNAL))
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        boot = signals[0]["boot"]
        await centre.command("T1", "resend", "r", **{"class": "signal", "boot": boot, "ranges": [[1, 5]]})
        (reply,) = await centre.until(lambda: centre.objects(REPLY))
        assert (reply["to"], reply["gone"]) == ("r", [[3, 5]])
        assert centre.objects(SIGNAL)[3:] == signals[1:]
        await centre.command("T1", "query", "q", what="snapshot")
        pages = await centre.until(lambda: len(centre.objects(SNAPSHOT)) == 3 and centre.objects(SNAPSHOT)[1:])
        assert [(page["seq"], page["page"], page["pages"], len(page["active"])) for page in pages] == [(1, 1, 2, 2), (2, 2, 2, 1)]
        await centre.command("T1", "duty_check", "d", deadline_seconds=30)
        answer = await centre.until(lambda: [found for found in centre.objects(REPLY) if found["to"] == "d"])
        assert answer[0]["operator"] == room.operator
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)


async def test_a_transmitter_that_is_off_is_silent_until_it_is_on(broker):
    ledger = Ledger()
    async with centre_at(broker) as centre, fleet_at(broker, device(), device("T2"), ledger=ledger) as fleet:
        gone = fleet.transmitters["T1"]
        gone.switch_off()
        await centre.until(lambda: centre.objects(STATUS, "T1")[-1:] == [{"online": False}])
        gone.begin("1", "fire_alarm")
        fleet.transmitters["T2"].begin("1", "fault")
        await centre.until(lambda: centre.objects(SIGNAL, "T2"))
        assert not centre.objects(SIGNAL, "T1")
        assert ledger.silences("T1")[0][1] == float("inf")
        gone.switch_on()
        await centre.until(lambda: centre.objects(SIGNAL, "T1"))
        ((since, until),) = ledger.silences("T1")
        assert since < until < float("inf")
        assert ledger.silences("T2") == []


async def test_restarting_begins_a_greater_boot_and_wiping_uses_old_counters_again(broker):
    async with centre_at(broker) as centre, fleet_at(broker, device()) as fleet:
        transmitter = fleet.transmitters["T1"]
        first_boot = transmitter.speaker.boot
        transmitter.begin("1", "contamination")
        await centre.until(lambda: centre.objects(SIGNAL))
        transmitter.restart()
        transmitter.begin("2", "fault")
        await centre.until(lambda: len(centre.facts(SIGNAL)) == 2)
        transmitter.wipe()
        await centre.until(lambda: len(centre.objects(STATUS)) == 5)
        transmitter.begin("1", "fire_alarm")
        first, second, third = await centre.until(lambda: len(centre.facts(SIGNAL)) == 3 and centre.facts(SIGNAL))
        assert (first["boot"], first["seq"]) == (third["boot"], third["seq"]) == (first_boot, 0)
        assert second["boot"] > first_boot
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert [entry.forgotten for entry in fleet.ledger.entries] == [False] * 3


async def test_a_sleepy_device_leaves_without_goodbye_and_wakes_for_what_cannot_wait(broker):
    sleepy = device("T1", DeviceClass.SLEEPY, pace=Pace(heartbeat_seconds=86_400, telemetry_seconds=0))
    async with centre_at(broker) as centre, fleet_at(broker, sleepy) as fleet:
        await centre.until(lambda: centre.objects(STATUS) == [{"online": True}, {"online": False}])
        assert len(centre.objects(MessageClass.HEARTBEAT)) == 1
        assert not fleet.ledger.silences("T1")
        fleet.transmitters["T1"].begin("1", "fire_alarm")
        await centre.until(lambda: centre.objects(SIGNAL))
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        await centre.until(lambda: len(centre.objects(STATUS)) == 4)
        assert fleet.transmitters["T1"].connects == 2


async def test_a_refused_transmitter_says_so_once_and_gets_in_when_it_is_enrolled(broker, caplog):
    ledger = Ledger()
    line = Line(host=broker.host, port=broker.port, backoff_most_seconds=0.3)
    with caplog.at_level(logging.WARNING, logger="simulator"):
        async with Fleet([device("X1")], line=line, credentials={"X1": "secret"}, ledger=ledger) as fleet:
            assert not await fleet.connected(timeout_seconds=1)
            broker.server.set_passwords({"X1": "secret"})
            assert await fleet.connected(timeout_seconds=TIMEOUT_SECONDS)
    assert [record.message for record in caplog.records if "refused" in record.message] != []
    assert len(caplog.records) == 1


async def test_every_scenario_plays_on_a_fleet_and_everything_is_confirmed(broker):
    devices = [
        device(f"T{number}", list(DeviceClass)[number % 4], pace=Pace(heartbeat_seconds=1, telemetry_seconds=0.5))
        for number in range(1, 13)
    ]
    steps = scenarios.timetable(list(scenarios.SCENARIOS), devices, seed=5, duration_seconds=20)
    ledger = Ledger()
    async with centre_at(broker) as centre, fleet_at(broker, *devices, ledger=ledger, patience=Patience(seconds=5)) as fleet:
        await fleet.play(steps, speed=4)
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
    said = [entry.members for entry in ledger.entries if entry.message_class is SIGNAL]
    heard = centre.objects(SIGNAL)
    assert sorted({json.dumps(one, sort_keys=True) for one in heard}) == sorted({json.dumps(one, sort_keys=True) for one in said})
    assert len(heard) > len(said) >= sum(step.kind != "" for step in steps)  # some were repeated
    for (transmitter_id, boot), measured in ledger.telemetry.items():
        found = [one["seq"] for one in centre.objects(MessageClass.TELEMETRY, transmitter_id) if one["boot"] == boot]
        assert set(measured.acknowledged.times()) <= set(found)


async def test_a_replayed_fire_arrives_in_order_and_never_from_the_future(broker):
    places = {quadrant: Place(transmitter_id=f"T{number}", point="1") for number, quadrant in enumerate(QUADRANTS, start=1)}
    devices = [device(place.transmitter_id) for place in places.values()]
    async with centre_at(broker) as centre, fleet_at(broker, *devices) as fleet:
        await fires.replay(fleet, fires.run_named("RedAccent_Open_Back_1"), places=places, factor=100, until_second=200)
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
        ended_at = time.time()
        await centre.until(lambda: len(centre.objects(MessageClass.TELEMETRY)) == 4 * 322)
    assert sorted(one["kind"] for one in centre.objects(SIGNAL)) == ["fire_alarm"] * 4
    for place in places.values():
        clocks = [
            datetime.fromisoformat(one["at"]).timestamp() for one in centre.objects(MessageClass.TELEMETRY, place.transmitter_id)
        ]
        assert clocks == sorted(clocks)
        assert clocks[-1] <= ended_at
        (alarm,) = centre.objects(SIGNAL, place.transmitter_id)
        assert 58 <= alarm["values"]["temperature_celsius"] < 60
    assert {cause.transmitter_id for cause in fleet.ledger.causes} == {place.transmitter_id for place in places.values()}


async def test_two_hundred_transmitters_in_one_process(broker):
    names = [f"S{number:03}" for number in range(200)]
    await asyncio.to_thread(broker.enrol, *names)
    devices = [device(name, pace=Pace(heartbeat_seconds=2, telemetry_seconds=2)) for name in names]
    steps = scenarios.campaign(devices, seed=1, duration_seconds=3, signals=2000, fires=200)
    async with centre_at(broker) as centre, fleet_at(broker, *devices) as fleet:
        await fleet.play(steps)
        assert len(asyncio.all_tasks()) <= 5 * len(names) + 20
        for transmitter in fleet.transmitters.values():
            transmitter.cut()
        for transmitter in fleet.transmitters.values():
            await until(transmitter, lambda _, back=transmitter: back.connects == 2)
        assert await fleet.settle(timeout_seconds=TIMEOUT_SECONDS)
    assert len(fleet.ledger.entries) == 2000
    assert sum(len(centre.facts(SIGNAL, name)) for name in names) == 2000


async def test_a_fleet_without_passwords_or_with_a_foreign_timetable_is_refused(broker):
    line = Line(host=broker.host, port=broker.port)
    with pytest.raises(ConfigurationError, match="no password for 1 transmitters, among them X1"):
        Fleet([device("X1")], line=line, credentials={}, ledger=Ledger())
    async with fleet_at(broker, device()) as fleet:
        steps = scenarios.timetable(["fire"], [device("T2")], seed=1, duration_seconds=1)
        with pytest.raises(ConfigurationError, match="do not exist, among them T2"):
            await fleet.play(steps)


async def test_an_error_beside_a_fleet_comes_out_as_it_is(broker):
    with pytest.raises(ZeroDivisionError):
        async with fleet_at(broker, device()):
            raise ZeroDivisionError


async def test_an_unforeseen_error_of_a_transmitter_ends_the_fleet(broker):
    async def broken():
        async with fleet_at(broker, device()) as fleet:
            fleet.transmitters["T1"].speaker.next_message = None
            fleet.transmitters["T1"].wake()
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await asyncio.wait_for(broken(), TIMEOUT_SECONDS)
    assert raised.group_contains(TypeError)
