"""What people and other systems are told about an alarm: reasons, notifications, publications. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from alerts.facts import Alarm, Change, Observation, Order
from alerts.machine import Device, EventName, Outcome
from alerts.policy import POLICY
from signals.gb26875.text import UNDECODABLE

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one time, without summer time since 1991."""

UNREGISTERED = "未登记 (not in the register)"


def shanghai(instant: datetime) -> str:
    """An instant as people read it, to the second."""
    return instant.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def reason(word: Observation) -> str:
    """Why an alarm is raised: the observer's own reason, else what the device said, with its numbers."""
    return word.reason or "; ".join(_said(word.raw_kind, word.detail))


def _said(raw_kind: str, detail: Mapping[str, Any]) -> Iterator[str]:
    if raw_kind:
        yield f"the device says {raw_kind!r}"
    for name in ("text", "reason", "detail", "level", "cause", "code", "confidence"):
        if (value := detail.get(name)) not in (None, ""):
            yield str(value) if name == "text" else f"{name} {value}"
    yield from _numbers(detail.get("values"))
    if isinstance(evidence := detail.get("evidence"), Mapping):
        yield f"evidence {evidence.get('url')}"
    if isinstance(defects := detail.get("defects"), list):
        yield f"defects: {', '.join(map(str, defects))}"


def _numbers(values: object) -> Iterator[str]:
    for metric, value in values.items() if isinstance(values, Mapping) else ():
        yield f"{metric} {value:g}" if isinstance(value, int | float) else f"{metric} {value}"


def word_detail(word: Observation) -> dict[str, Any]:
    """What the journal keeps of a word beside its origin."""
    said = {"reason": word.reason} if word.reason else {}
    counter = {"boot": word.boot, "seq": word.seq} if word.seq is not None else {}
    return {
        **word.detail,
        **said,
        **counter,
        "occurred_at": word.occurred_at.isoformat(),
        "received_at": word.received_at.isoformat(),
    }


def order_detail(order: Order) -> dict[str, Any]:
    """What the journal keeps of an order beside its id."""
    said = {"disposition": order.disposition, "cause": order.cause}
    return {"requested_at": order.requested_at.isoformat(), **{name: value for name, value in said.items() if value}}


def title(alarm: Alarm) -> str:
    """One line: what, where, whether it is a re-alarm."""
    policy, place = POLICY[alarm.key.kind], alarm.place
    again = f"再次报警 #{alarm.state.re_alarms} " if alarm.state.re_alarms else ""
    where = " · ".join(dict.fromkeys(filter(None, (place.key_unit_name or place.transmitter_name, point_name(alarm)))))
    return f"{again}{policy.chinese} {policy.english} · {where}"


def body(alarm: Alarm, *, told_at: datetime) -> str:
    """Time, unit, address, telephone, point and place (GB 50440 5.2.2), and the reason; a line for each that is known."""
    place = alarm.place
    lines = {
        "时间 time": shanghai(told_at),
        "单位 unit": " · ".join(filter(None, (place.village_name, place.key_unit_name))),
        "地址 address": place.address,
        "电话 telephone": place.telephone,
        "点位 point": f"{point_name(alarm)} ({alarm.key.transmitter_id}/{alarm.key.point})",
        "位置 place": " · ".join(filter(None, (place.transmitter_place, place.point_place))),
        "登记 register": "" if place.registered else UNREGISTERED,
        "原因 reason": alarm.reason,
        "状态 device": "" if alarm.state.device is Device.ACTIVE else "已恢复 (restored since)",
        "编号 alarm": str(alarm.alarm_id),
    }
    return "\n".join(f"{name}: {text}" for name, text in lines.items() if text)


def point_name(alarm: Alarm) -> str:
    """The point's name, else what its frame calls it, else its address; for the transmitter itself the transmitter's."""
    key, place = alarm.key, alarm.place
    return place.point_name or said_name(alarm.detail) or key.point or place.transmitter_name or key.transmitter_id


def said_name(detail: Mapping[str, Any]) -> str:
    """The description of a part in a frame of GB/T 26875.3: its panel's name for it. Empty where there is none."""
    text = detail.get("text") if "system_address" in detail else None
    return text if isinstance(text, str) and not text.startswith(UNDECODABLE) else ""


def publication(change: Change, alarm: Alarm, *, at: datetime) -> dict[str, Any]:
    """What sirens and other systems are told, but for the event's id. Instants are RFC 3339 in UTC."""
    policy, state = POLICY[alarm.key.kind], alarm.state
    rings = change.outcome in {Outcome.RAISED, Outcome.RE_ALARMED}
    return {
        "event": change.outcome,
        "alarm_id": alarm.alarm_id,
        **alarm.key._asdict(),
        "label": {"zh": policy.chinese, "en": policy.english},
        "priority": policy.priority,
        "annunciate": policy.annunciated and rings,
        "re_alarm": change.outcome is Outcome.RE_ALARMED,
        "re_alarms": state.re_alarms,
        "late": change.event is EventName.BEGAN_LATE,
        "device": state.device,
        "handling": state.handling,
        "disposition": state.verified.disposition if state.verified else None,
        **_whereabouts(alarm),
        "reason": alarm.reason,
        "occurred_at": alarm.occurred_at.isoformat(),
        "received_at": alarm.received_at.isoformat(),
        "told_at": change.told_at.isoformat(),
        "concluded_at": at.isoformat(),
    }


def _whereabouts(alarm: Alarm) -> dict[str, Any]:
    place = alarm.place
    return {
        "point_name": point_name(alarm),
        "place": " · ".join(filter(None, (place.transmitter_place, place.point_place))),
        "registered": place.registered,
        "village_id": place.village_id,
        "village_name": place.village_name,
        "key_unit_id": place.key_unit_id,
        "key_unit_name": place.key_unit_name,
        "address": place.address,
        "telephone": place.telephone,
    }
