"""How alarms look on the shell. Times are Asia/Shanghai; what devices and people wrote is shown without control characters."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from alerts.machine import AlarmState, Behaviour, Device, EventName, Handling, lawful_actions
from alerts.policy import FIRE_PRIORITY, POLICY
from alerts.wording import SHANGHAI, shanghai
from signals.kinds import Kind

_Row = Mapping[str, Any]

PIPE_COLUMNS = 240

DEVICE_WORDS = {True: "活动 active", False: "恢复 restored"}
HANDLING_WORDS = {
    Handling.OPEN: "未处理 open",
    Handling.ACKNOWLEDGED: "已接警 acknowledged",
    Handling.VERIFIED: "已核实 verified",
    Handling.CLOSED: "已结案 closed",
}


def as_json(found: object) -> None:
    """Print as JSON; instants with the offset of Asia/Shanghai."""
    typer.echo(json.dumps(found, default=_plain_json, ensure_ascii=False, indent=2))


def say(sentence: str) -> None:
    """Print a sentence."""
    typer.echo(_plain(sentence))


def board(alarms: Sequence[_Row], *, everything: bool) -> None:
    """Print a line for every alarm."""
    if not alarms:
        say("no alarms" if everything else "no alarm is open")
        return
    table = _table("#", "!", "什么 what", "哪里 where", "装置 device", "处理 handling", "发生 occurred", "×")
    for alarm in alarms:
        where = " · ".join(
            filter(None, (alarm["village_name"], alarm["key_unit_name"] or alarm["transmitter_name"], _point(alarm)))
        )
        fire = alarm["priority"] == FIRE_PRIORITY and alarm["handling"] != Handling.CLOSED
        _add(
            table,
            alarm["alarm_id"],
            alarm["priority"],
            _what(alarm),
            where,
            DEVICE_WORDS[alarm["device_active"]],
            HANDLING_WORDS[Handling(alarm["handling"])],
            shanghai(alarm["occurred_at"]),
            alarm["occurrences"],
            style="bold red" if fire else "",
        )
    _print(table)


def card(alarm: _Row, *, journal: Iterable[_Row], notifications: Sequence[_Row]) -> None:
    """Print everything about one alarm."""
    facts = Table(box=None, show_header=False, pad_edge=False)
    for name, text in _facts(alarm).items():
        if text not in {None, ""}:
            _add(facts, name, text)
    _print(facts)
    history = _table("经过 journal", "事件 event", "结果 effect", "谁 who", "详情 detail")
    for entry in journal:
        _add(history, shanghai(entry["at"]), entry["event"], entry["effect"], entry["actor"], _detail(entry["detail"]))
    _print(history)
    if notifications:
        owed = _table("通知 notified", "次 occasion", "状态 state", "试 attempts", "送达 sent", "错误 error")
        for row in notifications:
            sent = shanghai(row["sent_at"]) if row["sent_at"] else ""
            _add(owed, row["recipient"], row["occasion"], row["state"], row["attempts"], sent, row["last_error"] or "")
        _print(owed)


def lawful(alarm: _Row) -> list[str]:
    """What an operator may do with the alarm now."""
    state = AlarmState(
        behaviour=Behaviour(alarm["behaviour"]),
        device=Device.ACTIVE if alarm["device_active"] else Device.RESTORED,
        handling=Handling(alarm["handling"]),
    )
    return [str(name) for name in lawful_actions(state)]


def _facts(alarm: _Row) -> dict[str, Any]:
    verdict = " · ".join(filter(None, (alarm["disposition"], alarm["cause"])))
    return {
        "报警 alarm": f"{alarm['alarm_id']} · {_what(alarm)} · priority {alarm['priority']}",
        "状态 state": f"{DEVICE_WORDS[alarm['device_active']]} · {HANDLING_WORDS[Handling(alarm['handling'])]}",
        "发生 occurred": shanghai(alarm["occurred_at"]),
        "收到 received": shanghai(alarm["received_at"]),
        "单位 unit": " · ".join(filter(None, (alarm["village_name"], alarm["key_unit_name"]))),
        "地址 address": alarm["address"],
        "电话 telephone": alarm["telephone"],
        "点位 point": f"{_point(alarm)} ({alarm['transmitter_id']}/{alarm['point']})",
        "位置 place": " · ".join(filter(None, (alarm["transmitter_place"], alarm["point_place"]))),
        "登记 register": "" if alarm["registered"] else "未登记 not in the register",
        "原因 reason": alarm["reason"],
        "次数 counts": f"{alarm['occurrences']} × began, {alarm['re_alarms']} re-alarms",
        "接警 acknowledged": _mark(alarm, EventName.ACKNOWLEDGE),
        "核实 verified": " · ".join(filter(None, (_mark(alarm, EventName.VERIFY), verdict))),
        "结案 closed": _mark(alarm, EventName.CLOSE),
        "可做 lawful": ", ".join(lawful(alarm)),
    }


def _mark(alarm: _Row, event: EventName) -> str:
    name = {EventName.ACKNOWLEDGE: "acknowledged", EventName.VERIFY: "verified", EventName.CLOSE: "closed"}[event]
    return f"{shanghai(alarm[f'{name}_at'])} {alarm[f'{name}_by']}" if alarm[f"{name}_at"] else ""


def _what(alarm: _Row) -> str:
    policy = POLICY[Kind(alarm["kind"])]
    again = f" 再次 ×{alarm['re_alarms']}" if alarm["re_alarms"] else ""
    raw = f" ({alarm['raw_kind']})" if alarm["raw_kind"] else ""
    return f"{policy.chinese} {policy.english}{raw}{again}"


def _point(alarm: _Row) -> str:
    return str(alarm["point_name"] or alarm["point"] or alarm["transmitter_name"] or alarm["transmitter_id"])


def _detail(detail: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in detail.items() if name not in {"occurred_at", "received_at"}}
    return json.dumps(shown, ensure_ascii=False) if shown else ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    return table


def _add(table: Table, *cells: object, style: str = "") -> None:
    table.add_row(*(Text(_plain(str(cell))) for cell in cells), style=style)


def _plain(text: str) -> str:
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _plain_json(value: object) -> str:
    return value.astimezone(SHANGHAI).isoformat() if isinstance(value, datetime) else str(value)


def _print(table: Table) -> None:
    # Where nobody looks, in a pipe or a log, a line stays a line.
    Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS).print(table)
