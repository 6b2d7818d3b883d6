"""`wanghuo`: the one command line, a subcommand for every service and every task. The rooms bring their own commands."""

import logging
import sys
from importlib import import_module

import typer

from runtime.errors import ConfigurationError, WanghuoError

ROOMS = (
    "ingest.commands",
    "ingest.gb26875.commands",
    "alerts.commands",
    "alerts.downward.commands",
    "alerts.early_warning_commands",
    "alerts.nuisance_commands",
    "alerts.watchdog_commands",
    "registry.commands",
    "simulator.commands",
    "stack.backup_commands",
    "stack.documents",
    "stack.commands",
)
"""Modules with a `register(app)`; each imports what is heavy only when its command runs."""


def application() -> typer.Typer:
    """The command line with the commands of every room."""
    app = typer.Typer(
        name="wanghuo",
        help="Wanghuo 望火: a township's fire watch-tower.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for room in ROOMS:
        import_module(room).register(app)
    return app


def main() -> None:
    """Run a command. Exit status 0: done; 1: it could not be done, with one sentence why; 2: wrong usage or configuration."""
    try:
        application()()
    except WanghuoError as error:
        logging.getLogger(__name__).debug("ended by", exc_info=error)
        print(f"wanghuo: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, ConfigurationError) else 1)


if __name__ == "__main__":
    main()
