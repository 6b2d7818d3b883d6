"""Quarantine is kept within its limits."""

from ingest.quarantine import BYTES_MAXIMUM, ROW_OVERHEAD_BYTES, ROWS_MAXIMUM, TRANSMITTER_BYTES_MAXIMUM
from ingest.records import SQL
from ingest.store import Store

TRIM_SECONDS = 20.0
"""Each transmitter may put 4 MiB at once and 500 B a second into quarantine: in this time it cannot grow much beyond its limits."""

TRIM_LOCK = 0x77616E67_0002
"""Advisory lock: one lane trims at a time."""

_LIMITS = {
    "rows": ROWS_MAXIMUM,
    "bytes": BYTES_MAXIMUM,
    "transmitter_bytes": TRANSMITTER_BYTES_MAXIMUM,
    "overhead": ROW_OVERHEAD_BYTES,
}


async def trim(store: Store) -> None:
    """Delete the oldest rows beyond the limits; no other process does so at the same time.

    Raises:
        Unavailable: the database does not answer.
    """
    async with store.transaction() as connection:
        cursor = await connection.execute(SQL["may_trim"], {"key": TRIM_LOCK})
        row = await cursor.fetchone()
        if row is not None and row[0]:
            await connection.execute(SQL["trim_quarantine"], _LIMITS)
