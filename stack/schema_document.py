"""docs/schema.md: the tables as the database itself describes them."""

import psycopg

from sql.queries import load
from stack.markdown import table

SQL = load("documents")
LEAD = """\
Tables belong to the role wanghuo_owner, who cannot log in. Everybody reads everything; who writes what is said below, and
nobody else can.
"""


def schema(url: str, *, note: str) -> str:
    """Every table with its writer, columns, constraints and indexes, from the catalogue of a migrated database."""
    with psycopg.connect(url) as connection:
        sections = [_section(connection, str(name), purpose=str(purpose)) for name, purpose in connection.execute(SQL["tables"])]
    return "\n".join([f"# Schema\n\n{note}\n\n{LEAD}", *sections])


def _section(connection: psycopg.Connection, name: str, *, purpose: str) -> str:
    named = {"table": name}
    writers = [f"{role} ({rights})" for role, rights in connection.execute(SQL["writers"], named)]
    columns = table(
        ("column", "type", "if not said", "what it is"),
        [(f"`{row[0]}`", str(row[1]), str(row[2]), str(row[3])) for row in connection.execute(SQL["columns"], named)],
    )
    rules = "".join(f"- `{rule}` {definition}\n" for rule, definition in connection.execute(SQL["rules"], named))
    purpose = f"{purpose}. " if purpose else ""
    written = f"Written by {' and '.join(writers)}." if writers else "Written by no service."
    return f"## {name}\n\n{purpose}{written}\n\n{columns}\n{rules}"
