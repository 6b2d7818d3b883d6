"""The services on a private broker and database, until told to stop; what ends by itself is started again."""

import logging
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from runtime.service import configure_logging
from stack.broker import Broker
from stack.database import Database
from stack.folders import default_folder
from stack.private import SERVICES, PrivateStack, PrivateStackSettings, publish_environment
from stack.processes import ServiceProcess

WATCH_SECONDS = 1.0

log = logging.getLogger(__name__)


def run(*, roster: Path, folder: Path | None) -> None:
    """Run until SIGINT or SIGTERM.

    Raises:
        StackError, MigrationError: it cannot be started; with one clear sentence.
    """
    configure_logging("INFO")
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with PrivateStack(PrivateStackSettings(folder=folder or default_folder() / "up", roster=roster)) as stack:
        stack.start_services()
        publish_environment(stack, where=Path(".stack/env"))
        where = f"broker {stack.broker.url}; GB/T 26875.3 on port {stack.gb26875_port}; database on port {stack.database.port}"
        print(f"ready: {where}", flush=True)  # noqa: T201
        while not ended.wait(WATCH_SECONDS):
            mend(stack, say=log.error)


def mend(stack: PrivateStack, *, say: Callable[[str], None]) -> bool:
    """Start again what ended though nobody stopped it, and `say` so; returns whether there was anything.

    Raises:
        StackError: it cannot be started; with one clear sentence.
    """
    parts: tuple[Broker | Database | ServiceProcess, ...] = (
        stack.broker,
        stack.database,
        *(stack.services[name] for name in SERVICES),
    )
    ended = [(part, part.failure) for part in parts if part.failure]
    for part, failure in ended:
        what, *last_words = failure.splitlines()
        say("\n".join([f"{what}; it is started again", *last_words]))
        part.start()
    return bool(ended)
