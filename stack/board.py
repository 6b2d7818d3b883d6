"""The live board: stored messages a second, open alarms with their age, the connection ratio of every village, the ledger."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import psycopg
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from registry.ratio import Figures
from simulator.ledger import Ledger
from stack.board_data import BoardData, OpenAlarm, look
from stack.private import PrivateStack

REFRESH_SECONDS = 1.0
PLAIN_EVERY_SECONDS = 5.0
STYLES = {0: "bold white on red", 1: "bold yellow", 2: "yellow", 3: "dim"}


async def show(stack: PrivateStack, ledger: Ledger, *, console: Console, failures: Callable[[], list[str]]) -> None:
    """Show the board until cancelled: live in a terminal, a line every 5 s elsewhere. `failures`: of servers and services."""
    url = stack.database_url("wanghuo_reader")
    with Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else _plain() as live:
        before, printed = (time.monotonic(), 0.0), 0.0
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
                    data = await look(stack, connection)
            except psycopg.Error as error:
                console.print(f"the board waits for the database: {error}", style="yellow")
                await asyncio.sleep(REFRESH_SECONDS)
                continue
            now = time.monotonic()
            rate = max(0.0, data.stored - before[1]) / max(0.001, now - before[0])
            before = (now, data.stored)
            if live is not None:
                live.update(board(data, rate=rate, ledger=ledger, failures=failures()), refresh=True)
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
    return (
        f"{rate:.0f} stored/s; {totals.signals} signals, {totals.telemetry} readings, {totals.open_alarms} open alarms"
        f" ({totals.fires} fires, {totals.early_warnings} early warnings), {totals.notifications_sent} notifications,"
        f" {len(ledger.entries)} objects in the ledger"
    )


def board(data: BoardData, *, rate: float, ledger: Ledger, failures: list[str]) -> Group:
    """The board as a terminal shows it."""
    head = Text(f"望火 Wanghuo   {rate:,.0f} stored/s   {line(data, rate=rate, ledger=ledger)}", style="bold")
    parts: list[RenderableType] = [head, _alarms(data), ratio_table(data.villages)]
    return Group(*parts, *(Panel(failure, style="red") for failure in failures))


def _alarms(data: BoardData) -> Table:
    table = Table("no.", "age", "what", "where", "state", "why", title="open alarms", expand=True)
    now = datetime.now(UTC)
    for alarm in data.alarms:
        age = f"{(now - alarm.raised_at).total_seconds():.0f} s"
        table.add_row(
            str(alarm.alarm_id), age, alarm.kind, _where(alarm), alarm.handling, alarm.reason, style=STYLES[alarm.priority]
        )
    return table


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
