"""The tables of GB/T 26875.3-2011 as data: codes, names in English and Chinese, bits, units. Nothing here decides anything."""

from dataclasses import dataclass
from enum import IntEnum


class Command(IntEnum):
    """Command byte of a frame (table 2)."""

    RESERVED = 0
    CONTROL = 1
    SEND_DATA = 2
    CONFIRM = 3
    REQUEST = 4
    ANSWER = 5
    DENY = 6


@dataclass(frozen=True, slots=True)
class Name:
    """A code's name, in English and as the standard prints it."""

    english: str
    chinese: str


SYSTEM_TYPES = {
    0: Name("generic", "通用"),
    1: Name("fire alarm system", "火灾报警系统"),
    10: Name("fire linkage controller", "消防联动控制器"),
    11: Name("hydrant system", "消火栓系统"),
    12: Name("sprinkler system", "自动喷水灭火系统"),
    13: Name("gas extinguishing system", "气体灭火系统"),
    14: Name("water spray, pump start", "水喷雾灭火系统(泵启动方式)"),
    15: Name("water spray, pressure-vessel start", "水喷雾灭火系统(压力容器启动方式)"),
    16: Name("foam", "泡沫灭火系统"),
    17: Name("dry powder", "干粉灭火系统"),
    18: Name("smoke control and extraction", "防烟排烟系统"),
    19: Name("fire doors and shutters", "防火门及卷帘系统"),
    20: Name("fire lift", "消防电梯"),
    21: Name("emergency broadcast", "消防应急广播"),
    22: Name("emergency lighting and exit signs", "消防应急照明和疏散指示系统"),
    23: Name("fire power supply", "消防电源"),
    24: Name("fire telephone", "消防电话"),
}
"""System types (table 4); 128–255 are user-defined, the others reserved."""

COMPONENT_TYPES = {
    0: Name("generic", "通用"),
    1: Name("fire alarm control unit", "火灾报警控制器"),
    10: Name("combustible-gas detector", "可燃气体探测器"),
    11: Name("combustible-gas detector, point type", "点型可燃气体探测器"),
    12: Name("combustible-gas detector, stand-alone", "独立式可燃气体探测器"),
    13: Name("combustible-gas detector, line type", "线型可燃气体探测器"),
    16: Name("electrical-fire monitor", "电气火灾监控报警器"),
    17: Name("residual-current detector", "剩余电流式电气火灾监控探测器"),
    18: Name("temperature-type electrical-fire detector", "测温式电气火灾监控探测器"),
    21: Name("detection loop", "探测回路"),
    22: Name("fire repeater display", "火灾显示盘"),
    23: Name("manual call point", "手动火灾报警按钮"),
    24: Name("hydrant button", "消火栓按钮"),
    25: Name("fire detector", "火灾探测器"),
    30: Name("heat detector", "感温火灾探测器"),
    31: Name("point heat", "点型感温火灾探测器"),
    32: Name("point heat, S", "点型感温火灾探测器(S型)"),
    33: Name("point heat, R", "点型感温火灾探测器(R型)"),
    34: Name("line heat", "线型感温火灾探测器"),
    35: Name("line heat, S", "线型感温火灾探测器(S型)"),
    36: Name("line heat, R", "线型感温火灾探测器(R型)"),
    37: Name("fibre-optic heat", "光纤感温火灾探测器"),
    40: Name("smoke detector", "感烟火灾探测器"),
    41: Name("point ionisation smoke", "点型离子感烟火灾探测器"),
    42: Name("point photoelectric smoke", "点型光电感烟火灾探测器"),
    43: Name("beam smoke", "线型光束感烟火灾探测器"),
    44: Name("aspirating smoke", "吸气式感烟火灾探测器"),
    50: Name("combined detector", "复合式火灾探测器"),
    51: Name("smoke + heat", "复合式感烟感温火灾探测器"),
    52: Name("light + heat", "复合式感光感温火灾探测器"),
    53: Name("light + smoke", "复合式感光感烟火灾探测器"),
    61: Name("ultraviolet flame", "紫外火焰探测器"),
    62: Name("infrared flame", "红外火焰探测器"),
    69: Name("optical flame detector", "感光火灾探测器"),
    74: Name("gas detector", "气体探测器"),
    78: Name("video detector", "图像摄像方式火灾探测器"),
    79: Name("acoustic detector", "感声火灾探测器"),
    81: Name("gas-extinguishing controller", "气体灭火控制器"),
    82: Name("electrical control device", "消防电气控制装置"),
    83: Name("control-room graphic display", "消防控制室图形显示装置"),
    84: Name("module", "模块"),
    85: Name("input module", "输入模块"),
    86: Name("output module", "输出模块"),
    87: Name("input/output module", "输入/输出模块"),
    88: Name("relay module", "中继模块"),
    91: Name("fire pump", "消防水泵"),
    92: Name("fire water tank", "消防水箱"),
    95: Name("sprinkler pump", "喷淋泵"),
    96: Name("flow indicator", "水流指示器"),
    97: Name("signal valve", "信号阀"),
    98: Name("alarm valve", "报警阀"),
    99: Name("pressure switch", "压力开关"),
    101: Name("valve actuator", "阀驱动装置"),
    102: Name("fire door", "防火门"),
    103: Name("fire damper", "防火阀"),
    104: Name("ventilation/air conditioning", "通风空调"),
    105: Name("foam-concentrate pump", "泡沫液泵"),
    106: Name("pipework solenoid valve", "管网电磁阀"),
    111: Name("smoke-control fan", "防烟排烟风机"),
    113: Name("smoke-extraction fire damper", "排烟防火阀"),
    114: Name("normally-closed air inlet", "常闭送风口"),
    115: Name("smoke outlet", "排烟口"),
    116: Name("powered smoke curtain", "电控挡烟垂壁"),
    117: Name("fire-shutter controller", "防火卷帘控制器"),
    118: Name("fire-door monitor", "防火门监控器"),
    121: Name("alarm sounder device", "警报装置"),
}
"""Component types (table 5); 128–255 are user-defined, the others reserved."""

SYSTEM_STATUS_BITS = (
    "normal(0=test)",
    "fire",
    "fault",
    "shielded",
    "supervisory",
    "started",
    "feedback",
    "delay",
    "main_power_fault",
    "standby_power_fault",
    "bus_fault",
    "manual",
    "config_changed",
    "reset",
)
"""Type 1, u16le, lowest bit first (8.2.1.1). Bit 0 never decides about an alarm: devices in the field leave it 0."""

COMPONENT_STATUS_BITS = (*SYSTEM_STATUS_BITS[:8], "power_fault")
"""Type 2, u16le (8.2.1.2)."""

DEVICE_STATUS_BITS = (
    "normal(0=test)",
    "fire",
    "fault",
    "main_power_fault",
    "standby_power_fault",
    "centre_channel_fault",
    "monitored_line_fault",
)
"""Type 21, u8 (8.2.1.9)."""

FACILITY_OPERATION_BITS = ("reset", "silence", "manual_alarm", "alarm_cleared", "self_test", "acknowledge", "test")
"""Type 4, u8 (8.2.1.4)."""

DEVICE_OPERATION_BITS = (*FACILITY_OPERATION_BITS[:5], "duty_check_answer", "test")
"""Type 24, u8 (8.2.1.10)."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An analog quantity: value = s16le × numerator ÷ denominator, valid from `lowest` to `highest` raw."""

    name: str
    chinese: str
    unit: str
    divisor: int
    lowest: int
    highest: int


ANALOG_TYPES = {
    1: Quantity("event_count", "事件计数", "件", 1, 0, 32000),
    2: Quantity("height", "高度", "m", 100, 0, 32000),
    3: Quantity("temperature", "温度", "℃", 10, -2730, 32000),
    4: Quantity("pressure", "压力", "MPa", 10, 0, 32000),
    5: Quantity("pressure", "压力", "kPa", 10, 0, 32000),
    6: Quantity("gas_concentration", "气体浓度", "%LEL", 10, 0, 1000),
    7: Quantity("time", "时间", "s", 1, 0, 32000),
    8: Quantity("voltage", "电压", "V", 10, 0, 32000),
    9: Quantity("current", "电流", "A", 10, 0, 32000),
    10: Quantity("flow", "流量", "L/s", 10, 0, 32000),
    11: Quantity("air_volume", "风量", "m³/min", 10, 0, 32000),
    12: Quantity("wind_speed", "风速", "m/s", 1, 0, 20),
}
"""Analog types (table 6); 128–255 are user-defined, the others reserved."""
