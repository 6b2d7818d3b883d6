"""A lane's way to the database: cut, deaf, ended from outside, cancelled; always usable again."""

import asyncio

import psycopg
import pytest
from ingest_world import column
from proxy import Proxy

from ingest import store as store_module
from ingest.store import Store
from runtime.database import pool
from runtime.errors import DatabaseAway, RowRefused

PUT = (
    "INSERT INTO quarantine (quarantine_key, received_at, topic, reason, detail, payload, payload_length, payload_digest)"
    " VALUES (decode(lpad(%s, 32, '0'), 'hex'), now(), '', 'json', '', '', 0, '')"
)


@pytest.fixture
async def wire(database):
    async with Proxy(database.server.port) as proxy:
        yield proxy


@pytest.fixture
async def store(database, wire):
    url = database.url("wanghuo_ingest").replace(f":{database.server.port}/", f":{wire.port}/")
    async with pool(url, name="test", size=1) as connections:
        made = Store(connections)
        yield made
        await made.close()


async def put(store: Store, number: int) -> None:
    async with store.transaction() as connection:
        await connection.execute(PUT, [str(number)])


async def test_what_is_left_in_order_is_committed(store, database):
    assert store.problem is not None
    await put(store, 1)
    assert store.problem is None
    assert column(database, "SELECT count(*) FROM quarantine") == [1]


async def test_a_refused_row_leaves_the_store_usable(store, database):
    await put(store, 1)
    with pytest.raises(RowRefused):
        await put(store, 1)
    await put(store, 2)
    assert column(database, "SELECT count(*) FROM quarantine") == [2]


async def test_a_connection_ended_from_outside_is_replaced(store, database):
    await put(store, 1)
    with psycopg.connect(database.owner_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test'")
    with pytest.raises(DatabaseAway):
        await put(store, 2)
    await store.patiently(lambda: put(store, 2), what="a test")
    assert column(database, "SELECT count(*) FROM quarantine") == [2]


async def test_a_wire_that_is_cut_in_the_middle_costs_nothing(store, wire, database):
    await put(store, 1)

    async def cut_in_the_middle() -> None:
        async with store.transaction() as connection:
            await connection.execute(PUT, ["2"])
            wire.cut()
            await connection.execute(PUT, ["3"])

    with pytest.raises(DatabaseAway):
        await cut_in_the_middle()
    await store.patiently(lambda: put(store, 4), what="a test")
    assert column(database, "SELECT count(*) FROM quarantine") == [2]


async def test_a_database_that_does_not_answer_is_left_after_a_time(store, wire, database, monkeypatch):
    monkeypatch.setattr(store_module, "TRANSACTION_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(store_module, "ROLLBACK_TIMEOUT_SECONDS", 0.2)
    await put(store, 1)
    wire.deafen()
    with pytest.raises(DatabaseAway, match="did not answer"):
        await put(store, 2)
    monkeypatch.undo()
    waiting = asyncio.create_task(store.patiently(lambda: put(store, 3), what="a test"))
    await asyncio.sleep(0)
    wire.heal()
    async with asyncio.timeout(60):
        await waiting
    assert 3 in [int(key.hex()) for key in column(database, "SELECT quarantine_key FROM quarantine")]


async def test_cancelled_in_the_middle_nothing_is_stored(store, database):
    await put(store, 1)
    begun = asyncio.Event()

    async def work() -> None:
        async with store.transaction() as connection:
            await connection.execute(PUT, ["2"])
            begun.set()
            await connection.execute("SELECT pg_sleep(60)")

    task = asyncio.create_task(work())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.patiently(lambda: put(store, 3), what="a test")
    assert column(database, "SELECT count(*) FROM quarantine") == [2]
