"""The kinds of a signal: those of the MQTT profile v1, and those that the centre itself states."""

from enum import StrEnum


class Kind(StrEnum):
    """A condition that a device, or the centre about a device, can report."""

    FIRE_ALARM = "fire_alarm"
    MANUAL_ALARM = "manual_alarm"
    VIDEO_FIRE = "video_fire"
    GAS_ALARM = "gas_alarm"
    ELECTRICAL_FIRE_ALARM = "electrical_fire_alarm"
    ARC_FAULT = "arc_fault"
    PRE_ALARM = "pre_alarm"
    SUPERVISORY = "supervisory"
    VALVE = "valve"
    ACTIVATION = "activation"
    FEEDBACK = "feedback"
    DELAY = "delay"
    EXTINGUISHER_DISCHARGED = "extinguisher_discharged"
    FAULT = "fault"
    LINE_FAULT = "line_fault"
    MAIN_POWER_FAULT = "main_power_fault"
    BACKUP_POWER_FAULT = "backup_power_fault"
    LOW_BATTERY = "low_battery"
    CONTAMINATION = "contamination"
    END_OF_LIFE = "end_of_life"
    TAMPER = "tamper"
    DISABLEMENT = "disablement"
    MANUAL_MODE = "manual_mode"
    ABSENCE = "absence"
    PASSAGE_BLOCKED = "passage_blocked"
    HYDRANT_ABNORMAL = "hydrant_abnormal"
    RESET = "reset"
    SILENCE = "silence"
    TEST = "test"
    CONFIG_CHANGE = "config_change"

    # Stated by the centre; a device that sends one of these is read as `unclassified`.
    UNCLASSIFIED = "unclassified"
    UNREADABLE = "unreadable"
    KEY_CONFLICT = "key_conflict"
    OFFLINE = "offline"
    PATH_OFFLINE = "path_offline"
    EARLY_WARNING = "early_warning"
    EARLY_WATCH = "early_watch"
    FACILITY_FAILING = "facility_failing"
    SENSOR_SUSPECT = "sensor_suspect"
    UPKEEP_DUE = "upkeep_due"
    UNRESPONSIVE = "unresponsive"
    DUTY_UNANSWERED = "duty_unanswered"


CENTRE_KINDS = frozenset(
    {
        Kind.UNCLASSIFIED,
        Kind.UNREADABLE,
        Kind.KEY_CONFLICT,
        Kind.OFFLINE,
        Kind.PATH_OFFLINE,
        Kind.EARLY_WARNING,
        Kind.EARLY_WATCH,
        Kind.FACILITY_FAILING,
        Kind.SENSOR_SUSPECT,
        Kind.UPKEEP_DUE,
        Kind.UNRESPONSIVE,
        Kind.DUTY_UNANSWERED,
    }
)
"""Kinds that no device may claim."""

PROFILE_KINDS = frozenset(Kind) - CENTRE_KINDS
"""Kinds of the MQTT profile v1."""

FIRE_KINDS = frozenset(
    {
        Kind.FIRE_ALARM,
        Kind.MANUAL_ALARM,
        Kind.VIDEO_FIRE,
        Kind.GAS_ALARM,
        Kind.ELECTRICAL_FIRE_ALARM,
        Kind.UNCLASSIFIED,
    }
)
"""Kinds handled before everything else (GB 26875.1-2011 4.1.2.3) and closed by a person only.

An unclassified kind is among them: it may have been a fire.
"""


def classify(raw_kind: str) -> Kind:
    """The kind that a device's word stands for; `unclassified` for a word that is not in the profile."""
    return Kind(raw_kind) if raw_kind in PROFILE_KINDS else Kind.UNCLASSIFIED
