"""The flood: at its rate, through one connection, and counted."""

import asyncio
import time

import pytest

from runtime.errors import BrokerRefused
from runtime.mqtt import BrokerAddress, SessionSettings
from signals.border import read_telemetry
from signals.topics import MessageClass
from simulator.flood import Flood, FloodSettings
from simulator.ledger import Ledger
from stack.private import WORLD
from tests.simulator.centre import TIMEOUT_SECONDS, centre_at

IDS = [f"F{number}" for number in range(50)]


def flood(broker, ledger, *, rate, duration, user=WORLD):
    session = SessionSettings(
        address=BrokerAddress(host=broker.host, port=broker.port),
        client_id="flood",
        username=user,
        password=broker.passwords[user],
        clean_start=True,
        expiry_seconds=0,
    )
    settings = FloodSettings(session=session, transmitter_ids=IDS, rate=rate, duration_seconds=duration, boot=9)
    return Flood(settings, ledger=ledger)


async def test_every_reading_arrives_is_counted_and_reads_well(world, tmp_path):
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    async with centre_at(world) as centre:
        result = await flood(world, ledger, rate=2000, duration=1).run()
        assert (result.sent, result.acknowledged) == (2000, 2000)
        await centre.until(lambda: len(centre.heard) == 2000)
    for name in IDS:
        readings = [read_telemetry(message.payload)[0][0] for message in centre.messages(MessageClass.TELEMETRY, name)]
        assert [(reading["boot"], reading["seq"]) for reading in readings] == [(9, seq) for seq in range(40)]
        assert all(abs(reading["values"]["temperature_celsius"] - 23) < 12 for reading in readings)
        assert list(Ledger.read(path).telemetry[name, 9].acknowledged) == [(0, 39)]
    assert Ledger.read(path).played.keys() == set(IDS)


async def test_it_keeps_to_its_rate(world):
    loop = asyncio.get_running_loop()
    started = loop.time()
    result = await flood(world, Ledger(), rate=500, duration=2).run()
    assert result.sent == 1000
    assert loop.time() - started >= 1.9  # never faster; slower where the machine is busy


async def test_a_broker_that_goes_away_and_comes_back_is_owed_nothing_twice(world):
    ledger = Ledger()
    pouring = flood(world, ledger, rate=3000, duration=2)
    running = asyncio.create_task(pouring.run())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while pouring.result.acknowledged < 1000:
            await asyncio.sleep(0.01)
    await asyncio.to_thread(world.server.stop)
    await asyncio.to_thread(world.server.start)
    result = await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert (result.sent, result.acknowledged) == (6000, 6000)
    assert all(list(found.acknowledged) == [(0, 119)] for found in ledger.telemetry.values())


async def test_a_user_who_may_not_speak_for_others_is_told_so(world):
    started = time.monotonic()
    ledger = Ledger()
    with pytest.raises(BrokerRefused):
        await flood(world, ledger, rate=100, duration=60, user="T1").run()
    assert time.monotonic() - started < 30
    assert not any(len(found.acknowledged) for found in ledger.telemetry.values())
