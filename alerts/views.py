"""How alarms look on the shell."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from alerts.machine import AlarmState, Behaviour, Device, EventName, Handling, lawful_actions
from alerts.policy import FIRE_PRIORITY, POLICY
from alerts.printing import add, facts, say, show, table
from alerts.wording import said_name, shanghai
from signals.kinds import Kind

_Row = Mapping[str, Any]

DEVICE_WORDS = {True: "活动 active", False: "恢复 restored"}
HANDLING_WORDS = {
    Handling.OPEN: "未处理 open",
    Handling.ACKNOWLEDGED: "已接警 acknowledged",
    Handling.VERIFIED: "已核实 verified",
    Handling.CLOSED: "已结案 closed",
}


def board(alarms: Sequence[_Row], *, everything: bool) -> None:
    """Print a line for every alarm."""
    if not alarms:
        say("no alarms" if everything else "no alarm is open")
        return
    found = table("#", "!", "什么 what", "哪里 where", "装置 device", "处理 handling", "发生 occurred", "×")
    for alarm in alarms:
        unit = alarm["key_unit_name"] or alarm["transmitter_name"]
        where = " · ".join(filter(None, (alarm["village_name"], unit, _point(alarm), alarm["point_place"])))
        fire = alarm["priority"] == FIRE_PRIORITY and alarm["handling"] != Handling.CLOSED
        add(
            found,
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
    show(found)


def card(alarm: _Row, *, journal: Iterable[_Row], notifications: Sequence[_Row]) -> None:
    """Print everything about one alarm."""
    show(facts(_facts(alarm)))
    history = table("经过 journal", "事件 event", "结果 effect", "谁 who", "详情 detail")
    for entry in journal:
        add(history, shanghai(entry["at"]), entry["event"], entry["effect"], entry["actor"], _detail(entry["detail"]))
    show(history)
    if notifications:
        owed = table("通知 notified", "次 occasion", "状态 state", "试 attempts", "送达 sent", "错误 error")
        for row in notifications:
            sent = shanghai(row["sent_at"]) if row["sent_at"] else ""
            add(owed, row["recipient"], row["occasion"], row["state"], row["attempts"], sent, row["last_error"] or "")
        show(owed)


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
    name = alarm["point_name"] or said_name(alarm["detail"])
    return str(name or alarm["point"] or alarm["transmitter_name"] or alarm["transmitter_id"])


def _detail(detail: Mapping[str, Any]) -> str:
    shown = {name: value for name, value in detail.items() if name not in {"occurred_at", "received_at"}}
    return json.dumps(shown, ensure_ascii=False) if shown else ""
