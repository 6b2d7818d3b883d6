"""What each kind of signal asks of us: one row a kind, pure data. Words: docs/glossary.md."""

from dataclasses import dataclass

from alerts.machine import Behaviour
from signals.kinds import CENTRE_KINDS, FIRE_KINDS, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a kind is treated.

    Attributes:
        priority: 0 (fire kinds, before everything else: GB 26875.1-2011 4.1.2.3) to 3.
        annunciated: sirens sound when it is raised or re-alarms.
        late_raises: a `began` older than the newest word applied still raises: it tells of something that cannot be undone.
    """

    kind: Kind
    behaviour: Behaviour
    priority: int
    chinese: str
    english: str
    annunciated: bool = False
    late_raises: bool = False


_L, _S, _I = Behaviour.LATCHING, Behaviour.SELF_RESTORING, Behaviour.INFORMING


def _fire(kind: Kind, *, chinese: str, english: str, annunciated: bool = True) -> Policy:
    return Policy(
        kind=kind,
        behaviour=_L,
        priority=0,
        chinese=chinese,
        english=english,
        annunciated=annunciated,
        late_raises=True,
    )


def _other(kind: Kind, behaviour: Behaviour, *, priority: int, chinese: str, english: str) -> Policy:
    return Policy(kind=kind, behaviour=behaviour, priority=priority, chinese=chinese, english=english)


_ROWS = (
    _fire(Kind.FIRE_ALARM, chinese="火警", english="Fire alarm"),
    _fire(Kind.MANUAL_ALARM, chinese="手动报警", english="Manual alarm"),
    _fire(Kind.VIDEO_FIRE, chinese="视频火警", english="Fire seen by camera"),
    _fire(Kind.GAS_ALARM, chinese="可燃气体报警", english="Gas alarm"),
    # It watches wiring before it burns (GB 50116 ch. 9): persons go and look, nobody is driven out of the house.
    _fire(Kind.ELECTRICAL_FIRE_ALARM, chinese="电气火灾报警", english="Electrical fire alarm", annunciated=False),
    # The device's word is unknown to us: it may have been a fire.
    _fire(Kind.UNCLASSIFIED, chinese="未识别信号", english="Unclassified signal"),
    # An arc comes and goes, the damaged wire stays.
    _other(Kind.ARC_FAULT, _L, priority=1, chinese="故障电弧", english="Arc fault"),
    _other(Kind.PRE_ALARM, _S, priority=1, chinese="预报警", english="Pre-alarm"),
    _other(Kind.EARLY_WARNING, _S, priority=1, chinese="早期预警", english="Early warning"),
    # Somebody fought a fire, or gas was released on people; "over" only says that the cylinder was filled again.
    Policy(
        kind=Kind.EXTINGUISHER_DISCHARGED,
        behaviour=_L,
        priority=1,
        chinese="灭火剂喷放",
        english="Extinguisher discharged",
        late_raises=True,
    ),
    # A pump or fan runs because something is burning, or by mistake; it is over when it stops.
    _other(Kind.ACTIVATION, _S, priority=1, chinese="设施启动", english="Facility started"),
    # Nobody hears the panel: the room rests on us until somebody is back.
    _other(Kind.ABSENCE, _S, priority=1, chinese="值班脱岗", english="Nobody on duty"),
    _other(Kind.DUTY_UNANSWERED, _S, priority=1, chinese="查岗无应答", english="Duty check unanswered"),
    # It may have been a fire, and no later word can take it back: a person looks at the quarantined bytes.
    _other(Kind.UNREADABLE, _L, priority=1, chinese="信号无法读取", english="Unreadable signal"),
    _other(Kind.PATH_OFFLINE, _S, priority=1, chinese="通路中断", english="Many transmitters offline"),
    # Which of two transmitters speaks under this id, or what was lost when it was wiped, only a person finds out.
    _other(Kind.KEY_CONFLICT, _L, priority=2, chinese="编号冲突", english="Counter conflict"),
    _other(Kind.OFFLINE, _S, priority=2, chinese="离线", english="Offline"),
    # It may still report, but hears nothing: no clock, no duty check, no query reaches it.
    _other(Kind.UNRESPONSIVE, _S, priority=2, chinese="命令无应答", english="Commands unanswered"),
    # Water, found from telemetry before anybody needs it.
    _other(Kind.FACILITY_FAILING, _S, priority=2, chinese="消防设施预警", english="Facility failing"),
    # It would not see a fire.
    _other(Kind.SENSOR_SUSPECT, _S, priority=2, chinese="传感器可疑", english="Sensor not to be trusted"),
    _other(Kind.SUPERVISORY, _S, priority=2, chinese="监管", english="Supervisory"),
    _other(Kind.VALVE, _S, priority=2, chinese="阀门异常", english="Valve off-normal"),
    _other(Kind.FAULT, _S, priority=2, chinese="故障", english="Fault"),
    _other(Kind.LINE_FAULT, _S, priority=2, chinese="线路故障", english="Line fault"),
    _other(Kind.MAIN_POWER_FAULT, _S, priority=2, chinese="主电故障", english="Main power fault"),
    _other(Kind.BACKUP_POWER_FAULT, _S, priority=2, chinese="备电故障", english="Backup power fault"),
    _other(Kind.TAMPER, _S, priority=2, chinese="防拆报警", english="Tampering"),
    _other(Kind.DISABLEMENT, _S, priority=2, chinese="屏蔽", english="Disablement"),
    # Sprinkler or smoke control that a person would have to start by hand is a finding (GB 25201-2010 5.2 c).
    _other(Kind.MANUAL_MODE, _S, priority=2, chinese="手动状态", english="Left in manual mode"),
    _other(Kind.PASSAGE_BLOCKED, _S, priority=2, chinese="消防通道堵塞", english="Passage blocked"),
    _other(Kind.HYDRANT_ABNORMAL, _S, priority=2, chinese="消火栓异常", english="Hydrant abnormal"),
    _other(Kind.LOW_BATTERY, _S, priority=3, chinese="电池电量低", english="Low battery"),
    _other(Kind.CONTAMINATION, _S, priority=3, chinese="探测器污染", english="Detector contaminated"),
    _other(Kind.END_OF_LIFE, _S, priority=3, chinese="寿命到期", english="End of life"),
    _other(Kind.UPKEEP_DUE, _S, priority=3, chinese="需要维护", english="Upkeep due"),
    # Not enough for a warning: remembered, and nobody is asked to act.
    _other(Kind.EARLY_WATCH, _I, priority=3, chinese="早期关注", english="Early watch"),
    _other(Kind.FEEDBACK, _I, priority=3, chinese="反馈", english="Feedback"),
    _other(Kind.DELAY, _I, priority=3, chinese="延时", english="Delay"),
    _other(Kind.SILENCE, _I, priority=3, chinese="消音", english="Silence"),
    _other(Kind.RESET, _I, priority=3, chinese="复位", english="Reset"),
    _other(Kind.CONFIG_CHANGE, _I, priority=3, chinese="配置变更", english="Configuration changed"),
    # A test is never a fire (GB/T 26875.3-2011 8.2), and a fire during a test is one.
    _other(Kind.TEST, _I, priority=3, chinese="测试", english="Test"),
)

POLICY = {row.kind: row for row in _ROWS}
"""The row of every kind."""

FIRE_PRIORITY = 0
PRIORITIES = (0, 1, 2, 3)

DEVICE_KINDS = frozenset(Kind) - (CENTRE_KINDS - {Kind.UNCLASSIFIED}) - {Kind.RESET}
"""Kinds of conditions that a device's snapshot and reset speak of. `reset` itself is an instant, not a condition."""

assert all(POLICY[kind].priority == FIRE_PRIORITY for kind in FIRE_KINDS)
