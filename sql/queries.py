"""Named queries: every statement of a service stands in a file of `sql/queries/`, under a `-- name:` line."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"
_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\n", re.MULTILINE)
_LIKE_A_NAME = re.compile(r"^\s*--\s*name\b.*$", re.MULTILINE | re.IGNORECASE)


class QueryFileError(ValueError):
    """A query file that does not read: it names the file and what is wrong."""


@cache
def load(room: str) -> Mapping[str, str]:
    """The queries of `sql/queries/{room}.sql` by name, comments left in (they show in the server's log).

    Raises:
        QueryFileError: the file is missing, holds text before its first name or none after a name, uses a name twice, or
            has a line that looks like a name and is none.
    """
    path = FOLDER / f"{room}.sql"
    if not path.is_file():
        raise QueryFileError(f"{path.name}: no such file in sql/queries")
    head, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    if _statement(head):
        raise QueryFileError(f"{path.name}: text before the first name")
    names, bodies = parts[::2], parts[1::2]
    wrong = [line for part in (head, *bodies) for line in _LIKE_A_NAME.findall(part)]
    if wrong:
        raise QueryFileError(f"{path.name}: not a name: {wrong[0].strip()!r}; due is `-- name: lower_case`")
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise QueryFileError(f"{path.name}: named twice: {', '.join(sorted(twice))}")
    empty = [name for name, body in zip(names, bodies, strict=True) if not _statement(body)]
    if empty:
        raise QueryFileError(f"{path.name}: nothing under the name {empty[0]}")
    return dict(zip(names, (body.strip() for body in bodies), strict=True))


def _statement(text: str) -> str:
    return re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE).strip()
