"""The members of every upward object as pydantic sees them. Unknown members are ignored (MQTT profile v1)."""

from typing import Annotated, Literal, NotRequired, cast

from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from signals.messages import INTEGER_MAXIMUM, OBJECTS_MAXIMUM, POINT_CHARACTERS_MAXIMUM, Telemetry
from signals.metrics import VALUES_MAXIMUM


def _storable(value: object) -> object:
    if isinstance(value, str) and not value.isprintable():
        if "\x00" in value:
            raise ValueError("contains U+0000, which the database cannot hold")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise ValueError("contains half of a surrogate pair, which is no character")
    return value


Counter = Annotated[int, Field(ge=0, le=INTEGER_MAXIMUM, strict=True)]
Number = Annotated[float, Field(allow_inf_nan=False, strict=True)]
Word = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, max_length=64)]
Text = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, max_length=200)]
Url = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, max_length=2000)]
Point = Annotated[str, BeforeValidator(_storable), StringConstraints(strict=True, max_length=POINT_CHARACTERS_MAXIMUM)]
Flag = Annotated[bool, Field(strict=True)]
Range = Annotated[tuple[Counter, Counter], Field(strict=False)]


class Evidence(TypedDict):
    url: Url
    sha256: NotRequired[Word]


class SignalSchema(TypedDict):
    boot: NotRequired[Counter]
    seq: NotRequired[Counter]
    point: Point
    kind: Annotated[Word, StringConstraints(min_length=1)]
    active: Flag
    text: NotRequired[Text]
    level: NotRequired[Literal["low", "high"]]
    code: NotRequired[Word]
    cause: NotRequired[Text]
    confidence: NotRequired[Annotated[Number, Field(ge=0, le=1)]]
    evidence: NotRequired[Evidence]
    values: NotRequired[Annotated[dict[Word, Number], Field(max_length=VALUES_MAXIMUM)]]


class Condition(TypedDict):
    point: Point
    kind: Annotated[Word, StringConstraints(min_length=1)]


class SnapshotSchema(TypedDict):
    boot: Counter
    seq: Counter
    page: Annotated[Counter, Field(ge=1)]
    pages: Annotated[Counter, Field(ge=1, le=10_000)]
    active: list[Condition]


class ReplySchema(TypedDict):
    boot: NotRequired[Counter]
    seq: NotRequired[Counter]
    to: Word
    ok: Flag
    operator: NotRequired[Word]
    text: NotRequired[Text]
    gone: NotRequired[Annotated[list[Range], Field(max_length=1000)]]


class StatusSchema(TypedDict):
    online: Flag


class HeartbeatSchema(TypedDict):
    boot: Counter
    seq: Counter
    interval_seconds: Annotated[Counter, Field(ge=1, le=604_800)]
    point: NotRequired[Point]
    power: NotRequired[Literal["main", "backup", "battery"]]
    battery_volts: NotRequired[Number]
    battery_ratio: NotRequired[Number]
    rsrp_dbm: NotRequired[Number]
    rssi_dbm: NotRequired[Number]
    firmware: NotRequired[Word]
    panel_link: NotRequired[Flag]


class TelemetrySchema(Telemetry):
    boot: Counter
    seq: Counter
    point: Point
    values: Annotated[dict[str, Number], Field(min_length=1, max_length=VALUES_MAXIMUM)]


class PlainTelemetrySchema(TypedDict):
    """As nearly every device sends it; without the checks that cost most and that nearly nobody fails."""

    boot: Counter
    seq: Counter
    at: NotRequired[Annotated[str, Field(strict=True)]]
    point: Annotated[str, StringConstraints(strict=True, max_length=POINT_CHARACTERS_MAXIMUM)]
    values: Annotated[dict[str, Number], Field(min_length=1, max_length=VALUES_MAXIMUM)]


SIGNAL: TypeAdapter[SignalSchema] = TypeAdapter(SignalSchema)
SNAPSHOT: TypeAdapter[SnapshotSchema] = TypeAdapter(SnapshotSchema)
REPLY: TypeAdapter[ReplySchema] = TypeAdapter(ReplySchema)
STATUS: TypeAdapter[StatusSchema] = TypeAdapter(StatusSchema)
HEARTBEAT: TypeAdapter[HeartbeatSchema] = TypeAdapter(HeartbeatSchema)
TELEMETRY: TypeAdapter[TelemetrySchema] = TypeAdapter(TelemetrySchema)
PLAIN_TELEMETRY = cast("TypeAdapter[Telemetry]", TypeAdapter(PlainTelemetrySchema))
PLAIN_TELEMETRY_ARRAY = cast(
    "TypeAdapter[list[Telemetry]]",
    TypeAdapter(Annotated[list[PlainTelemetrySchema], Field(min_length=1, max_length=OBJECTS_MAXIMUM)]),
)
