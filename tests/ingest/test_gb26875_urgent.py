"""Fires go first (GB 26875.1 4.1.2.3), and nothing else is lost or held up for it."""

import asyncio
import itertools
from contextlib import AsyncExitStack

import psycopg
from gb26875_world import WAIT_SECONDS, component, enrol_device, line, serving, upload
from ingest_world import column
from prometheus_client import REGISTRY

from runtime.health import Health
from signals.gb26875.tables import Command

FIRE, FAULT = 0x0002, 0x0004
PLACE = {"system_type": 1, "system_address": 2, "component_type": 31, "component_address_hex": "09000000"}
WARM = {**PLACE, "analog_type": 3, "time": None}
DROPPED = "wanghuo_gb26875_readings_dropped_total"


async def stopped_at_lock(connection):
    """Until somebody waits for a lock that we hold."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0]:
            await asyncio.sleep(0.02)


async def test_a_fire_overtakes_what_waits_before_it(database):
    enrol_device(database)
    enrol_device(database, "P2", address=bytes(6))
    async with serving(database) as port, line(port) as busy, line(port) as burning:
        await burning.ask(upload(component(0), source=bytes(6)))
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("LOCK TABLE signal IN ACCESS EXCLUSIVE MODE")
            await busy.say(upload(component(FAULT, point=(1, 0)), serial=0))
            await stopped_at_lock(connection)
            for serial in range(1, 60):
                await busy.say(upload(component(FAULT, point=(1, serial)), serial=serial))
            assert (await busy.ask(upload(serial=999))).serial == 999, "a heartbeat waits for nobody: the others were taken"
            await burning.say(upload(component(FIRE), serial=1, source=bytes(6)))
        assert (await burning.hear()).command == Command.CONFIRM
        for _ in range(60):
            await busy.hear()
    handed = column(database, "SELECT priority FROM signal_inbox ORDER BY inbox_id")
    assert sorted(handed) == [0] + [1] * 61
    assert handed.index(0) == 2, "behind what was stored, and what was on its way to the database"


async def test_a_great_fire_does_not_keep_all_else_waiting(database):
    enrol_device(database)
    async with serving(database) as port, AsyncExitStack() as lines:
        calm, *burning = [await lines.enter_async_context(line(port)) for _ in range(5)]
        for number, _ in enumerate(burning):
            enrol_device(database, f"P{number + 2}", address=bytes((number, 0, 0, 0, 0, 0)))

        async def burn(number, device):
            for serial in itertools.count():
                await device.say(upload(component(FIRE, point=(1, serial)), serial=serial, source=bytes((number, 0, 0, 0, 0, 0))))
                if serial > 30:
                    await device.hear()

        async with asyncio.TaskGroup() as fires:
            tasks = [fires.create_task(burn(number, device)) for number, device in enumerate(burning)]
            async with asyncio.timeout(WAIT_SECONDS):
                for serial in range(20):
                    assert (await calm.ask(upload(component(FAULT), serial=serial))).command == Command.CONFIRM
            for task in tasks:
                task.cancel()


async def test_the_end_of_a_fire_that_waits_is_handed_over(database):
    """Calm is known, a store is under way: the fire waits to go first, and what ends it must not be taken for more of the calm."""
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        await device.ask(upload(component(0), serial=0))
        with psycopg.connect(database.owner_url) as connection:
            connection.execute("LOCK TABLE signal IN ACCESS EXCLUSIVE MODE")
            await device.say(upload(component(0, point=(1, 1)), serial=1))
            await stopped_at_lock(connection)
            for serial, word in ((2, FIRE), (3, 0), (4, 0)):
                await device.say(upload(component(word), serial=serial))
            assert (await device.ask(upload(serial=999))).serial == 999, "a heartbeat waits for nobody: the others were taken"
        heard = [(await device.hear()).serial for _ in range(4)]
    handed = column(database, "SELECT seq FROM signal_inbox JOIN signal USING (transmitter_id, origin_key) ORDER BY inbox_id")
    assert sorted(heard) == [1, 2, 3, 4]
    assert handed == [0, 1, 2, 3]


async def test_a_fire_waits_for_no_reading(database):
    enrol_device(database)
    health = Health("ingest gb26875")
    async with serving(database, health=health) as port, line(port) as device:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("REVOKE INSERT ON telemetry FROM wanghuo_ingest")
            await device.say(upload({**WARM, "raw_value": 215}, kind=3, serial=1))
            for serial in (2, 3):
                heard = await device.ask(upload(component(FIRE), serial=serial))
                assert (heard.command, heard.serial) == (Command.CONFIRM, serial)
            async with asyncio.timeout(WAIT_SECONDS):
                while not (problem := health.checks["database"]()):
                    await asyncio.sleep(0.02)
            assert "permission denied" in problem
            owner.execute("GRANT INSERT ON telemetry TO wanghuo_ingest")
        assert (await device.hear()).serial == 1
    assert column(database, "SELECT temperature_celsius FROM telemetry") == [21.5]


async def test_readings_above_what_can_wait_come_again(database, monkeypatch):
    enrol_device(database)
    monkeypatch.setattr("ingest.gb26875.lane.READINGS_MAXIMUM", 0)
    first, second = (upload({**WARM, "raw_value": 215 + serial}, kind=3, serial=serial) for serial in (1, 2))
    async with serving(database) as port, line(port) as device:
        with psycopg.connect(database.owner_url, autocommit=True) as owner:
            owner.execute("REVOKE INSERT ON telemetry FROM wanghuo_ingest")
            before = REGISTRY.get_sample_value(DROPPED)
            await device.say(first)
            assert (await device.ask(upload(component(FAULT), serial=3))).serial == 3, "the first reading waits"
            await device.say(second)
            assert (await device.ask(upload(component(FAULT), serial=4))).serial == 4, "the second is past what can wait"
            assert REGISTRY.get_sample_value(DROPPED) == before + 1
            owner.execute("GRANT INSERT ON telemetry TO wanghuo_ingest")
        assert (await device.hear()).serial == 1
        assert (await device.ask(second)).serial == 2
    assert column(database, "SELECT temperature_celsius FROM telemetry ORDER BY 1") == [21.6, 21.7]
