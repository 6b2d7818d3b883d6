"""How things are printed on the shell: times in Asia/Shanghai, what devices and people wrote without control characters."""

import json
import sys
from datetime import datetime

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.wording import SHANGHAI

PIPE_COLUMNS = 240


def as_json(found: object) -> None:
    """Print as JSON; instants with the offset of Asia/Shanghai."""
    typer.echo(json.dumps(found, default=_plain_json, ensure_ascii=False, indent=2))


def say(sentence: str) -> None:
    """Print a sentence."""
    typer.echo(plain(sentence))


def table(*columns: str) -> Table:
    """A table with headings."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(Text(column), overflow="fold")
    return made


def facts(named: dict[str, object]) -> Table:
    """A table of names and what they hold; what holds nothing is left out."""
    made = Table(box=None, show_header=False, pad_edge=False)
    for name, text in named.items():
        if text not in {None, ""}:
            add(made, name, text)
    return made


def add(to: Table, *cells: object, style: str = "") -> None:
    """Add a row."""
    to.add_row(*(Text(plain(str(cell))) for cell in cells), style=style)


def show(made: Table) -> None:
    """Print a table."""
    # Where nobody looks, in a pipe or a log, a line stays a line.
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(made)


def plain(text: str) -> str:
    """A text that cannot command a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _plain_json(value: object) -> str:
    return value.astimezone(SHANGHAI).isoformat() if isinstance(value, datetime) else str(value)
