"""One writer for every table, kept by the database: the table of rights, whole."""

import psycopg
import pytest

from sql.migrate import ROLES

ALL = {"INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
NOTHING: set[str] = set()

WRITERS = {
    "village": ("wanghuo_registry", {"INSERT", "UPDATE", "DELETE"}),
    "key_unit": ("wanghuo_registry", {"INSERT", "UPDATE", "DELETE"}),
    "transmitter": ("wanghuo_registry", {"INSERT", "UPDATE", "DELETE"}),
    "point": ("wanghuo_registry", {"INSERT", "UPDATE", "DELETE"}),
    "gb26875_device": ("wanghuo_registry", {"INSERT", "UPDATE", "DELETE"}),
    "connection_snapshot": ("wanghuo_registry", {"INSERT"}),
    "connection_snapshot_unit": ("wanghuo_registry", {"INSERT"}),
    "signal": ("wanghuo_ingest", {"INSERT"}),
    "telemetry": ("wanghuo_ingest", {"INSERT"}),
    "presence": ("wanghuo_ingest", {"INSERT", "UPDATE"}),
    "presence_day": ("wanghuo_ingest", {"INSERT", "UPDATE"}),
    "sequence_head": ("wanghuo_ingest", {"INSERT", "UPDATE"}),
    "sequence_gap": ("wanghuo_ingest", {"INSERT", "UPDATE"}),
    "quarantine": ("wanghuo_ingest", {"INSERT", "DELETE"}),
    "ingest_uptime": ("wanghuo_ingest", {"INSERT", "UPDATE"}),
    "condition": ("wanghuo_alerts", {"INSERT", "UPDATE"}),
    "alarm": ("wanghuo_alerts", {"INSERT", "UPDATE"}),
    "alarm_journal": ("wanghuo_alerts", {"INSERT"}),
    "alarm_publication": ("wanghuo_alerts", {"INSERT", "DELETE"}),
    "notification": ("wanghuo_alerts", {"INSERT", "UPDATE"}),
    "early_warning_block": ("wanghuo_alerts", {"INSERT", "UPDATE"}),
    "command": ("wanghuo_alerts", {"INSERT", "UPDATE"}),
    "command_request": ("wanghuo_console", {"INSERT"}),
    "point_sensitivity": ("wanghuo_console", {"INSERT"}),
    "operator": ("wanghuo_console", {"INSERT", "UPDATE"}),
    "operator_action": ("wanghuo_console", {"INSERT"}),
    "schema_migration": (None, NOTHING),
}
HAND_OVER = {
    "signal_inbox": {"wanghuo_ingest": {"INSERT"}, "wanghuo_alerts": {"UPDATE", "DELETE"}},
    "telemetry_inbox": {"wanghuo_ingest": {"INSERT"}, "wanghuo_alerts": {"UPDATE", "DELETE"}},
}
"""Written by two: the producer adds, the consumer locks (UPDATE) and takes away."""

RELATIONS = """
  SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = ANY(%s)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = pg_class.oid AND d.deptype = 'e')
"""


@pytest.fixture(scope="module")
def catalogue(database_server, template_database):
    """A connection of the superuser to a migrated database, to look only."""
    database_server.create_database("rights", template="wanghuo_template")
    with psycopg.connect(database_server.superuser_url("rights"), autocommit=True) as connection:
        yield connection
    database_server.drop_database("rights")


def relations(connection, *kinds):
    return {name for (name,) in connection.execute(RELATIONS, [list(kinds)])}


def rights(connection, role, table):
    found = connection.execute(
        "SELECT p FROM unnest(%s::text[]) p WHERE has_table_privilege(%s, %s, p)", [sorted(ALL), role, table]
    )
    return {right for (right,) in found}


def test_every_table_has_its_writer_named_here(catalogue):
    assert relations(catalogue, "r", "p") == WRITERS.keys() | HAND_OVER.keys()


@pytest.mark.parametrize("table", WRITERS)
def test_a_table_is_written_by_its_writer_and_by_nobody_else(catalogue, table):
    writer, may = WRITERS[table]
    assert {role: rights(catalogue, role, table) for role in ROLES} == {role: may if role == writer else NOTHING for role in ROLES}


@pytest.mark.parametrize("table", HAND_OVER)
def test_a_hand_over_is_filled_by_one_and_emptied_by_another(catalogue, table):
    assert {role: rights(catalogue, role, table) for role in ROLES} == {role: HAND_OVER[table].get(role, NOTHING) for role in ROLES}


def test_no_column_makes_an_exception(catalogue):
    granted = catalogue.execute(
        "SELECT c.attrelid::regclass, c.attname, c.attacl FROM pg_attribute c JOIN pg_class r ON r.oid = c.attrelid"
        " WHERE r.relnamespace = 'public'::regnamespace AND c.attacl IS NOT NULL"
    )
    assert granted.fetchall() == []


@pytest.mark.parametrize("role", ROLES)
def test_everybody_reads_everything(catalogue, role):
    for name in relations(catalogue, "r", "p", "v"):
        assert catalogue.execute("SELECT has_table_privilege(%s, %s, 'SELECT')", [role, name]).fetchone() == (True,), name


@pytest.mark.parametrize("role", ROLES)
def test_a_service_makes_nothing_and_becomes_nobody_else(catalogue, role):
    assert catalogue.execute(
        "SELECT has_schema_privilege(rolname, 'public', 'CREATE'), has_database_privilege(rolname, current_database(), 'CREATE'),"
        " rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls,"
        " EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) FROM pg_roles WHERE rolname = %s",
        [role],
    ).fetchone() == (False, False, False, False)


def test_tables_belong_to_an_owner_who_cannot_log_in(catalogue):
    owners = "SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migration'"
    assert catalogue.execute(owners).fetchall() == [("wanghuo_owner",)]
    assert catalogue.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wanghuo_owner'").fetchone() == (False,)


def test_what_the_catalogue_says_is_what_happens(database):
    def refused(role, statement):
        with psycopg.connect(database.url(role)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)

    with psycopg.connect(database.url("wanghuo_registry")) as connection:
        connection.execute("INSERT INTO village VALUES ('V1', 'Eins')")
    for role in set(ROLES) - {"wanghuo_registry"}:
        refused(role, "INSERT INTO village VALUES ('V2', 'Zwei')")
        refused(role, "UPDATE village SET name = 'Zwei'")
        refused(role, "DELETE FROM village")
    refused("wanghuo_reader", "CREATE TABLE mine ()")
    refused("wanghuo_ingest", "SET ROLE wanghuo_owner")


def test_the_journal_is_append_only_even_for_those_who_may_write_it(database):
    entry = "INSERT INTO alarm_journal (transmitter_id, at, event, actor, effect) VALUES ('T1', now(), 'began', 'device', 'none')"
    with psycopg.connect(database.url("wanghuo_alerts"), autocommit=True) as writer:
        writer.execute(entry)
        for statement in ("UPDATE alarm_journal SET effect = 'raised'", "DELETE FROM alarm_journal", "TRUNCATE alarm_journal"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                writer.execute(statement)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        for statement in ("UPDATE alarm_journal SET effect = 'raised'", "DELETE FROM alarm_journal", "TRUNCATE alarm_journal"):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="table alarm_journal is append-only"):
                owner.execute(statement)
        assert owner.execute("SELECT effect FROM alarm_journal").fetchall() == [("none",)]
