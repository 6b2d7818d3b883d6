"""The pool on a real server that goes away and comes back."""

import asyncio

import psycopg
import pytest
from proxy import Proxy

from runtime.database import STATEMENT_TIMEOUT_SECONDS, pool, refuse_other_version, translated
from runtime.errors import ConfigurationError, DatabaseAway
from sql.migrate import latest

PATIENCE_SECONDS = 60


async def ask(connections, query="SELECT 1", *, timeout_seconds=PATIENCE_SECONDS):
    async with translated(), connections.connection(timeout=timeout_seconds) as connection:
        row = await (await connection.execute(query)).fetchone()
        return row[0]


async def until_answered(connections):
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await ask(connections)
            except DatabaseAway:
                continue


async def test_its_connections_are_set_up_as_written(database):
    async with pool(database.owner_url, name="the name", size=1) as connections:
        assert await ask(connections, "SHOW application_name") == "the name"
        assert await ask(connections, "SHOW statement_timeout") == f"{STATEMENT_TIMEOUT_SECONDS}s"
        assert await ask(connections, "SHOW TimeZone") == "UTC"


async def test_who_waits_through_a_restart_gets_the_first_connection(database):
    async with pool(database.owner_url, name="restart") as connections:
        assert await ask(connections) == 1
        await asyncio.to_thread(database.server.stop)
        waiting = [asyncio.create_task(ask(connections)) for _ in range(3)]
        with pytest.raises(DatabaseAway):
            await ask(connections, timeout_seconds=1)
        await asyncio.to_thread(database.server.start)
        async with asyncio.timeout(PATIENCE_SECONDS - 10):  # before they would have given up
            assert await asyncio.gather(*waiting) == [1, 1, 1]


async def test_it_opens_and_closes_without_a_server(database):
    await asyncio.to_thread(database.server.stop)
    async with pool(database.owner_url, name="early") as connections:
        with pytest.raises(DatabaseAway, match="couldn't get a connection"):
            await ask(connections, timeout_seconds=0.5)
        await asyncio.to_thread(database.server.start)
        assert await ask(connections) == 1
    async with pool(database.owner_url, name="late"):
        await asyncio.to_thread(database.server.stop)


async def test_cut_connections_are_replaced(database):
    async with Proxy(database.server.port) as wire:
        url = database.owner_url.replace(f":{database.server.port}/", f":{wire.port}/")
        async with pool(url, name="cut") as connections:
            assert await ask(connections) == 1
            wire.cut()
            assert await until_answered(connections) == 1


async def test_a_database_of_this_version_is_taken(database):
    async with pool(database.url("wanghuo_reader"), name="version") as connections, connections.connection() as connection:
        await refuse_other_version(connection)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("DROP TABLE schema_migration", "no version"),
        ("TRUNCATE schema_migration", "no version"),
        ("INSERT INTO schema_migration VALUES ('9999_later', '')", "9999_later"),
    ],
)
async def test_a_database_of_another_version_is_refused_in_one_sentence(database, statement, found):
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        connection.execute(statement)
    async with pool(database.owner_url, name="version") as connections, connections.connection() as connection:
        with pytest.raises(ConfigurationError) as caught:
            await refuse_other_version(connection)
    assert str(caught.value) == f"the database is at {found}, this program needs {latest()}: run `wanghuo migrate`"
