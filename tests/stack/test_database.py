"""The private database: what it keeps, what it refuses, and its copies for the tests."""

import socket

import psycopg
import pytest

from sql.migrate import ROLES
from stack.database import CONFIGURATION, Database, DatabaseSettings, newest_installed
from stack.errors import FolderError, NotReadyError, PortInUseError, ProgramMissingError

SMALL = {"shared_buffers": "32MB"}


def ask(url, query):
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query).fetchone()[0]


@pytest.fixture(scope="module")
def own_server(server_folder):
    """A server that a test may kill."""
    server = Database(DatabaseSettings(folder=server_folder / "database-own", changed=SMALL))
    server.start()
    yield server
    server.stop()


def test_what_was_committed_survives_a_stop_and_a_kill(own_server):
    own_server.create_database("kept")
    url = own_server.superuser_url("kept")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE fact (number integer)")
    for number, end in enumerate((own_server.stop, own_server.kill, own_server.kill)):
        with psycopg.connect(url) as connection:
            connection.execute("INSERT INTO fact VALUES (%s)", [number])
        with psycopg.connect(url):  # a session that is there when it ends
            end()
        assert not own_server.running
        own_server.start()

    assert ask(url, "SELECT array_agg(number ORDER BY number) FROM fact") == [0, 1, 2]


def test_it_is_set_up_as_written(own_server):
    url = own_server.superuser_url()
    for name, wanted in {**CONFIGURATION, **SMALL}.items():
        assert ask(url, f"SHOW {name}") == wanted
    assert ask(url, "SHOW server_encoding") == "UTF8"
    assert ask(url, "SELECT datcollate FROM pg_database WHERE datname = 'postgres'") == "C.UTF-8"
    assert ask(url, "SELECT bool_and(auth_method = 'scram-sha-256') FROM pg_hba_file_rules")


def test_nobody_comes_in_without_the_password(own_server):
    wrong = own_server.url("postgres", password="guess", database="postgres")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_a_role_with_awkward_letters_in_its_password_comes_in(own_server):
    with psycopg.connect(own_server.superuser_url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE awkward LOGIN PASSWORD 'a/b:c@d%e#f?g'")

    assert ask(own_server.url("awkward", password="a/b:c@d%e#f?g", database="postgres"), "SELECT current_user") == "awkward"


def test_an_earlier_stack_is_found_again_with_its_password(own_server):
    own_server.stop()
    again = Database(DatabaseSettings(folder=own_server.log.parent, port=own_server.port, changed=SMALL))
    again.start()

    assert ask(own_server.superuser_url(), "SELECT 1") == 1
    again.stop()
    own_server.start()


def test_a_port_in_use_is_named(server_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = Database(DatabaseSettings(folder=server_folder / "database-refused", port=port))

        with pytest.raises(PortInUseError, match=rf"^port {port} on 127\.0\.0\.1 is not free for the database .*choose another$"):
            server.start()
    assert not (server_folder / "database-refused" / "data").exists()


def test_what_an_interrupted_start_left_is_made_anew(server_folder):
    server = Database(DatabaseSettings(folder=server_folder / "database-interrupted", changed=SMALL))
    half = server.log.parent / "data.part"
    half.mkdir()
    (half / "PG_VERSION").write_text("15\n")
    server.start()

    assert ask(server.superuser_url(), "SELECT 1") == 1
    server.kill()


def test_data_of_another_version_is_refused_and_left_alone(server_folder):
    data = server_folder / "database-old" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    server = Database(DatabaseSettings(folder=data.parent))

    with pytest.raises(
        FolderError, match=r"^the database in .* is of PostgreSQL 9, installed is \d+: upgrade it, or choose another folder$"
    ):
        server.start()
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_what_it_said_is_quoted_when_it_does_not_start(own_server):
    own_server.stop()
    broken = Database(DatabaseSettings(folder=own_server.log.parent, changed={"max_connections": "many"}))

    with pytest.raises(NotReadyError, match=r'^the database \(postgres\) ended with status 1 before it was ready\n(.*\n)*.*"many"'):
        broken.start()
    own_server.start()


def test_the_newest_postgresql_with_timescaledb_is_taken(tmp_path):
    programs, extensions = tmp_path / "lib", tmp_path / "share"
    for version, has_timescaledb in (("9", True), ("15", True), ("17", True), ("18", False)):
        (programs / version / "bin").mkdir(parents=True)
        (programs / version / "bin" / "postgres").touch()
        (extensions / version / "extension").mkdir(parents=True)
        if has_timescaledb:
            (extensions / version / "extension" / "timescaledb.control").touch()

    assert newest_installed(installed=programs, extensions=extensions) == programs / "17" / "bin"
    with pytest.raises(
        ProgramMissingError, match=r"no PostgreSQL with TimescaleDB in .*: run `sh stack/system-packages.sh` as root"
    ):
        newest_installed(installed=programs, extensions=tmp_path)


def test_a_test_has_a_migrated_database_of_its_own(database):
    assert ask(database.owner_url, "SELECT count(*) FROM schema_migration") > 0
    assert ask(database.owner_url, "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'") == 1
    for role in ROLES:
        assert ask(database.url(role), "SELECT current_user || '@' || current_database()") == f"{role}@{database.name}"


def test_the_template_can_be_copied_while_copies_are_in_use(database, database_server):
    with psycopg.connect(database.owner_url):
        for number in range(3):
            database_server.create_database(f"copy_{number}", template="wanghuo_template")
    for number in range(3):
        with psycopg.connect(database_server.superuser_url(f"copy_{number}")):
            database_server.drop_database(f"copy_{number}")

    assert ask(database.owner_url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'copy%'") == 0
