"""How frames become facts: what is remembered is what would be read anew, and nothing is kept back that changes anything."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from gb26875_world import ADDRESS, component, enrol_device, upload
from hypothesis import given
from hypothesis import strategies as st
from ingest_world import NOON, column

from ingest.gb26875.book import Device
from ingest.gb26875.calm import AGAIN
from ingest.gb26875.reader import Arrival, Batch, Reader
from ingest.gb26875.uploads import Said, upload_of
from ingest.gb26875.uploads import upload as of_statements
from ingest.signal_writer import SignalWriter
from ingest.store import Store
from runtime.database import pool
from signals.gb26875 import LANE
from signals.gb26875.frames import Frame, Receiver
from signals.gb26875.profiles import PROFILES, STANDARD
from signals.gb26875.statements import Measured

CALM, FIRE = 0x0001, 0x0003
DATA = Path(__file__).parents[1] / "data/gb26875"
KNOWN = [bytes.fromhex(json.loads(line)["hex"]) for line in (DATA / "vectors.jsonl").read_text().splitlines()]
UNITS = sorted({part.data for raw in KNOWN for part in Receiver().feed(raw) if isinstance(part, Frame)})


class Nowhere:
    """Where nobody waits for an answer."""

    host = peer = "nowhere"


def arrival(frame: Frame, *, at: datetime) -> Arrival:
    (received,) = Receiver().feed(frame.encode())
    device = Device(transmitter_id="P1", address=ADDRESS, profile=STANDARD)
    return Arrival(frame=received, device=device, channel=Nowhere(), received_at=at)


def facts(*arrivals: Arrival) -> list:
    reader, batch = Reader(), Batch()
    for one in arrivals:
        reader.read(one, batch)
    return [fact for item in batch.signals.items for fact in item.facts]


def told(uploaded, data: bytes) -> list:
    """All that becomes of it."""
    return [
        (uploaded.occurred_at(one.found, data), one.found.point, one._replace(found=None))
        if isinstance(one, Said)
        else (uploaded.occurred_at(one, data), one.point, one.metric, one.value)
        if isinstance(one, Measured)
        else one
        for one in uploaded.statements
    ]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_what_is_remembered_is_what_would_be_read_anew(profile):
    remembered = 0
    for data in (*UNITS, *UNITS):
        known, anew = upload_of(data, profile), of_statements(profile.statements(data))
        assert told(known, data) == told(anew, data)
        assert (known.urgent, known.measured) == (anew.urgent, anew.measured)
        remembered += known.timeless
    assert bool(remembered) == (profile.objects is None)


@given(st.sampled_from([data for data in UNITS if len(data) > 8]), st.binary(min_size=6, max_size=6))
def test_a_remembered_object_has_the_time_it_came_with(data, tag):
    data = data[:-6] + tag
    assert told(upload_of(data, STANDARD), data) == told(of_statements(STANDARD.statements(data)), data)


def test_points_where_all_is_well_are_handed_over_now_and_then():
    after = [timedelta(0), timedelta(minutes=1), AGAIN - timedelta(seconds=1), AGAIN, AGAIN + timedelta(minutes=1)]
    said = facts(*(arrival(upload(component(CALM), serial=n), at=NOON + late) for n, late in enumerate(after)))
    assert [fact.handed_over for fact in said] == [True, False, False, True, False]


def test_a_point_that_is_well_again_is_told_when_its_fire_overtook_what_was_before():
    """After an outage a calm state, a fire, and a calm state wait: fires are read first."""
    before, burning, over, still = (
        arrival(upload(component(word), serial=serial), at=NOON + timedelta(seconds=serial))
        for serial, word in enumerate((CALM, FIRE, CALM, CALM))
    )
    said = facts(burning, before, over, still)
    assert [(fact.seq, fact.handed_over) for fact in said] == [(1, True), (0, True), (2, True), (3, False)]


@pytest.mark.parametrize(
    ("batches", "kept"),
    [
        ([[0], [100], [165]], [0, 165]),
        ([[0], [100, 165]], [0, 165]),
        ([[0, 100, 165]], [0, 165]),
        ([[50, 100]], [50]),
        ([[50], [100]], [50]),
    ],
)
async def test_a_frame_said_again_is_new_after_two_windows_however_it_is_batched(database, batches, kept):
    """A window later it is the same said again; two windows after it was stored, a device has started anew."""
    enrol_device(database)
    reader = Reader()
    async with pool(database.url("wanghuo_ingest"), name="test", size=1) as connections:
        store = Store(connections)
        writer = SignalWriter(store, now=lambda: NOON, lane=LANE)
        for seconds in batches:
            batch = Batch()
            for late in seconds:
                reader.read(arrival(upload(component(FIRE), serial=7), at=NOON + timedelta(seconds=late)), batch)
            await writer.write(batch.signals)
        await store.close()
    stored = column(database, "SELECT received_at FROM signal ORDER BY received_at")
    assert [(at - NOON).total_seconds() for at in stored] == kept
