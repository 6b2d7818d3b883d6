"""docs/alarm-machine.md, made from the table of `alerts.machine`: `python -m alerts.machine_diagram > docs/alarm-machine.md`."""

import sys
from collections.abc import Iterator

from alerts import machine
from alerts.machine import STEPS, TABLE, Behaviour, Device, EventName, Handling, Outcome

_State = tuple[Device, Handling]
_START: _State = (Device.RESTORED, Handling.CLOSED)


def document() -> str:
    """The page: theory, a diagram for every behaviour, the table."""
    parts = [
        "# The alarm machine",
        "*Made from `alerts/machine.py` by `python -m alerts.machine_diagram`.*",
        str(machine.__doc__).strip(),
    ]
    for behaviour in (Behaviour.LATCHING, Behaviour.SELF_RESTORING):
        parts += [f"## {behaviour.replace('_', '-').capitalize()}", "```mermaid\n" + "\n".join(_diagram(behaviour)) + "\n```"]
    parts += ["## The table", "\n".join(_table())]
    return "\n\n".join(parts) + "\n"


def reachable(behaviour: Behaviour) -> dict[_State, dict[EventName, tuple[_State, Outcome]]]:
    """What every state that an alarm of this behaviour can come to answers to every event."""
    found: dict[_State, dict[EventName, tuple[_State, Outcome]]] = {}
    waiting = [_START]
    while waiting:
        state = waiting.pop()
        if state in found:
            continue
        device, handling = state
        rows = {name: STEPS.get((behaviour, device, handling, name)) for name in EventName}
        found[state] = {name: ((row.device or device, row.handling or handling), row.outcome) for name, row in rows.items() if row}
        waiting += [after for after, _ in found[state].values()]
    return found


def _diagram(behaviour: Behaviour) -> Iterator[str]:
    yield "stateDiagram-v2"
    graph = reachable(behaviour)
    for device, handling in sorted(graph):
        yield f"    {handling}_{device} : {handling}, {device}"
    yield f"    [*] --> {_name(_START)}"
    for state in sorted(graph):
        by_target: dict[_State, list[str]] = {}
        for name, (after, outcome) in graph[state].items():
            by_target.setdefault(after, []).append(f"{name} ({outcome})")
        for after, labels in sorted(by_target.items()):
            yield f"    {_name(state)} --> {_name(after)} : {', '.join(labels)}"


def _name(state: _State) -> str:
    return f"{state[1]}_{state[0]}"


def _table() -> Iterator[str]:
    yield "| event | behaviour | device | handling | → device | → handling | outcome | effects |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in TABLE:
        sets = (row.behaviours, row.devices, row.handlings)
        cells = [row.event, *(" or ".join(words) for words in sets), row.device or "as it was", row.handling or "as it was"]
        yield "| " + " | ".join([*cells, row.outcome, ", ".join(sorted(row.effects))]) + " |"


if __name__ == "__main__":
    sys.stdout.write(document())
