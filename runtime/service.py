"""The life of a service process: settings, logging, event loop, health, and an orderly end on SIGTERM or SIGINT."""

import asyncio
import logging
import signal
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

from runtime.errors import ConfigurationError
from runtime.health import Health, serve
from runtime.settings import S, load

TURN_SECONDS = 1.0
SAME_AGAIN_SECONDS = 60.0
TEXTS_REMEMBERED = 100

log = logging.getLogger(__name__)


def configure_logging(level: str) -> None:
    """Log to standard error: time in UTC, level, logger, text."""
    logging.basicConfig(
        level=level.upper(),
        stream=sys.stderr,
        force=True,
        format="%(asctime)s.%(msecs)03dZ %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    logging.Formatter.converter = time.gmtime
    logging.getLogger("psycopg.pool").addFilter(_Seldom())


class _Seldom(logging.Filter):
    """Why the database is away is said once a minute, not at every attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return False
        text = record.getMessage()
        if record.created - self._said.get(text, -SAME_AGAIN_SECONDS) < SAME_AGAIN_SECONDS:
            return False
        if len(self._said) > TEXTS_REMEMBERED:
            self._said.clear()
        self._said[text] = record.created
        return True


def run(name: str, settings_type: type[S], *, port: Callable[[S], int], main: Callable[[S, Health], Awaitable[None]]) -> int:
    """Run a service until it is told to stop.

    Args:
        name: shown in logs and by /healthz.
        settings_type: what to read from the environment.
        port: of /metrics, /healthz and /readyz.
        main: the work; cancelled on SIGTERM and SIGINT, and expected to clean up within a few seconds.

    Returns:
        Exit status: 0 after an orderly end, 2 for a wrong configuration, 1 for anything unforeseen.
    """
    try:
        settings = load(settings_type)
        configure_logging(settings.log_level)
        health = Health(name)
        stop_serving = serve(health, host=settings.http_host, port=port(settings))
    except ConfigurationError as error:
        print(f"wanghuo {name}: {error}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        uvloop.run(_until_told(main(settings, health), health=health))
    except Exception as error:
        mistakes = [leaf for leaf in _leaves(error) if isinstance(leaf, ConfigurationError)]
        for mistake in mistakes:
            print(f"wanghuo {name}: {mistake}", file=sys.stderr)  # noqa: T201
        if mistakes:
            return 2
        log.exception("%s ends on an unforeseen error", name)
        return 1
    finally:
        stop_serving()
    return 0


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]


async def _until_told(work: Awaitable[None], *, health: Health) -> None:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    told = False

    def stop() -> None:
        nonlocal told
        told = True
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    turning = asyncio.create_task(_turn(health), name="turn")
    try:
        await task
    except asyncio.CancelledError:
        if not told:
            raise
    finally:
        turning.cancel()


async def _turn(health: Health) -> None:
    while True:
        health.turned()
        await asyncio.sleep(TURN_SECONDS)
