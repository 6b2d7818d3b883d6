"""A backup brought back is the same in every table, with the same owners and rights."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import typer
from typer.testing import CliRunner

from runtime.errors import DatabaseAway
from sql.migrate import latest
from stack.backup import backup, restore
from stack.backup_commands import register
from stack.backup_manifest import NAME
from stack.errors import BackupError, ProgramMissingError
from stack.postgres_programs import newest_program

NOW = datetime(2026, 5, 1, 4, tzinfo=UTC)

SHAPE = {
    "columns": """SELECT table_name, column_name, data_type, is_nullable, column_default
                  FROM information_schema.columns WHERE table_schema = 'public'""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
                      FROM pg_constraint WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "rights": """SELECT relname, pg_get_userbyid(relowner), relacl::text, reloptions::text
                 FROM pg_class WHERE relnamespace = 'public'::regnamespace""",
    "triggers": "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "rights to come": "SELECT pg_get_userbyid(defaclrole), defaclacl::text FROM pg_default_acl",
    "chunks": "SELECT range_start, range_end FROM timescaledb_information.chunks",
    "extension": "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'",
}
"""Compared without parentheses: the server writes a restored expression with fewer of them."""


@pytest.fixture
def filled(database):
    """A database with rows in plain tables, with identities, and in several chunks of the hypertable."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO village VALUES ('V1', '白奇村')")
        connection.execute(
            "INSERT INTO key_unit (key_unit_id, village_id, name, has_control_room, listed_on) VALUES ('U1', 'V1', 'u', true, '2024-01-01')"
        )
        connection.execute(
            "INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class) VALUES ('T1', 'U1', 'V1', 'sleepy')"
        )
        for weeks in range(10):
            connection.execute(
                'INSERT INTO telemetry ("time", transmitter_id, point, boot, seq, digest, received_at, co_ppm)'
                " SELECT %(at)s, 'T1', '', 1, %(weeks)s * 1000 + n, n, %(at)s, 0.1 * n FROM generate_series(1, 50) n",
                {"at": NOW - timedelta(weeks=weeks), "weeks": weeks},
            )
        connection.execute(
            "INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, active, occurred_at, occurred_source,"
            " received_at, payload) SELECT 'T1', decode(md5(n::text), 'hex'), 'signal', 1, n, 'p', 'fault', true, %(at)s, 'device', %(at)s,"
            " '\\x00ff' FROM generate_series(1, 100) n",
            {"at": NOW},
        )
        connection.execute("INSERT INTO signal_inbox (priority, transmitter_id, origin_key) SELECT 1, 'T1', origin_key FROM signal")
        connection.execute(
            "INSERT INTO presence_day VALUES ('T1', '2026-05-01', 'signal', %(at)s, %(at)s, repeat('01', 720)::bit(1440), 2)",
            {"at": NOW},
        )
        connection.execute(
            "INSERT INTO connection_snapshot (on_date, taken_at, occasion, definition_version, lapse_days)"
            " VALUES ('2026-05-01', %s, 'daily', 1, 30)",
            [NOW],
        )
    return database


@pytest.fixture
def empty(database_server):
    """An empty database."""
    name = "restored"
    database_server.create_database(name)
    yield database_server.superuser_url(name)
    database_server.drop_database(name)


def tables(url):
    with psycopg.connect(url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {name: sorted(str(row) for row in connection.execute(f'SELECT t::text FROM public."{name}" t')) for (name,) in names}


def shape(url):
    """What the database is beside its rows: columns, constraints, indexes, owners, rights, chunks."""
    with psycopg.connect(url) as connection:
        return {
            name: sorted(str(row).replace("(", "").replace(")", "") for row in connection.execute(query))
            for name, query in SHAPE.items()
        }


def test_what_comes_back_is_what_was_there(filled, empty, tmp_path):
    made = backup(filled.owner_url, tmp_path / "backup")
    assert made.tables["telemetry"] == 500
    assert made.tables["signal"] == made.tables["signal_inbox"] == 100
    assert made.shape == latest()
    restore(empty, tmp_path / "backup", role_passwords=filled.role_passwords)
    before = tables(filled.owner_url)
    assert {name: len(rows) for name, rows in before.items()} == made.tables
    assert tables(empty) == before
    assert shape(empty) == shape(filled.owner_url)
    with psycopg.connect(empty) as connection:
        (granted,) = connection.execute("SELECT has_database_privilege('wanghuo_owner', current_database(), 'CREATE')").fetchone()
    assert granted


def test_a_restored_database_works_on(filled, empty, tmp_path):
    backup(filled.owner_url, tmp_path / "backup")
    restore(empty, tmp_path / "backup", role_passwords=filled.role_passwords)
    name = psycopg.conninfo.conninfo_to_dict(empty)["dbname"]

    def url(role):
        return filled.server.url(role, password=filled.role_passwords[role], database=name)

    with psycopg.connect(url("wanghuo_ingest")) as connection:
        # Identities go on where they were, the hypertable makes new chunks, and the unique index still knows old rows.
        (inbox_id,) = connection.execute(
            "INSERT INTO signal_inbox (priority, transmitter_id, origin_key) VALUES (0, 'T1', '\\x00') RETURNING inbox_id"
        ).fetchone()
        assert inbox_id > 100
        for at, added in ((NOW, 0), (NOW + timedelta(weeks=9), 1)):
            done = connection.execute(
                'INSERT INTO telemetry ("time", transmitter_id, point, boot, seq, digest, received_at)'
                " VALUES (%(at)s, 'T1', '', 1, 1, 1, %(at)s) ON CONFLICT DO NOTHING",
                {"at": at},
            )
            assert done.rowcount == added
    with psycopg.connect(url("wanghuo_alerts")) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO village VALUES ('V2', 'x')")
    with psycopg.connect(url("wanghuo_reader")) as connection:
        assert connection.execute("SELECT count(*) FROM telemetry").fetchone() == (501,)


def test_it_is_as_of_one_instant_while_everything_runs(filled, empty, tmp_path, monkeypatch):
    """Rows that come in after the first look are in neither the dump nor the counts."""
    from stack import backup as module

    dump = module.run_program

    def late(*arguments, **named):
        with psycopg.connect(filled.owner_url) as connection:
            connection.execute("INSERT INTO village VALUES ('V2', 'late')")
        dump(*arguments, **named)

    monkeypatch.setattr(module, "run_program", late)
    assert backup(filled.owner_url, tmp_path / "backup").tables["village"] == 1
    monkeypatch.undo()
    restore(empty, tmp_path / "backup", role_passwords={})
    assert len(tables(empty)["village"]) == 1


def test_a_database_that_is_not_empty_is_refused(filled, empty, tmp_path):
    backup(filled.owner_url, tmp_path / "backup")
    before = tables(filled.owner_url)
    with pytest.raises(BackupError, match=r"is not empty, it has .*: create an empty one"):
        restore(filled.owner_url, tmp_path / "backup", role_passwords={})
    assert tables(filled.owner_url) == before
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE VIEW mine AS SELECT 1")
    with pytest.raises(BackupError, match=r"it has public\.mine"):
        restore(empty, tmp_path / "backup", role_passwords={})


def test_an_empty_database_that_has_the_extension_is_taken(filled, empty, tmp_path):
    backup(filled.owner_url, tmp_path / "backup")
    with psycopg.connect(empty) as connection:
        connection.execute("CREATE EXTENSION timescaledb")
    restore(empty, tmp_path / "backup", role_passwords={})
    assert tables(empty) == tables(filled.owner_url)


def test_a_damaged_backup_is_refused_before_anything_happens(filled, empty, tmp_path):
    folder = tmp_path / "backup"
    made = backup(filled.owner_url, folder)
    name = next(name for name in made.files if name.endswith(".dat.gz"))
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:-1])
    with pytest.raises(BackupError, match=f"is damaged: {name} is not as it was written"):
        restore(empty, folder, role_passwords={})
    (folder / name).unlink()
    with pytest.raises(BackupError, match=f"is damaged: {name} is missing"):
        restore(empty, folder, role_passwords={})
    assert tables(empty) == {}


def test_a_restore_that_fails_leaves_nothing(filled, empty, tmp_path):
    folder = tmp_path / "backup"
    made = backup(filled.owner_url, folder)
    stated = json.loads((folder / NAME).read_text())
    name = next(name for name in made.files if name.endswith(".dat.gz"))
    (folder / name).unlink()
    del stated["files"][name]
    (folder / NAME).write_text(json.dumps(stated))
    with pytest.raises(BackupError, match=r"(?s)pg_restore failed with status 1:.*could not open"):
        restore(empty, folder, role_passwords={})
    assert tables(empty) == {}
    # It can be brought back afterwards all the same.
    shutil.rmtree(folder)
    backup(filled.owner_url, folder)
    restore(empty, folder, role_passwords={})
    assert tables(empty) == tables(filled.owner_url)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"format": 2}, "is of format 2, this program reads format 1"),
        ({"shape": "9999_later"}, "is of shape 9999_later, this program knows up to"),
        ({"postgresql": 990001}, "the backup is of PostgreSQL 99"),
        ({"timescaledb": "1.0"}, r"needs TimescaleDB 1\.0 exactly"),
        ({"files": None}, r"is not as `wanghuo backup` writes it \(files\)"),
    ],
)
def test_backups_of_another_kind_are_refused(*, filled, empty, tmp_path, changed, sentence):
    folder = tmp_path / "backup"
    backup(filled.owner_url, folder)
    stated = json.loads((folder / NAME).read_text())
    (folder / NAME).write_text(json.dumps(stated | changed))
    with pytest.raises(BackupError, match=sentence):
        restore(empty, folder, role_passwords={})
    assert tables(empty) == {}


def test_a_backup_is_never_written_over_and_an_interrupted_one_is_none(filled, empty, tmp_path):
    folder = tmp_path / "backup"
    (tmp_path / "backup.part").mkdir()
    (tmp_path / "backup.part" / "toc.dat").write_text("half")
    with pytest.raises(BackupError, match=r"there is no backup in .*backup\.part"):
        restore(empty, tmp_path / "backup.part", role_passwords={})
    backup(filled.owner_url, folder)
    assert folder.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "backup.part").exists()
    with pytest.raises(BackupError, match="exists already"):
        backup(filled.owner_url, folder)


def test_programs_older_than_the_server_are_refused(tmp_path, monkeypatch):
    old = tmp_path / "13" / "bin"
    old.mkdir(parents=True)
    (old / "pg_dump").write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 13.9'\n")
    (old / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProgramMissingError, match="PostgreSQL 15 or newer is needed, the newest here is of version 13"):
        newest_program("pg_dump", server=150008, installed=tmp_path)
    with pytest.raises(ProgramMissingError, match="PostgreSQL 15 or newer is needed, there is none here"):
        newest_program("pg_restore", server=150008, installed=tmp_path)
    assert newest_program("pg_dump", server=130000, installed=tmp_path) == old / "pg_dump"


def test_a_database_that_is_away_is_named(tmp_path):
    with pytest.raises(DatabaseAway, match="refused"):
        backup("postgresql://postgres@127.0.0.1:1/none", tmp_path / "backup")


def test_on_the_shell(filled, empty, tmp_path, monkeypatch):
    app = typer.Typer()
    register(app)
    folder = str(tmp_path / "backup")
    monkeypatch.setenv("WANGHUO_MIGRATE_DATABASE_URL", filled.owner_url)
    assert "rows of" in CliRunner().invoke(app, ["backup", folder]).output
    monkeypatch.setenv("WANGHUO_MIGRATE_DATABASE_URL", empty)
    for role, password in filled.role_passwords.items():
        monkeypatch.setenv(f"{role.upper()}_DATABASE_PASSWORD", password)
    assert "is restored" in CliRunner().invoke(app, ["restore", folder]).output
    assert tables(empty) == tables(filled.owner_url)
