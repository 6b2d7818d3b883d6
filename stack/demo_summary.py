"""What the demo says at its end: the connection ratio, what was stored, raised and notified, the fire, and the ledger's verdict."""

from datetime import datetime
from typing import cast

import psycopg
from rich.console import Console

from registry.ratio import Denominator, figures_by_village
from simulator import fires
from simulator.verdict import Verdict
from stack import demo_panel
from stack.board import ratio_table
from stack.board_data import QUERIES, Totals, read_totals
from stack.private import PrivateStack
from stack.receiver import Receiver
from stack.township import connection_ratio

Fire = tuple[datetime | None, datetime | None, str | None]
"""When it was warned of, when it rang, and the reason of the warning."""


async def sum_up(
    stack: PrivateStack, receiver: Receiver, *, judged: Verdict, place: fires.Place, early: bool, console: Console
) -> bool:
    """Say it; returns whether the verdict is good, the fire was warned of, and somebody heard.

    Args:
        stack: that still runs.
        receiver: of the duty officer.
        judged: the ledger's verdict.
        place: where the measured fire burns.
        early: somebody ended the demo, perhaps before the fire was hot and before anything rang.
        console: to say it on.
    """
    async with await psycopg.AsyncConnection.connect(stack.database_url("wanghuo_reader"), autocommit=True) as connection:
        totals = await read_totals(connection)
        on = {"transmitter_id": place.transmitter_id, "point": place.point}
        cursor = await connection.execute(QUERIES["fire_and_warning"], on)
        fire = cast("Fire", await cursor.fetchone())
        on_duty = await demo_panel.duty_latency(connection)
    measured = await connection_ratio(stack)
    villages = figures_by_village(measured.evidence, villages=measured.villages, denominator=Denominator.ALL)
    console.print(ratio_table({measured.villages[name]: found for name, found in villages.items()}))
    _print_totals(totals, receiver, console=console)
    warned = _print_fire(fire, early=early, console=console)
    answered = f"answered after {on_duty:.1f} s" if on_duty is not None else "not answered yet" if early else "NOT answered"
    console.print(f"control room {demo_panel.PANEL} by GB/T 26875.3: its duty check was {answered}", soft_wrap=True)
    for text in judged.lines():
        console.print(text, soft_wrap=True, highlight=False, markup=False)
    heard = bool(receiver.deliveries) or (early and not totals.alarms)
    return judged.ok and warned and heard


def _print_totals(totals: Totals, receiver: Receiver, *, console: Console) -> None:
    console.print(
        f"stored: {totals.signals:,} signals and {totals.telemetry:,} readings; raised: {totals.alarms:,} alarms,"
        f" {totals.fires:,} of them fires, {totals.early_warnings:,} early warnings; notifications:"
        f" {totals.notifications_sent:,} sent,"
        f" {len(receiver.deliveries):,} arrived at the duty officer's webhook, {totals.notifications_due:,} owed",
        soft_wrap=True,
    )


def _print_fire(fire: Fire, *, early: bool, console: Console) -> bool:
    """Say what became of the measured fire; returns False where it rang unwarned, or should have been warned of by now."""
    warned_at, alarmed_at, reason = fire
    if warned_at is not None and (alarmed_at is None or warned_at < alarmed_at):
        lead = f", {(alarmed_at - warned_at).total_seconds():.0f} s before its 58 °C alarm" if alarmed_at else ""
        console.print(f"measured fire: early warning{lead}: {reason}", soft_wrap=True)
        return True
    if alarmed_at is None and early:
        console.print("measured fire: it was not hot enough for a warning when the demo was ended")
        return True
    console.print("measured fire: NO early warning before its 58 °C alarm", style="bold red")
    return False
