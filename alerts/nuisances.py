"""False alarms that somebody verified: which points and units ring for nothing, and points made less sensitive for it."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from alerts import console, printing
from alerts.wording import SHANGHAI, shanghai
from runtime.database import Connection
from runtime.errors import Refused
from sql.queries import load

NUISANCES_A_DAY = 5
"""A key unit with more verified false alarms in a day is flagged: its people begin to ignore alarms."""

_SQL = load("alerts_early_warning")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quieter:
    """An order about a point."""

    transmitter_id: str
    point: str
    sensitivity: float
    reason: str
    days: float


async def units_above(connection: Connection, most: int, *, at: datetime) -> int:
    """How many units have had more than `most` false alarms verified today (Asia/Shanghai)."""
    midnight = at.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    cursor = await connection.execute(_SQL["nuisances"], {"since": midnight})
    rows: list[tuple[Any, ...]] = await cursor.fetchall()
    return len({unit or transmitter for _, _, unit, transmitter, _, _, of_unit in rows if of_unit > most})


def list_nuisances(*, days: int, json: bool) -> None:
    """Print them, the worst first."""
    since = datetime.now(UTC) - timedelta(days=days)
    found = console.read(lambda connection: console.rows(connection, _SQL["nuisances"], since=since))
    flagged = [{**row, "flagged": row["of_unit"] > NUISANCES_A_DAY} for row in found]
    if json:
        printing.as_json(flagged)
        return
    if not flagged:
        printing.say(f"no false alarm was verified in {days} days")
        return
    table = printing.table(
        "日 day", "村 village", "单位 unit", "装置 transmitter", "点位 point", "误报 false alarms", "该单位 of its unit", "!"
    )
    for row in flagged:
        mark = f"> {NUISANCES_A_DAY}" if row["flagged"] else ""
        names = ("day", "village_id", "key_unit_id", "transmitter_id", "point", "false_alarms", "of_unit")
        printing.add(table, *("" if row[name] is None else row[name] for name in names), mark, style="bold" if mark else "")
    printing.show(table)


def quieten(wish: Quieter, *, operator: str | None) -> None:
    """Give the order.

    Raises:
        Refused: no such transmitter, no reason, or not an operator's name.
    """
    name = console.operator_name(operator)
    if not wish.reason.strip():
        raise Refused("a reason is due: who reads this in a year must know why this point was made quieter")

    async def order(connection: console.Connection) -> None:
        try:
            await connection.execute(_SQL["order_sensitivity"], {**asdict(wish), "operator_id": name})
        except psycopg.errors.ForeignKeyViolation:
            raise Refused(f"there is no transmitter {wish.transmitter_id}") from None

    console.order(order)
    printing.say(
        f"{wish.transmitter_id}/{wish.point} warns early with sensitivity {wish.sensitivity:g} for {wish.days:g} days by {name};"
        " fixed thresholds and its own alarms ring as ever"
    )


def orders(*, most: int, json: bool) -> None:
    """Print the orders."""
    found = console.read(lambda connection: console.rows(connection, _SQL["sensitivity_orders"], most=most))
    if json:
        printing.as_json(found)
        return
    if not found:
        printing.say("no point was ever made quieter")
        return
    table = printing.table("点位 point", "灵敏度 sensitivity", "原因 reason", "谁 who", "自 from", "至 until")
    for row in found:
        times = (shanghai(row["ordered_at"]), shanghai(row["expires_at"]))
        printing.add(table, f"{row['transmitter_id']}/{row['point']}", row["sensitivity"], row["reason"], row["ordered_by"], *times)
    printing.show(table)
