"""A CSV file as an office's spreadsheet saves it, made into rows of values; everything wrong with it is found at once."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from registry.cells import EMPTIED, CellError, Value
from registry.sheets import Column, Sheet

LARGEST_BYTES = 64 * 1024 * 1024
LONGEST_QUOTE = 60
"""Characters of a wrong value that a problem quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why a file cannot be taken; line 0: the file as a whole."""

    file: str
    line: int
    column: str
    value: str
    limit: str

    def __str__(self) -> str:
        """One line, as compilers write them."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        quoted = self.value if len(self.value) <= LONGEST_QUOTE else f"{self.value[:LONGEST_QUOTE]}…"
        return ": ".join([place, *([self.column] if self.column else []), *([repr(quoted)] if self.value else []), self.limit])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one line states, by column; a column that is not here is left as it is, a value of None or "" empties it."""

    line: int
    given: dict[str, Value]


@dataclass(slots=True, kw_only=True)
class CsvFile:
    """A file's rows and problems.

    Attributes:
        doubtful: keys of lines with a problem; others may refer to them without being wrong themselves.
        readable: whether its lines could be told apart at all.
    """

    name: str
    sheet: Sheet
    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    doubtful: set[tuple[str, ...]] = field(default_factory=set)
    readable: bool = False

    def wrong(self, limit: str, *, line: int = 0, column: str = "", value: str = "") -> None:
        """Note a problem."""
        self.problems.append(Problem(file=self.name, line=line, column=column, value=value, limit=limit))

    def key(self, row: Row) -> tuple[str, ...]:
        """Which row of the register it speaks of."""
        return tuple(str(row.given[name]) for name in self.sheet.key)


def read(path: Path, *, sheet: Sheet) -> CsvFile:
    """Read a file, UTF-8 (with or without byte order mark) or else GB 18030, comma-separated, with a line of column names."""
    file = CsvFile(name=path.name, sheet=sheet)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            file.wrong(f"the file is larger than {LARGEST_BYTES} bytes")
            return file
        content = path.read_bytes()
    except OSError as error:
        file.wrong(f"the file cannot be read: {error.strerror}")
        return file
    text = _decode(content)
    if text is None:
        file.wrong("the text is neither UTF-8 nor GB 18030: save it as “CSV UTF-8”")
    elif "\0" in text:
        file.wrong("the text holds NUL characters: save it as “CSV UTF-8”, not as Unicode text or a workbook")
    else:
        _read_text(text, file=file)
    return file


def _decode(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _read_text(text: str, *, file: CsvFile) -> None:
    lines = _lines(text, file=file)
    first = next(lines, None)
    if first is None:
        file.wrong("the file is empty: its first line names the columns")
        return
    columns = _columns(first[1], line=first[0], file=file)
    if columns is None:
        return
    file.readable = True
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in lines:
        row = _row(cells, columns=columns, line=line, file=file)
        if row is None:
            continue
        earlier = seen.setdefault(file.key(row), line)
        if earlier != line:
            file.wrong(f"stands in line {earlier} already", line=line, column=file.sheet.key[-1], value=" ".join(file.key(row)))
        else:
            file.rows.append(row)


def _lines(text: str, *, file: CsvFile) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold anything, each with the number of its first physical line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            file.wrong(f"this is no comma-separated text: {error}", line=number)
            return
        if any(cells):
            yield number, cells


def _columns(cells: Sequence[str], *, line: int, file: CsvFile) -> list[Column | None] | None:
    """The column of every cell, None for one without name; None as a whole where the names cannot be used."""
    by_name = {name: column for column in file.sheet.columns for name in (column.name, *column.chinese)}
    found = [by_name.get(cell.lower()) for cell in cells]
    before = len(file.problems)
    names = [column.name for column in found if column]
    for cell, column in zip(cells, found, strict=True):
        if column is None and cell:
            known = ", ".join(each.name for each in file.sheet.columns)
            file.wrong(f"no such column; a table of this kind has {known}", line=line, column=cell)
        elif column is not None and names.count(column.name) > 1:
            file.wrong("the column stands here more than once", line=line, column=cell)
    for key in file.sheet.key:
        if key not in names:
            file.wrong("the column is missing", line=line, column=key)
    return found if len(file.problems) == before else None


def _row(cells: Sequence[str], *, columns: Sequence[Column | None], line: int, file: CsvFile) -> Row | None:
    before = len(file.problems)
    row = Row(line=line, given={})
    if any(cells[len(columns) :]):
        file.wrong(f"the line has {len(cells)} cells, the first line names {len(columns)} columns", line=line)
    for cell, column in zip(cells, columns, strict=False):
        if cell and column is None:
            file.wrong("the cell stands in a column without a name", line=line, value=cell)
        elif cell and column is not None:
            _take(cell, column=column, row=row, file=file)
    unnamed = [key for key in file.sheet.key if key not in row.given]
    if len(file.problems) == before and not unnamed:
        return row
    if not unnamed:
        file.doubtful.add(file.key(row))
    elif len(file.problems) == before:
        file.wrong("the cell is empty", line=line, column=unnamed[0])
    return None


def _take(cell: str, *, column: Column, row: Row, file: CsvFile) -> None:
    if cell == EMPTIED and column.name not in file.sheet.key:
        if column.required:
            file.wrong("it cannot be emptied", line=row.line, column=column.name, value=cell)
        row.given[column.name] = column.empty
        return
    try:
        row.given[column.name] = column.reader(cell)
    except CellError as error:
        file.wrong(str(error), line=row.line, column=column.name, value=cell)
