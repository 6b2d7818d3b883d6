"""Officials' files: what is taken, what is refused and how it is said."""

from contextlib import suppress
from datetime import date

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import cells
from registry.csv_file import read
from registry.importing import ImportRefusedError
from registry.register_store import import_files
from registry.session import session
from registry.sheets import SHEETS, Table
from runtime.errors import WanghuoError

TODAY = date(2026, 5, 1)

VILLAGES = "village_id,name\nV1,白奇村\nV2,里春村\n"
UNITS = "key_unit_id,village_id,name,has_control_room,listed_on\nU1,V1,幼儿园,yes,2024-01-01\nU2,V2,鞋厂,no,2024-01-01\n"
TRANSMITTERS = "transmitter_id,key_unit_id,village_id,class,accepted_on\nT1,U1,,control_room,2024-03-01\nT9,,V2,sleepy,\n"
CLASSES = "one of control_room, detector, sleepy, bridge, 消防控制室, 用户信息传输装置, 独立式探测器, 电池供电探测器, 平台对接 is asked for"
POINTS = "transmitter_id,point,place\nT1,1-2-3,二楼走廊\n"


@pytest.fixture
def write(tmp_path):
    def written(encoding="utf-8", **texts):
        paths = {}
        for name, text in texts.items():
            path = tmp_path / f"{name}.csv"
            path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
            paths[Table(name)] = path
        return paths

    return written


@pytest.fixture
def take(database):
    async def taken(paths, *, dry_run=False):
        async with session(database.url("wanghuo_registry"), name="test") as connection:
            return await import_files(connection, paths, today=TODAY, dry_run=dry_run)

    return taken


def rows(database, statement):
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute(statement).fetchall()


def tallies(outcome):
    return {str(one.table): (one.added, one.changed, one.unchanged, one.absent) for one in outcome.done.tallies}


async def refusal(take, paths):
    with pytest.raises(ImportRefusedError) as caught:
        await take(paths)
    return [str(problem) for problem in caught.value.problems]


async def test_a_whole_register_and_again_without_effect(take, write, database):
    paths = write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS, point=POINTS)
    first = await take(paths)
    assert tallies(first) == {"village": (2, 0, 0, 0), "key_unit": (2, 0, 0, 0), "transmitter": (2, 0, 0, 0), "point": (1, 0, 0, 0)}
    assert rows(database, "SELECT transmitter_id, key_unit_id, village_id, class FROM transmitter ORDER BY 1") == [
        ("T1", "U1", "V1", "control_room"),
        ("T9", None, "V2", "sleepy"),
    ]
    assert rows(database, "SELECT transmitter_id, point, place, registered FROM point") == [("T1", "1-2-3", "二楼走廊", True)]
    again = await take(paths)
    assert tallies(again) == {"village": (0, 0, 2, 0), "key_unit": (0, 0, 2, 0), "transmitter": (0, 0, 2, 0), "point": (0, 0, 1, 0)}
    assert again.done.changes == []


async def test_what_a_point_is_held_to(take, write, database):
    points = "终端编号,部件,建筑类型,限值\nT1,1-2-3,高层建筑,water_level_m=2.10 residual_current_ma=500\nT1,1-2-4,industrial,\n"
    await take(write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS, point=points))
    assert rows(database, "SELECT point, facility, limits FROM point ORDER BY 1") == [
        ("1-2-3", "high_rise", "residual_current_ma=500 water_level_m=2.1"),
        ("1-2-4", "industrial", ""),
    ]
    (place, limit) = await refusal(take, write(point="transmitter_id,point,facility,limits\nT1,1-2-3,castle,co_ppm=3\n"))
    assert "castle" in place
    assert "municipal_hydrant" in place
    assert "co_ppm=3" in limit


async def test_a_trial_changes_nothing(take, write, database):
    outcome = await take(write(village=VILLAGES), dry_run=True)
    assert tallies(outcome) == {"village": (2, 0, 0, 0)}
    assert rows(database, "SELECT count(*) FROM village") == [(0,)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_encodings_and_chinese_headings(*, take, write, database, encoding):
    text = "村编号,行政村\r\nV1,白奇村\r\n\r\n"
    units = "单位编号,村编号,单位名称,类别,地址,电话,有无消防控制室,列入日期,移出日期\r\nU1,V1,金店（百崎）,商场,海滨路,0595,有,2024年3月1日,\r\n"
    await take(write(village=text, key_unit=units, encoding=encoding))
    assert rows(database, "SELECT name, category, has_control_room, listed_on, delisted_on FROM key_unit") == [
        ("金店（百崎）", "商场", True, date(2024, 3, 1), None)
    ]
    assert rows(database, "SELECT name FROM village") == [("白奇村",)]


async def test_all_problems_of_all_files_are_said_at_once_and_nothing_is_imported(take, write, database):
    paths = write(
        village="village_id,name\nV1,白奇村\nV 2,x\nV1,again\nV3,\n",
        key_unit=(
            "key_unit_id,village_id,name,has_control_room,listed_on,delisted_on\n"
            "U1,V1,a,perhaps,2024-02-30,\n"
            "U2,V8,b,yes,2024-01-01,2023-01-01\n"
            "U3,V1,c,no,1066-01-01,\n"
        ),
        transmitter="transmitter_id,key_unit_id,village_id,class\nT1,U1,,detektor\nT2,U7,,bridge\nT3,U2,V1,sleepy\nT4,,,sleepy\n",
        point=f"transmitter_id,point\nT3,{'x' * 65}\nT1,1\nT5,1\n,1\n",
    )
    found = await refusal(take, paths)
    assert found == [
        "village.csv:3: village_id: 'V 2': an id has 1 to 64 of the characters A-Z a-z 0-9 _ -",
        "village.csv:4: village_id: 'V1': stands in line 2 already",
        "village.csv:5: name: a new row must have it",
        "key_unit.csv:2: has_control_room: 'perhaps': yes or no is asked for (also true/false, 1/0, 是/否, 有/无)",
        "key_unit.csv:2: listed_on: '2024-02-30': there is no such day",
        "key_unit.csv:3: village_id: 'V8': no such village in the register, nor in the files",
        "key_unit.csv:3: delisted_on: '2023-01-01': lies before listed_on, 2024-01-01",
        "key_unit.csv:4: listed_on: '1066-01-01': a date lies in the years 1990 to 2099",
        "transmitter.csv:2: class: 'detektor': " + CLASSES,
        "transmitter.csv:3: key_unit_id: 'U7': no such key unit in the register, nor in the files",
        "transmitter.csv:4: village_id: 'V1': key unit U2 stands in V8, and its transmitters with it",
        "transmitter.csv:5: village_id: a transmitter stands in a key unit or in a village",
        f"point.csv:2: point: '{'x' * 60}…': at most 64 characters are allowed, here are 65",
        "point.csv:4: transmitter_id: 'T5': no such transmitter in the register, nor in the files",
        "point.csv:5: transmitter_id: the cell is empty",
    ]
    assert rows(database, "SELECT count(*) FROM village") == [(0,)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "the file is empty: its first line names the columns"),
        ("village_id;name\nV1;x\n", "1: village_id;name: no such column; a table of this kind has village_id, name"),
        ("name\nx\n", "1: village_id: the column is missing"),
        ("village_id,name,name\nV1,x,y\n", "1: name: the column stands here more than once"),
        ("village_id,name\nV1,x,y\n", "2: the line has 3 cells, the first line names 2 columns"),
        ("village_id,name,\nV1,x,y\n", "2: 'y': the cell stands in a column without a name"),
        ('village_id,name\nV1,"x\n', "2: this is no comma-separated text: unexpected end of data"),
        ('village_id,name\nV1,"x\ny"\n', "2: name: 'x\\ny': line breaks are not allowed"),
        ("village_id,name\nV1,x\ty\u202e\n", "2: name: 'x\\ty\\u202e': control characters are not allowed"),
        ("village_id,name\nV1,x\n".encode("utf-16-le"), "the text holds NUL characters: save it as “CSV UTF-8”"),
        (b"village_id,name\nV1,\xff\xff\n", "the text is neither UTF-8 nor GB 18030"),
    ],
)
async def test_files_that_do_not_read(write, text, problem):
    found = [str(one) for one in read(write(village=text)[Table.VILLAGE], sheet=SHEETS[Table.VILLAGE]).problems]
    assert found[0].removeprefix("village.csv:").strip().startswith(problem), found


async def test_a_missing_file_is_named_and_does_not_blame_those_that_refer_to_it(take, write, tmp_path):
    paths = write(key_unit=UNITS) | {Table.VILLAGE: tmp_path / "nowhere.csv"}
    assert await refusal(take, paths) == ["nowhere.csv: the file cannot be read: No such file or directory"]


async def test_the_line_is_that_of_the_file_also_after_a_quoted_line_break_and_empty_lines(take, write):
    text = 'village_id,name\n\n"V1","x"\n\n?,"y"\n'
    found = await refusal(take, write(village=text))
    assert found == ["village.csv:5: village_id: '?': an id has 1 to 64 of the characters A-Z a-z 0-9 _ -"]


async def test_an_empty_cell_keeps_a_dash_empties_and_a_missing_column_keeps(take, write, database):
    await take(write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS))
    await take(write(key_unit="key_unit_id,telephone,delisted_on\nU1,119,2026-01-01\n"))
    await take(write(key_unit="key_unit_id,telephone,delisted_on\nU1,,\n"))
    assert rows(database, "SELECT name, telephone, delisted_on FROM key_unit WHERE key_unit_id = 'U1'") == [
        ("幼儿园", "119", date(2026, 1, 1))
    ]
    outcome = await take(write(key_unit="key_unit_id,telephone,delisted_on\nU1,-,-\n"))
    assert [one.differences for one in outcome.done.changes] == [
        {"telephone": ("119", ""), "delisted_on": (date(2026, 1, 1), None)}
    ]
    assert rows(database, "SELECT telephone, delisted_on FROM key_unit WHERE key_unit_id = 'U1'") == [("", None)]
    assert tallies(outcome) == {"key_unit": (0, 1, 0, 1)}
    assert await refusal(take, write(key_unit="key_unit_id,name\nU1,-\n")) == ["key_unit.csv:2: name: '-': it cannot be emptied"]


async def test_units_are_not_removed_by_being_left_out(take, write, database):
    await take(write(village=VILLAGES, key_unit=UNITS))
    await take(write(key_unit="key_unit_id,name\nU1,新名\n"))
    assert rows(database, "SELECT key_unit_id, name FROM key_unit ORDER BY 1") == [("U1", "新名"), ("U2", "鞋厂")]


async def test_a_transmitter_follows_its_unit_into_another_village(take, write, database):
    await take(write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS))
    await take(write(key_unit="key_unit_id,village_id\nU1,V2\n"))
    assert rows(database, "SELECT village_id FROM transmitter WHERE transmitter_id = 'T1'") == [("V2",)]


async def test_a_point_seen_before_it_was_written_down_becomes_registered(take, write, database):
    await take(write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS))
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("INSERT INTO point (transmitter_id, point, registered) VALUES ('T1', '1-2-3', false)")
    outcome = await take(write(point=POINTS))
    assert tallies(outcome) == {"point": (0, 1, 0, 0)}
    assert rows(database, "SELECT place, registered FROM point") == [("二楼走廊", True)]


async def test_who_is_withdrawn_but_still_has_credentials_is_named(take, write, database):
    await take(write(village=VILLAGES, key_unit=UNITS, transmitter=TRANSMITTERS))
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("UPDATE transmitter SET enrolled_at = now()")
    outcome = await take(write(transmitter="transmitter_id,withdrawn_on\nT1,2026-04-30\nT9,2026-05-02\n"))
    assert outcome.still_enrolled == ["T1"]
    assert rows(database, "SELECT count(*) FROM transmitter WHERE enrolled_at IS NOT NULL") == [(2,)]


async def test_only_the_registry_may_import(write, database):
    with pytest.raises(WanghuoError, match="permission denied"):
        async with session(database.url("wanghuo_reader"), name="test") as connection:
            await import_files(connection, write(village=VILLAGES), today=TODAY)


@given(on=st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31)))
def test_dates_in_every_spelling(on):
    spellings = [
        on.isoformat(),
        f"{on.year}/{on.month}/{on.day}",
        f"{on.year}.{on.month:02}.{on.day:02}",
        f"{on.year}年{on.month}月{on.day}日",
    ]
    assert {cells.day(text) for text in spellings} == {on}


@given(text=st.text(max_size=80))
def test_no_cell_raises_anything_but_its_own_error(text):
    for reader in {column.reader for sheet in SHEETS.values() for column in sheet.columns}:
        with suppress(cells.CellError):
            assert isinstance(reader(text), str | bool | date)


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"village_id,name\n" + content)
    file = read(path, sheet=SHEETS[Table.VILLAGE])
    assert all(one.limit for one in file.problems)
    assert len({file.key(row) for row in file.rows}) == len(file.rows)
