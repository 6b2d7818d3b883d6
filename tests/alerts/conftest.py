import pytest
from alarm_world import World


@pytest.fixture
def world(database) -> World:
    return World(database)
