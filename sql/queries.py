"""Named queries: every statement of a service stands in a file of `sql/queries/`, under a `-- name:` line."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "queries"
_NAME = re.compile(r"^-- name: (?P<name>[a-z][a-z0-9_]*)\n", re.MULTILINE)


class QueryFileError(ValueError):
    """A query file that does not read: it names the file and what is wrong."""


@cache
def load(room: str) -> Mapping[str, str]:
    """The queries of `sql/queries/{room}.sql` by name, comments left in (they show in the server's log).

    Raises:
        QueryFileError: the file is missing, holds text before its first name, or uses a name twice.
    """
    path = FOLDER / f"{room}.sql"
    if not path.is_file():
        raise QueryFileError(f"{path.name}: no such file in sql/queries")
    head, *parts = _NAME.split(path.read_text(encoding="utf-8"))
    if re.sub(r"^--.*$", "", head, flags=re.MULTILINE).strip():
        raise QueryFileError(f"{path.name}: text before the first name")
    names = parts[::2]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise QueryFileError(f"{path.name}: named twice: {', '.join(sorted(twice))}")
    return dict(zip(names, (body.strip() for body in parts[1::2]), strict=True))
