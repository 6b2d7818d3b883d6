"""The four tables that officials send: their columns, also by their Chinese names. docs/register.md shows them to people."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from registry.cells import (
    Reader,
    Value,
    day,
    facility,
    free_text,
    identifier,
    own_limits,
    point_address,
    transmitter_class,
    village_id,
    yes_no,
)


class Table(StrEnum):
    """In the order of import: each refers to those before it."""

    VILLAGE = "village"
    KEY_UNIT = "key_unit"
    TRANSMITTER = "transmitter"
    POINT = "point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: what a cell may hold, and what a new row has where the cell is empty.

    Attributes:
        chinese: names under which the column is known too.
        required: a new row must have it, and it cannot be emptied.
        empty: of a row without it.
    """

    name: str
    chinese: tuple[str, ...]
    reader: Reader
    required: bool = False
    empty: Value = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table of the register: `key` names the columns that say which row is meant."""

    table: Table
    key: tuple[str, ...]
    columns: tuple[Column, ...]


def _key(name: str, *chinese: str) -> Column:
    return Column(name=name, chinese=chinese, reader=identifier, required=True)


def _text(name: str, *chinese: str, required: bool = False) -> Column:
    return Column(name=name, chinese=chinese, reader=free_text, required=required)


def _day(name: str, *chinese: str, required: bool = False) -> Column:
    return Column(name=name, chinese=chinese, reader=day, required=required, empty=None)


_VILLAGE_ID = Column(name="village_id", chinese=("村编号", "行政村编号"), reader=village_id, required=True)

SHEETS: Mapping[Table, Sheet] = {
    Table.VILLAGE: Sheet(
        table=Table.VILLAGE, key=("village_id",), columns=(_VILLAGE_ID, _text("name", "名称", "村名", "行政村", required=True))
    ),
    Table.KEY_UNIT: Sheet(
        table=Table.KEY_UNIT,
        key=("key_unit_id",),
        columns=(
            _key("key_unit_id", "单位编号", "重点单位编号"),
            _VILLAGE_ID,
            _text("name", "名称", "单位名称", required=True),
            _text("category", "类别", "单位类别"),
            _text("address", "地址"),
            _text("telephone", "电话", "联系电话"),
            Column(name="has_control_room", chinese=("消防控制室", "有无消防控制室"), reader=yes_no, required=True),
            _day("listed_on", "列入日期", required=True),
            _day("delisted_on", "移出日期"),
        ),
    ),
    Table.TRANSMITTER: Sheet(
        table=Table.TRANSMITTER,
        key=("transmitter_id",),
        columns=(
            _key("transmitter_id", "终端编号", "联网终端编号"),
            Column(name="key_unit_id", chinese=("单位编号", "重点单位编号"), reader=identifier, empty=None),
            Column(name="village_id", chinese=("村编号", "行政村编号"), reader=village_id, empty=None),
            Column(name="class", chinese=("类型", "终端类型"), reader=transmitter_class, required=True),
            _text("name", "名称", "终端名称"),
            _text("place", "位置", "安装位置"),
            _text("path", "链路", "通信链路"),
            _day("contracted_on", "签约日期"),
            _day("installed_on", "安装日期"),
            _day("accepted_on", "验收日期"),
            _day("withdrawn_on", "撤除日期"),
        ),
    ),
    Table.POINT: Sheet(
        table=Table.POINT,
        key=("transmitter_id", "point"),
        columns=(
            _key("transmitter_id", "终端编号", "联网终端编号"),
            Column(name="point", chinese=("部件", "部件地址", "部件编号"), reader=point_address, required=True),
            _text("name", "名称", "部件名称"),
            _text("place", "位置", "安装位置"),
            _text("zone", "分区", "防火分区"),
            Column(name="facility", chinese=("建筑类型",), reader=facility),
            Column(name="limits", chinese=("限值",), reader=own_limits),
        ),
    ),
}
