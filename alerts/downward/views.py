"""How commands look on the shell."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from alerts import printing
from alerts.wording import shanghai

STATES = {
    "requested": "已请求 requested",
    "due": "待发 due",
    "sent": "已发 sent",
    "answered": "已应答 answered",
    "expired": "超时 expired",
    "failed": "失败 failed",
}


def board(commands: Sequence[Mapping[str, Any]]) -> None:
    """Print a line for every command."""
    if not commands:
        printing.say("no commands")
        return
    table = printing.table(
        "命令 command", "什么 what", "装置 transmitter", "谁 who", "发出 issued", "状态 state", "时延 latency", "原因 reason"
    )
    for one in commands:
        printing.add(
            table,
            one["command_id"],
            _what(one),
            one["transmitter_id"],
            one["requested_by"],
            shanghai(one["issued_at"]),
            _state(one),
            _latency(one),
            one["failure"] or "",
        )
    printing.show(table)


def card(command: Mapping[str, Any]) -> None:
    """Print everything about one command."""
    times = {
        "发出 issued": command["issued_at"],
        "到期 expires": command["expires_at"],
        "已发 sent": command["sent_at"],
        "装置确认 confirmed": command["confirmed_at"],
        "应答 answered": command["answered_at"],
    }
    facts = {
        "命令 command": command["command_id"],
        "什么 what": _what(command),
        "装置 transmitter": command["transmitter_id"],
        "谁 who": command["requested_by"],
        "状态 state": _state(command),
        **{name: shanghai(at) for name, at in times.items() if at is not None},
        "时延 latency": _latency(command),
        "原因 reason": command["failure"],
        "答 answer": "" if command["answer"] is None else json.dumps(command["answer"], ensure_ascii=False),
    }
    printing.show(printing.facts(facts))


def _what(command: Mapping[str, Any]) -> str:
    members = " ".join(f"{name}={value}" for name, value in command["content"].items())
    return f"{command['name']} {members}".rstrip()


def _state(command: Mapping[str, Any]) -> str:
    taken = " · 装置已收 taken" if command["confirmed_at"] and command["state"] == "sent" else ""
    return STATES[command["state"]] + taken


def _latency(command: Mapping[str, Any]) -> str:
    return "" if command["latency_seconds"] is None else f"{command['latency_seconds']:.1f} s"
