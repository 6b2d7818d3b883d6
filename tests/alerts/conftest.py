from datetime import UTC, datetime

import pytest
from alarm_world import World
from office import Clock, Office


@pytest.fixture
def world(database) -> World:
    return World(database)


@pytest.fixture
def office(world, tmp_path) -> Office:
    return Office(world, tmp_path / "roster.toml", Clock(datetime.now(UTC)))
