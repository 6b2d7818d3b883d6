"""Bring officials' tables into the register: everything wrong is said at once, and then nothing is changed.

A row is added, changed or found unchanged; nothing is ever removed by being absent from a file (a unit leaves by its
`delisted_on`). An empty cell leaves what is stored, `-` empties it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from registry.cells import Value
from registry.csv_file import CsvFile, Problem, Row, read
from registry.sheets import SHEETS, Table
from runtime.errors import WanghuoError

Key = tuple[str, ...]
Stored = dict[str, Value]
Register = dict[Table, dict[Key, Stored]]
"""The whole register: rows by table and key; a point's row also has `registered`."""


class ImportRefusedError(WanghuoError):
    """The files cannot be taken; the text names every problem, one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        lines = "\n".join(f"  {problem}" for problem in problems)
        super().__init__(f"nothing was imported, {len(problems)} problem{'s' if len(problems) != 1 else ''} found:\n{lines}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A row as it is (None: not there yet) and as it will be."""

    table: Table
    key: Key
    before: Stored | None
    after: Stored

    @property
    def differences(self) -> dict[str, tuple[Value, Value]]:
        """Columns that change, before and after."""
        before = self.before or {}
        return {name: (before.get(name), value) for name, value in self.after.items() if before.get(name) != value}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a file does to its table; absent: rows of the register that the file does not name."""

    table: Table
    added: int
    changed: int
    unchanged: int
    absent: int


@dataclass(slots=True, kw_only=True)
class Import:
    """Files made ready to be written."""

    changes: list[Change] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)


def read_files(paths: Mapping[Table, Path]) -> list[CsvFile]:
    """Read files, in the order in which they depend on each other."""
    return [read(paths[table], sheet=SHEETS[table]) for table in Table if table in paths]


def prepare(register: Register, files: Sequence[CsvFile]) -> Import:
    """What the files change in the register.

    Raises:
        ImportRefusedError: with every problem of every file.
    """
    merged: Register = {table: dict(register[table]) for table in Table}
    for file in files:
        for row in file.rows:
            _merge(row, file=file, rows=merged[file.sheet.table])
    for file in files:
        _check_references(file, merged=merged, files=files)
        _check_dates(file, merged=merged)
    _follow_units(merged)
    problems = [problem for file in files for problem in sorted(file.problems, key=lambda problem: problem.line)]
    if problems:
        raise ImportRefusedError(problems)
    changes = [
        Change(table=table, key=key, before=register[table].get(key), after=after)
        for table in Table
        for key, after in merged[table].items()
        if register[table].get(key) != after
    ]
    return Import(changes=changes, tallies=[_tally(file, register=register, changes=changes) for file in files])


def _merge(row: Row, *, file: CsvFile, rows: dict[Key, Stored]) -> None:
    key = file.key(row)
    before = rows.get(key)
    new: Stored = {column.name: column.empty for column in file.sheet.columns}
    if before is None:
        for column in file.sheet.columns:
            if column.required and column.name not in row.given:
                file.wrong("a new row must have it", line=row.line, column=column.name)
                file.doubtful.add(key)
    rows[key] = {**new, **(before or {}), **row.given}
    if file.sheet.table is Table.POINT:
        rows[key]["registered"] = True


def _check_references(file: CsvFile, *, merged: Register, files: Iterable[CsvFile]) -> None:
    known = {table: {key[0] for key in merged[table]} for table in Table}
    unread = {each.sheet.table for each in files if not each.readable}
    for each in files:
        known[each.sheet.table] |= {key[0] for key in each.doubtful}
    references = {"village_id": Table.VILLAGE, "key_unit_id": Table.KEY_UNIT, "transmitter_id": Table.TRANSMITTER}
    own = file.sheet.table
    for row in file.rows:
        for name, table in references.items():
            value = row.given.get(name)
            if value is not None and table is not own and table not in unread and value not in known[table]:
                what = table.replace("_", " ")
                file.wrong(f"no such {what} in the register, nor in the files", line=row.line, column=name, value=str(value))
        if own is Table.TRANSMITTER:
            _check_village(row, file=file, merged=merged)


def _check_village(row: Row, *, file: CsvFile, merged: Register) -> None:
    after = merged[Table.TRANSMITTER][file.key(row)]
    unit_id, given = after["key_unit_id"], row.given.get("village_id")
    if unit_id is None:
        if after["village_id"] is None:
            file.wrong("a transmitter stands in a key unit or in a village", line=row.line, column="village_id")
        return
    unit = merged[Table.KEY_UNIT].get((str(unit_id),))
    if unit is not None and given not in {None, unit["village_id"]}:
        limit = f"key unit {unit_id} stands in {unit['village_id']}, and its transmitters with it"
        file.wrong(limit, line=row.line, column="village_id", value=str(given))


def _check_dates(file: CsvFile, *, merged: Register) -> None:
    pairs = {Table.KEY_UNIT: ("listed_on", "delisted_on"), Table.TRANSMITTER: ("accepted_on", "withdrawn_on")}
    if file.sheet.table not in pairs:
        return
    first, last = pairs[file.sheet.table]
    for row in file.rows:
        after = merged[file.sheet.table][file.key(row)]
        begin, end = after[first], after[last]
        if isinstance(begin, date) and isinstance(end, date) and end < begin:
            file.wrong(f"lies before {first}, {begin}", line=row.line, column=last, value=str(end))


def _follow_units(merged: Register) -> None:
    """A transmitter of a key unit stands where its unit stands, also when that moves."""
    for key, row in merged[Table.TRANSMITTER].items():
        unit = merged[Table.KEY_UNIT].get((str(row["key_unit_id"]),))
        if unit is not None and row["village_id"] != unit["village_id"]:
            merged[Table.TRANSMITTER][key] = {**row, "village_id": unit["village_id"]}


def _tally(file: CsvFile, *, register: Register, changes: Iterable[Change]) -> Tally:
    table = file.sheet.table
    named = {file.key(row) for row in file.rows}
    touched = {change.key: change for change in changes if change.table is table and change.key in named}
    added = sum(change.before is None for change in touched.values())
    return Tally(
        table=table,
        added=added,
        changed=len(touched) - added,
        unchanged=len(named) - len(touched),
        absent=len(register[table].keys() - named),
    )
