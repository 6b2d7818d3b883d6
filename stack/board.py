"""The live board: stored messages a second, open alarms with their age, the connection ratio of every village, the ledger."""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import psycopg
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from registry.ratio import Figures
from runtime.errors import Unavailable
from simulator.ledger import Ledger
from stack.board_data import BoardData, OpenAlarm, look
from stack.private import PrivateStack

REFRESH_SECONDS = 1.0
PLAIN_EVERY_SECONDS = 5.0
LOOK_TIMEOUT_SECONDS = 5.0
STYLES = {0: "bold white on red", 1: "bold yellow", 2: "yellow", 3: "dim"}


async def show(stack: PrivateStack, ledger: Ledger, *, console: Console) -> None:
    """Show the board until cancelled: live in a terminal, a line every 5 s elsewhere."""
    url = stack.database_url("wanghuo_reader")
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else _plain() as live:
        before, printed = (time.monotonic(), 0.0), 0.0
        while True:
            try:
                async with (
                    asyncio.timeout(LOOK_TIMEOUT_SECONDS),
                    await psycopg.AsyncConnection.connect(url, autocommit=True) as connection,
                ):
                    data = await look(stack, connection)
            except (psycopg.Error, Unavailable, TimeoutError) as error:
                why = str(error).partition("\n")[0] or "no answer"
                console.print(f"the board waits for the database: {why}", style="yellow", highlight=False)
                await asyncio.sleep(REFRESH_SECONDS)
                continue
            now = time.monotonic()
            rate = max(0.0, data.stored - before[1]) / max(0.001, now - before[0])
            before = (now, data.stored)
            if live is not None:
                live.update(board(data, rate=rate, ledger=ledger, at=datetime.now(UTC)), refresh=True)
            elif now - printed >= PLAIN_EVERY_SECONDS:
                printed = now
                console.print(line(data, rate=rate, ledger=ledger), highlight=False, soft_wrap=True)
            await asyncio.sleep(REFRESH_SECONDS)


class _plain:  # noqa: N801
    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


def line(data: BoardData, *, rate: float, ledger: Ledger) -> str:
    """The board as one line."""
    totals = data.totals
    unconfirmed = sum(entry.confirmed_at is None and not entry.forgotten for entry in ledger.entries)
    return (
        f"{rate:,.0f} stored/s; {totals.signals:,} signals, {totals.telemetry:,} readings; {totals.alarms:,} alarms"
        f" ({totals.fires:,} fires, {totals.early_warnings:,} early warnings), {totals.open_alarms:,} of them open;"
        f" {totals.notifications_sent:,} notifications; ledger: {len(ledger.entries):,} objects said, {unconfirmed:,} unconfirmed"
    )


def board(data: BoardData, *, rate: float, ledger: Ledger, at: datetime) -> Group:
    """The board as a terminal shows it."""
    return Group(Text(line(data, rate=rate, ledger=ledger), style="bold"), _alarms(data, at=at), ratio_table(data.villages))


def _alarms(data: BoardData, *, at: datetime) -> Table:
    more = (
        f", the {len(data.alarms)} most urgent of {data.totals.open_alarms}" if len(data.alarms) < data.totals.open_alarms else ""
    )
    table = Table(title=f"望火 Wanghuo: open alarms{more}", expand=True)
    for name in ("no.", "age", "what"):
        table.add_column(name, no_wrap=True)
    table.add_column("where", ratio=2, no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("why", ratio=3, no_wrap=True)
    for alarm in data.alarms:
        cells = (str(alarm.alarm_id), _age(at - alarm.raised_at), alarm.kind, _where(alarm), alarm.handling, alarm.reason)
        table.add_row(*cells, style=STYLES[alarm.priority])
    return table


def _age(age: timedelta) -> str:
    seconds = max(0, round(age.total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _where(alarm: OpenAlarm) -> str:
    return " ".join(part for part in (alarm.village, alarm.unit, alarm.transmitter_id, alarm.point) if part)


def ratio_table(villages: Mapping[str, Figures]) -> Table:
    """The connection ratio by village, and the township's."""
    table = Table("village", "key units", "connected", "ratio", "online", title="connection ratio")
    for name, found in villages.items():
        table.add_row(name, str(found.units), str(found.connected), percent(found.ratio), str(found.online))
    units, connected = (sum(getattr(found, name) for found in villages.values()) for name in ("units", "connected"))
    online = sum(found.online for found in villages.values())
    table.add_section()
    table.add_row("township", str(units), str(connected), percent(connected / units if units else None), str(online))
    return table


def percent(ratio: float | None) -> str:
    """A ratio for people; "–" where there is nothing to divide by."""
    return "–" if ratio is None else f"{ratio:.1%}"
