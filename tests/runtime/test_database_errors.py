"""What psycopg raises on a real database, and what it means to us."""

import os
import subprocess

import psycopg
import pytest
from psycopg import sql

from runtime.database import translate, translated
from runtime.errors import DatabaseAway, DatabaseFull, RowRefused, Unavailable
from stack.ports import LOOPBACK, free_port

VILLAGE = "INSERT INTO village (village_id, name) VALUES (%s, %s)"
THE_DATA = {
    "twice": "INSERT INTO village VALUES ('V1', 'Eins'), ('V1', 'Zwei')",
    "a named state": "INSERT INTO village VALUES ('no id', 'Eins')",
    "nothing where something is due": "INSERT INTO village VALUES ('V1', NULL)",
    "of nobody": "INSERT INTO point (transmitter_id, point) VALUES ('nobody', '')",
    "append-only": "TRUNCATE alarm_journal",
    "out of range": "SELECT (10^30)::bigint",
    "no time": "SELECT '2025-02-30'::date",
    "before 4713 BC": "SELECT '4714-01-01 BC'::timestamptz",
    "no JSON": "SELECT '{'::jsonb",
    "U+0000 in JSON": r"""SELECT '"\u0000"'::jsonb""",
    "half a surrogate pair in JSON": r"""SELECT '"\ud800"'::jsonb""",
    "longer than an index takes": "INSERT INTO village SELECT 'V1', string_agg(md5(n::text), '') FROM generate_series(1, 1000) n",
}


@pytest.fixture
def connection(database):
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("statement", THE_DATA.values(), ids=THE_DATA)
def test_what_is_the_datas_fault_is_refused(connection, statement):
    connection.execute("CREATE INDEX ON village (name)")
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    found = translate(caught.value)
    assert isinstance(found, RowRefused)
    assert str(found) == str(caught.value).splitlines()[0]


@pytest.mark.parametrize("name", ["a\x00b"])
def test_u0000_is_the_datas_fault_however_it_is_sent(connection, name):
    with pytest.raises(psycopg.Error) as refused_here:
        connection.execute(VILLAGE, ["V1", name])
    with pytest.raises(psycopg.Error) as refused_there, connection.cursor().copy("COPY village FROM STDIN") as copy:
        copy.write(f"V1\t{name}\n".encode())
    for caught in (refused_here, refused_there):
        assert isinstance(translate(caught.value), RowRefused)


def failing(url, *statements):
    def run():
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(statement)

    with pytest.raises(psycopg.Error) as caught:
        run()
    return translate(caught.value)


AWAY = {
    "too slow": ("SET statement_timeout = 1", "SELECT pg_sleep(60)"),
    "cut": ("SELECT pg_terminate_backend(pg_backend_pid())",),
    "locked": ("SET lock_timeout = 1", "LOCK TABLE village"),
    "forbidden just now": ("SET default_transaction_read_only = on", "CREATE TABLE another ()"),
}


@pytest.mark.parametrize("statements", AWAY.values(), ids=AWAY)
def test_what_may_pass_is_worth_another_try(database, connection, statements):
    with connection.transaction():
        connection.execute("LOCK TABLE village")
        found = failing(database.owner_url, *statements)
    assert isinstance(found, DatabaseAway)
    assert str(found)


def test_an_unreachable_server_may_come_back(database):
    gone = failing(f"postgresql://postgres@{LOOPBACK}:{free_port()}/postgres")
    assert isinstance(gone, DatabaseAway)
    assert "refused" in str(gone)
    unknown = failing(database.server.superuser_url("no_such_database"))
    assert isinstance(unknown, DatabaseAway)
    assert isinstance(failing(database.server.url("postgres", password="guess", database="postgres")), DatabaseAway)


async def test_inside_the_context_only_our_errors_leave(database):
    async with await psycopg.AsyncConnection.connect(database.owner_url) as connection:
        with pytest.raises(RowRefused) as caught:
            async with translated():
                await connection.execute("SELECT 1/0")
    assert isinstance(caught.value.__cause__, psycopg.errors.DivisionByZero)


@pytest.fixture
def small_disk(server_folder, database):
    """A tablespace with room for 8 MiB."""
    folder = server_folder / f"small-{database.name}"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root can mount a small disk")
    try:
        folder.chmod(0o777)
        data = folder / "data"
        subprocess.run(["install", "-d", "-o", "postgres", "-m", "700", data], check=True)
        with psycopg.connect(database.owner_url, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(sql.Literal(str(data))))
            yield connection
            connection.execute("DROP TABLE IF EXISTS bulk")
            connection.execute("CHECKPOINT")
            connection.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_said_to_be_full(small_disk):
    small_disk.execute("CREATE TABLE bulk (bytes bytea) TABLESPACE small")
    small_disk.execute("ALTER TABLE bulk ALTER bytes SET STORAGE EXTERNAL")
    with pytest.raises(psycopg.Error) as caught:
        small_disk.execute("INSERT INTO bulk SELECT decode(repeat('00', 1000000), 'hex') FROM generate_series(1, 100)")
    found = translate(caught.value)
    assert isinstance(found, DatabaseFull)
    assert isinstance(found, Unavailable)
    assert str(found).startswith("the database's disk is full: ")
    small_disk.execute("DROP TABLE bulk")
    small_disk.execute("CREATE TABLE bulk TABLESPACE small AS SELECT 'there is room again'")
