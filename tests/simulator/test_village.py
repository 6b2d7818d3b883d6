"""The township: deterministic, plausible, and taken by the register's import as it is."""

import json
from collections import Counter
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.importing import prepare, read_files
from registry.sheets import Table
from simulator.devices import DeviceClass, Pace
from simulator.village import Standing, TownshipSettings, make_township, write_credentials

TODAY = date(2026, 11, 23)
SIZES = st.builds(
    TownshipSettings,
    seed=st.integers(0, 100),
    today=st.just(TODAY),
    villages=st.integers(1, 5),
    key_units=st.integers(0, 60),
    workshops=st.integers(0, 5),
    points=st.integers(1, 6),
)


@given(SIZES)
@settings(max_examples=30)
def test_a_township_follows_from_its_settings_and_has_the_size_asked_for(wanted):
    township = make_township(wanted)
    assert township == make_township(wanted)
    assert len(township.villages) == wanted.villages
    assert len(township.key_units) == wanted.key_units
    assert sum(terminal.key_unit_id is None for terminal in township.terminals) == wanted.workshops
    names = [terminal.transmitter_id for terminal in township.terminals]
    assert len(names) == len(set(names))


@given(SIZES)
@settings(max_examples=15)
def test_the_registers_import_takes_it(tmp_path_factory, wanted):
    township = make_township(wanted)
    paths = township.write_csv(tmp_path_factory.mktemp("township"))
    filled = {Table(table): path for table, path in paths.items() if path.read_text(encoding="utf-8").strip()}
    changes = prepare({table: {} for table in Table}, read_files(filled)).changes
    counted = Counter(change.table for change in changes)
    assert counted[Table.KEY_UNIT] == len(township.key_units)
    assert counted[Table.TRANSMITTER] == len(township.terminals)
    assert counted[Table.POINT] == len(township.points)


def test_units_stand_differently_so_that_the_ratio_is_worth_measuring():
    township = make_township(TownshipSettings(seed=3, today=TODAY))
    standings = Counter(unit.standing for unit in township.key_units)
    assert set(standings) == set(Standing)
    assert 0.3 < standings[Standing.CONNECTED] / len(township.key_units) < 0.7
    terminals = {standing: [] for standing in Standing}
    by_unit = {unit.key_unit_id: unit.standing for unit in township.key_units}
    for terminal in township.terminals:
        terminals[by_unit.get(terminal.key_unit_id, Standing.CONNECTED)].append(terminal)
    assert not terminals[Standing.NO_TRANSMITTER]
    assert all(terminal.accepted_on is None for terminal in terminals[Standing.NOT_ACCEPTED])
    assert all(terminal.withdrawn_on <= TODAY for terminal in terminals[Standing.WITHDRAWN])
    assert all(terminal.accepted_on <= TODAY for terminal in terminals[Standing.CONNECTED])
    speaking = {device.transmitter_id for device in township.devices}
    assert speaking == {terminal.transmitter_id for terminal in terminals[Standing.CONNECTED]}


def test_devices_have_the_points_of_the_register_and_the_pace_asked_for():
    pace = Pace(heartbeat_seconds=5, telemetry_seconds=1)
    wanted = TownshipSettings(seed=3, today=TODAY, paces={DeviceClass.CONTROL_ROOM: pace})
    township = make_township(wanted)
    points = {(point.transmitter_id, point.point) for point in township.points}
    for device in township.devices:
        assert {(device.transmitter_id, point) for point in device.points} <= points
        assert {(device.transmitter_id, point) for point, _ in device.instruments} <= points
        assert (device.pace == pace) == (device.device_class is DeviceClass.CONTROL_ROOM)


def test_credentials_are_new_each_time_and_ours_alone_to_read(tmp_path):
    township = make_township(TownshipSettings(seed=3, today=TODAY, key_units=5, workshops=1))
    credentials = township.credentials()
    assert credentials.keys() == {terminal.transmitter_id for terminal in township.terminals if terminal.withdrawn_on is None}
    assert credentials != township.credentials()
    path = tmp_path / "credentials.json"
    write_credentials(path, credentials)
    assert json.loads(path.read_text()) == credentials
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("count", [1, 3, 5])
def test_even_a_handful_of_units_is_made(count):
    assert len(make_township(TownshipSettings(seed=1, today=TODAY, key_units=count)).key_units) == count
