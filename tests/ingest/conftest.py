import pytest
from ingest_world import enrol, lane_by_hand

from signals.topics import Lane


@pytest.fixture
async def signals(database):
    enrol(database, "T1", "T2", "T3")
    async with lane_by_hand(database, Lane.SIGNAL) as lane:
        yield lane


@pytest.fixture
async def telemetry(database):
    enrol(database, "T1", "T2", "T3")
    async with lane_by_hand(database, Lane.TELEMETRY) as lane:
        yield lane
