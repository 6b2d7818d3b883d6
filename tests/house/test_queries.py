"""Every named query is used, and relies on the index that it says it relies on.

The convention: between `-- name:` and the statement stands one line

    -- index: name[, name]      each must appear in the plan on 10⁵ rows, or
    -- index: none (reason)     e.g. (adds rows), (all of them, once an hour), (some thousand rows)

What varies is a sample here: by the cast that follows a parameter, by its name, or by query and name.
"""

import ast
import json
import re
import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from sql.queries import FOLDER, load

ROOT = Path(__file__).parents[2]
ROOMS = ("signals", "runtime", "sql", "ingest", "alerts", "registry", "simulator", "stack", "bench")
CODE = {path: path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")}
QUERIES = {(path.stem, name): text for path in sorted(FOLDER.glob("*.sql")) for name, text in load(path.stem).items()}
INDEX = re.compile(r"^-- index: (?:none \((?P<reason>[^\n]+)\)|(?P<names>[a-z0-9_]+(?:, [a-z0-9_]+)*))$", re.MULTILINE)
PARAMETER = re.compile(r"%\((?P<name>\w+)\)[sbt](?:::(?P<cast>[\w]+(?:\[\])?))?")
EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
KEY = bytes(16)
ID = uuid.UUID(int=7)
BY_CAST = {
    "text": "T7",
    "bigint": 7,
    "integer": 7,
    "smallint": 1,
    "float8": 0.5,
    "boolean": True,
    "bytea": KEY,
    "uuid": ID,
    "date": NOW.date(),
    "timestamptz": NOW,
    "cidr": "10.1.0.0/16",
    "jsonb": "{}",
}
BY_NAME = {
    **dict.fromkeys(("since", "until", "at", "now", "received_at", "taken_at", "heard_since", "found_before", "asked_before"), NOW),
    **dict.fromkeys(("given_up_before", "older_than", "told_since", "issued_at", "expires_at"), NOW),
    **dict.fromkeys(("today", "on_date", "first", "last", "listed_on", "delisted_on"), NOW.date()),
    **dict.fromkeys(("contracted_on", "installed_on", "accepted_on", "withdrawn_on"), NOW.date()),
    **dict.fromkeys(("most", "count", "key", "definition_version", "lapse_days", "snapshot_id", "alarm_id", "readings", "boot"), 7),
    **dict.fromkeys(("bytes", "transmitter_bytes", "overhead"), 10**6),
    **dict.fromkeys(("has_control_room", "connected", "online"), True),
    "facility": "high_rise",
    "limits": "water_level_m=2.1",
    **dict.fromkeys(("transmitter_id", "class", "operator_id", "name", "reason", "occasion", "place", "zone", "path"), "T7"),
    **dict.fromkeys(("category", "address", "telephone", "action", "disposition", "cause", "version", "error", "profile"), "T7"),
    "village_id": "V7",
    "key_unit_id": "U7",
    "point": "",
    "lane": "signal",
    "last_heard_at": NOW,
    "packed": b"",
    **dict.fromkeys(("request_id", "command_id"), ID),
    **dict.fromkeys(("content", "answer"), "{}"),
    **dict.fromkeys(("state", "failure", "requested_by"), "T7"),
    "seconds": 300,
    "days": 7,
    "block": 7,
    "sensitivity": 0.5,
    "fed": [7, 8],
    "rows": "[]",
    "transmitter_ids": ["T7", "T8"],
    "inbox_ids": [7, 8],
    "table": "alarm",
    "calm": ["test"],
}
BY_QUERY: dict[tuple[str, str], dict[str, object]] = {
    ("alerts_downward", "newest_commands"): {"transmitter_id": None},
    ("ingest", "trim_quarantine"): {"rows": 100_000},
    ("registry", "snapshots"): {"first": date(2024, 2, 1), "last": date(2024, 2, 7)},
    ("simulator", "alarms"): {"since": NOW - timedelta(hours=1)},
}


def statement(text):
    return re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE).strip()


def samples(query):
    """A value for every parameter of a query."""
    found = {}
    for match in PARAMETER.finditer(QUERIES[query]):
        name, cast = match["name"], match["cast"]
        known = {**BY_NAME, **BY_QUERY.get(query, {})}
        if cast and name not in BY_QUERY.get(query, {}):
            value = BY_CAST[cast.removesuffix("[]")]
            found[name] = [value, value] if cast.endswith("[]") else value
        else:
            assert name in known, f"no sample for the parameter {name}: add one to tests/house/test_queries.py"
            found.setdefault(name, known[name])
    return found


@pytest.fixture(scope="module")
def township(database_server, template_database):
    """A connection to a database with 10⁵ rows in every table that grows."""
    database_server.create_database("township", template="wanghuo_template")
    with psycopg.connect(
        database_server.superuser_url("township"), autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as connection:
        rows = (Path(__file__).parent / "hundred_thousand.sql").read_text(encoding="utf-8")
        connection.execute(rows.replace(":now", f"'{NOW.isoformat()}'::timestamptz"))
        connection.execute(load("ingest")["make_staging"])
        yield connection
    database_server.drop_database("township")


def used(plan):
    """Names of the indexes in a plan; those of a chunk under the name of their hypertable's."""
    if isinstance(plan, list):
        return set().union(*map(used, plan))
    if not isinstance(plan, dict):
        return set()
    names = {plan["Index Name"]} if "Index Name" in plan else set()
    names.update(plan.get("Conflict Arbiter Indexes", ()))
    return {re.sub(r"^_hyper_\d+_\d+_chunk_", "", name) for name in names}.union(*map(used, plan.values()))


@pytest.mark.parametrize("query", QUERIES, ids="/".join)
def test_a_query_relies_on_the_index_it_names(township, query):
    lines = INDEX.findall(QUERIES[query])
    assert len(lines) == 1, "due is one line `-- index: name[, name]` or `-- index: none (reason)`"
    named = set(lines[0][1].split(", ")) - {""}
    if not statement(QUERIES[query]).startswith(EXPLAINED):
        assert not named, "only SELECT, INSERT, UPDATE and DELETE have a plan"
        return
    plan = township.execute("EXPLAIN (FORMAT JSON) " + QUERIES[query], samples(query)).fetchone()[0]
    assert named <= used(plan), f"the plan uses {used(plan) or 'no index'}: {json.dumps(plan)[:3000]}"


def readers(room):
    """The text of every module of a package in which some module loads this room's queries."""
    packages = {
        path.relative_to(ROOT).parts[0] for path, text in CODE.items() if f'load("{room}")' in text or f'_queries("{room}")' in text
    }
    return [text for path, text in CODE.items() if path.relative_to(ROOT).parts[0] in packages]


@pytest.mark.parametrize("query", QUERIES, ids="/".join)
def test_a_query_is_used(query):
    room, name = query
    said = {f'"{name}"', *(f'[f"{name[:end]}{{' for end in range(1, len(name)))}
    assert any(one in text for text in readers(room) for one in said), f"nobody who loads {room}.sql uses it"


def subscripts(text):
    """(room, name) of every `X["name"]` where X is bound to `load("room")` in the same module."""
    tree = ast.parse(text)
    rooms = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and node.value.args:
            called, argument = ast.unparse(node.value.func), node.value.args[0]
            if called in {"load", "queries.load"} and isinstance(argument, ast.Constant):
                rooms[ast.unparse(node.targets[0])] = argument.value
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and ast.unparse(node.value) in rooms:
            yield rooms[ast.unparse(node.value)], node.slice.value


@pytest.mark.parametrize(
    "path", [path for path, text in CODE.items() if "load(" in text], ids=lambda path: str(path.relative_to(ROOT))
)
def test_what_is_used_is_there(path):
    assert set(subscripts(CODE[path])) <= QUERIES.keys()


def test_no_statement_hides_in_the_code():
    said = re.compile(r"""execute\(\s*f?['"]+\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s""", re.IGNORECASE)
    # What asks for the version of the shape cannot rely on the shape; the reference of the benchmark is what others would write.
    homes = {"sql/migrate.py", "runtime/database.py", "bench/references.py"}
    hiding = {str(path.relative_to(ROOT)) for path, text in CODE.items() if said.search(text)}
    assert hiding <= homes
