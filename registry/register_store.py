"""The register as it is stored: load it whole, write what an import changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from psycopg.rows import dict_row

from registry.importing import Change, Import, Key, Register, prepare, read_files
from registry.session import LOCK_KEY
from registry.sheets import SHEETS, Table
from runtime.database import Connection
from sql.queries import load

_SQL = load("registry")
_LOADED_BY = {
    Table.VILLAGE: "villages",
    Table.KEY_UNIT: "key_units",
    Table.TRANSMITTER: "transmitters",
    Table.POINT: "points",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an import did, or would do.

    Attributes:
        still_enrolled: transmitters that are withdrawn by the register, but whose credentials the broker still takes.
    """

    done: Import
    still_enrolled: list[str]


async def import_files(connection: Connection, paths: Mapping[Table, Path], *, today: date, dry_run: bool = False) -> Outcome:
    """Import files in one transaction, which nobody else's change of the register can cross.

    Args:
        connection: in autocommit, of a role that may write the register.
        paths: the files.
        today: for who is withdrawn by now.
        dry_run: do everything, database's refusals included, and then undo it.

    Raises:
        ImportRefusedError: names every problem of every file; nothing was changed.
        WanghuoError: see runtime.errors; nothing was changed.
    """
    files = read_files(paths)
    async with connection.transaction(force_rollback=dry_run):
        await connection.execute(_SQL["lock_register"], {"key": LOCK_KEY})
        register, enrolled = await _load(connection)
        done = prepare(register, files)
        await _write(connection, done.changes)
        after, _ = await _load(connection)
    rows = {key[0]: row["withdrawn_on"] for key, row in sorted(after[Table.TRANSMITTER].items())}
    withdrawn = [name for name, day in rows.items() if isinstance(day, date) and day <= today]
    return Outcome(done=done, still_enrolled=[name for name in withdrawn if name in enrolled])


async def _load(connection: Connection) -> tuple[Register, set[str]]:
    register: Register = {table: {} for table in Table}
    enrolled: set[str] = set()
    async with connection.cursor(row_factory=dict_row) as cursor:
        for table, query in _LOADED_BY.items():
            await cursor.execute(_SQL[query])
            for row in await cursor.fetchall():
                key: Key = tuple(row[name] for name in SHEETS[table].key)
                if row.pop("enrolled_at", None) is not None:
                    enrolled.add(key[0])
                register[table][key] = row
    return register, enrolled


async def _write(connection: Connection, changes: Iterable[Change]) -> None:
    async with connection.cursor() as cursor:
        for table in Table:
            rows = [change.after for change in changes if change.table is table]
            if rows:
                await cursor.executemany(_SQL[f"put_{table}"], rows)
