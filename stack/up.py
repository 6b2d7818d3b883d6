"""The services on a private broker and database, until told to stop; what ends by itself is started again."""

import logging
import signal
import threading
from pathlib import Path

from runtime.service import configure_logging
from stack.folders import default_folder
from stack.private import SERVICES, PrivateStack, PrivateStackSettings, publish_environment

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
            mend(stack)


def mend(stack: PrivateStack) -> None:
    """Start again what ended though nobody stopped it."""
    for server in (stack.broker, stack.database):
        if server.failure:
            log.error("%s; starting it again", server.failure)
            server.start()
    for name in SERVICES:
        process = stack.services[name]
        if process.failure:
            log.error("%s; starting it again", process.failure)
            process.start()
