"""Migrations: from nothing to the present shape, once each, in order, and never differently."""

import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from sql import migrate as runner
from sql.migrate import FOLDER, ROLES, MigrationError, latest, migrate, migrations
from stack.ports import LOOPBACK, free_port

NAMES = [step.name for step in migrations()]
_NUMBERS = itertools.count(1)


@pytest.fixture
def empty(database_server):
    """URL of an empty database."""
    name = f"empty_{next(_NUMBERS)}"
    database_server.create_database(name)
    yield database_server.superuser_url(name)
    database_server.drop_database(name)


@pytest.fixture
def folder(tmp_path):
    """A copy of the migrations that a test may change."""
    return shutil.copytree(FOLDER, tmp_path / "migrations")


def ask(url, query):
    with psycopg.connect(url, connect_timeout=10) as connection:
        return connection.execute(query).fetchall()


def test_they_are_numbered_without_a_gap():
    assert [int(name[:4]) for name in NAMES] == list(range(1, len(NAMES) + 1))
    assert sorted(f"{name}.sql" for name in NAMES) == sorted(path.name for path in FOLDER.iterdir())
    assert latest() == NAMES[-1]


def test_from_nothing_all_are_applied_and_then_none(empty):
    assert migrate(empty) == NAMES
    assert migrate(empty) == []
    assert [name for (name,) in ask(empty, "SELECT name FROM schema_migration ORDER BY name")] == NAMES


def test_only_what_is_missing_is_applied(empty, folder):
    last = folder / f"{NAMES[-1]}.sql"
    kept = last.rename(folder.parent / last.name)
    assert migrate(empty, folder=folder) == NAMES[:-1]
    kept.rename(last)
    assert migrate(empty, folder=folder) == NAMES[-1:]


def test_of_two_at_a_time_one_does_the_work(empty):
    with ThreadPoolExecutor(max_workers=2) as threads:
        done = list(threads.map(migrate, [empty, empty]))
    assert sorted(done) == [[], NAMES]


def test_what_was_changed_after_it_was_applied_is_refused(empty, folder):
    migrate(empty, folder=folder)
    with (folder / f"{NAMES[2]}.sql").open("a") as file:
        file.write("\n")
    with pytest.raises(MigrationError, match=f"^migration {NAMES[2]} was changed after it was applied; write a new one instead$"):
        migrate(empty, folder=folder)


def test_a_database_that_is_ahead_is_refused(empty, folder):
    migrate(empty)
    (folder / f"{NAMES[-1]}.sql").unlink()
    with pytest.raises(MigrationError, match=f"^the database is ahead of this program: it has {NAMES[-1]}, .* knows {NAMES[-2]}$"):
        migrate(empty, folder=folder)


def test_a_step_put_before_an_applied_one_is_refused(empty, folder):
    migrate(empty)
    (folder / "0002_afterthought.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match=f"^migration 0002_afterthought stands before {NAMES[-1]}"):
        migrate(empty, folder=folder)


def test_of_a_failing_step_nothing_is_applied(empty, folder):
    step = folder / "9999_broken.sql"
    step.write_text("CREATE TABLE half (); SELECT 1/0")
    with pytest.raises(MigrationError, match=r"^migration 9999_broken failed: division by zero"):
        migrate(empty, folder=folder)
    assert ask(empty, "SELECT to_regclass('half'), (SELECT max(name) FROM schema_migration)") == [(None, NAMES[-1])]
    step.write_text("CREATE TABLE whole ()")
    assert migrate(empty, folder=folder) == ["9999_broken"]


def test_another_timescaledb_is_refused(empty, monkeypatch):
    monkeypatch.setattr(runner, "TIMESCALEDB_MAJOR", 99)
    with pytest.raises(MigrationError, match=r"^TimescaleDB 99\.x is needed, the server offers 2\.[0-9.]+$"):
        migrate(empty)
    assert ask(empty, "SELECT to_regclass('schema_migration')") == [(None,)]


def test_roles_log_in_with_their_passwords_and_keep_them(empty, database):
    # Roles belong to the whole server: the passwords are those that its other databases use.
    migrate(empty, role_passwords=database.role_passwords)
    migrate(empty)
    name = empty.rpartition("/")[2]
    for role in ROLES:
        url = database.server.url(role, password=database.role_passwords[role], database=name)
        assert ask(url, "SELECT current_user") == [(role,)]


def run(**environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGHUO_")}
    done = subprocess.run(
        [sys.executable, "-m", "sql.migrate"], env={**kept, **environment}, capture_output=True, text=True, timeout=100, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_as_a_command_it_says_what_it_did(empty):
    assert run(WANGHUO_MIGRATE_DATABASE_URL=empty) == (0, f"migrate: {', '.join(NAMES)}; the database is at {latest()}\n", "")
    assert run(WANGHUO_MIGRATE_DATABASE_URL=empty) == (0, f"migrate: nothing to do; the database is at {latest()}\n", "")


def test_as_a_command_it_says_what_is_missing_or_wrong(empty):
    assert run() == (2, "", "migrate: WANGHUO_MIGRATE_DATABASE_URL is not set\n")
    status, _, said = run(WANGHUO_MIGRATE_DATABASE_URL=f"postgresql://postgres@{LOOPBACK}:{free_port()}/postgres")
    assert status == 1
    assert said.startswith("migrate: connection failed")
    status, _, said = run(WANGHUO_MIGRATE_DATABASE_URL="no URL")
    assert status == 1
    assert said.startswith("migrate: ")
    assert "Traceback" not in said
