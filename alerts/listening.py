"""Ingest's empty NOTIFY shortens the wait for the next poll. It is a convenience: nothing is lost while this is away."""

from collections.abc import Callable

import psycopg

from alerts.patience import patiently
from runtime.database import CONNECT_TIMEOUT_SECONDS, translated

CHANNEL = "signal_inbox"
CHECK_SECONDS = 30.0
"""A connection that died without a word is noticed by asking it something this often."""


async def listen(url: str, *, heard: Callable[[], None]) -> None:
    """Call `heard` for every NOTIFY, for ever, on a connection of its own."""

    async def once() -> None:
        async with (
            translated(),
            await psycopg.AsyncConnection.connect(
                url, autocommit=True, application_name="wanghuo alerts listening", connect_timeout=CONNECT_TIMEOUT_SECONDS
            ) as connection,
        ):
            await connection.execute(f"LISTEN {CHANNEL}")
            heard()
            while True:
                async for _ in connection.notifies(timeout=CHECK_SECONDS):
                    heard()
                await connection.execute("SELECT")

    await patiently(once, what="listening")
