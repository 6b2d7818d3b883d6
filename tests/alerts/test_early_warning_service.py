"""The hand-over of telemetry to the engine of early warning, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from alarm_world import TIMEOUT_SECONDS

from alerts import early_warning_feeding as feeding
from alerts.early_warning.engine import Engine
from alerts.early_warning_feeding import EngineTaken, Feeder, begin
from alerts.early_warning_service import Service, look
from alerts.roster import RosterFile
from runtime.database import Connection, pool
from signals.packing import Packer
from simulator import fires
from tests.conftest import DatabaseUnderTest

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
START = NOW.timestamp() - 900
STEADY = [(float(second), 20.0) for second in range(120)]
HEATING = [(120.0 + second, 20.0 + second / 5) for second in range(120)]


def now() -> datetime:
    return NOW


@pytest.fixture
def roster(tmp_path: Path) -> RosterFile:
    path = tmp_path / "roster.toml"
    path.write_text(
        '[[officer]]\nname = "officer"\nchannels = ["json://127.0.0.1:9/"]\n\n[watchdog]\nchannels = ["json://127.0.0.1:9/"]\n'
    )
    return RosterFile(path)


@asynccontextmanager
async def connected(database: DatabaseUnderTest) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("wanghuo_alerts"), autocommit=True) as connection:
        yield connection


def hand_over(
    database: DatabaseUnderTest,
    readings: list[tuple[float, float]],
    *,
    name: str = "T1\0d1",
    metric: str = "temperature_celsius",
    start: float = START,
) -> None:
    """One batch, as ingest leaves it."""
    packer = Packer()
    for second, value in readings:
        packer.add(name, start + second, values={metric: value})
    with psycopg.connect(database.url("wanghuo_ingest")) as connection:
        connection.execute(
            "INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, %s, %s)", [NOW, len(packer), packer.packed()]
        )


def read(database: DatabaseUnderTest, statement: str) -> list[tuple]:
    with psycopg.connect(database.url("wanghuo_reader")) as connection:
        return connection.execute(statement).fetchall()


def warnings(database: DatabaseUnderTest) -> list[tuple[str, str, bool, str]]:
    return read(database, "SELECT transmitter_id, point, device_active, reason FROM alarm ORDER BY alarm_id")


def waiting(database: DatabaseUnderTest) -> int:
    return read(database, "SELECT count(*) FROM telemetry_inbox")[0][0]


async def feed(feeder: Feeder, connection: Connection, *, roster: RosterFile) -> None:
    """All there is."""
    while await feeder.turn(connection, roster=roster, now=now):
        pass


async def test_a_measured_fire_becomes_one_early_warning_with_its_figures(database: DatabaseUnderTest, roster: RosterFile) -> None:
    burning = fires.run_named("RedAccent_Closed_Back_1")
    felt = fires.lagged(burning.seconds, burning.celsius["A"])
    curve = list(zip((second + 120 for second in burning.seconds), felt, strict=True))
    for first in range(0, len(curve), 50):
        hand_over(database, curve[first : first + 50])
    async with connected(database) as connection:
        await feed(await begin(connection, engine=Engine()), connection, roster=roster)
    ((transmitter_id, point, active, reason),) = warnings(database)
    assert (transmitter_id, point, active) == ("T1", "d1", True)
    assert "K/min" in reason
    assert "58 °C in about" in reason
    ((detail,),) = read(database, "SELECT detail FROM alarm")
    assert 0.5 <= detail["confidence"] <= 1
    watched = read(database, "SELECT kind, active FROM condition ORDER BY kind")
    assert ("early_warning", True) in watched


async def test_states_and_the_batches_that_made_them_are_stored_and_deleted_together(
    database: DatabaseUnderTest, roster: RosterFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over(database, STEADY)
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        await feed(feeder, connection, roster=roster)
        assert waiting(database) == 1, "it was fed, and is there until the states are stored"
        monkeypatch.setattr(feeding, "STORE_EVERY_SECONDS", 0.0)
        hand_over(database, STEADY, name="T2\0")
        await feed(feeder, connection, roster=roster)
        assert waiting(database) == 0
        assert read(database, "SELECT block FROM early_warning_block") == [(0,)]
    hand_over(database, HEATING)
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        assert len(feeder.engine) == 2
        await feed(feeder, connection, roster=roster)
    assert len(warnings(database)) == 1, "without the first two minutes there were no baseline"


async def test_a_worker_that_dies_loses_nothing_and_doubles_nothing(database: DatabaseUnderTest, roster: RosterFile) -> None:
    hand_over(database, STEADY)
    hand_over(database, HEATING)
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "CREATE TRIGGER broken BEFORE DELETE ON telemetry_inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        with pytest.raises(psycopg.IntegrityError):
            await feed(feeder, connection, roster=roster)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("DROP TRIGGER broken ON telemetry_inbox")
    assert (warnings(database), waiting(database), read(database, "SELECT block FROM early_warning_block")) == ([], 2, [])
    for _ in range(2):
        async with connected(database) as connection:
            await feed(await begin(connection, engine=Engine()), connection, roster=roster)
        assert len(warnings(database)) == 1
    assert waiting(database) == 0


async def test_many_findings_are_concluded_in_turns_and_none_is_doubled_when_the_last_turn_fails(
    database: DatabaseUnderTest, roster: RosterFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "CONCLUDED_AT_ONCE", 1)
    cooled = [(240.0 + second, 20.0) for second in range(900)]
    for name in ("T1\0d1", "T2\0d1"):
        hand_over(database, [*STEADY, *HEATING, *cooled], name=name)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("CREATE TRIGGER broken BEFORE DELETE ON telemetry_inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()")
    async with connected(database) as connection:
        with pytest.raises(psycopg.IntegrityError):
            await feed(await begin(connection, engine=Engine()), connection, roster=roster)
    assert [active for _, _, active, _ in warnings(database)] == [True, True], "what had begun is told, whatever came of the rest"
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP TRIGGER broken ON telemetry_inbox")
    async with connected(database) as connection:
        await feed(await begin(connection, engine=Engine()), connection, roster=roster)
    assert [active for _, _, active, _ in warnings(database)] == [False, False]
    journal = read(database, "SELECT transmitter_id, effect FROM alarm_journal WHERE effect <> 'counted' ORDER BY journal_id")
    assert journal == [("T1", "raised"), ("T2", "raised"), ("T1", "closed"), ("T2", "closed")]
    assert read(database, "SELECT count(*) FROM notification") == [(2,)]
    assert waiting(database) == 0


async def test_one_worker_feeds_and_another_goes_on_when_it_ends(database: DatabaseUnderTest, roster: RosterFile) -> None:
    hand_over(database, STEADY)
    async with connected(database) as second:
        async with connected(database) as first:
            await begin(first, engine=Engine())
            with pytest.raises(EngineTaken, match="another worker feeds"):
                await begin(second, engine=Engine())
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                try:
                    feeder = await begin(second, engine=Engine())
                    break
                except EngineTaken:
                    await asyncio.sleep(0.02)
        hand_over(database, HEATING)
        await feed(feeder, second, roster=roster)
    assert len(warnings(database)) == 1


async def test_a_batch_committed_late_is_fed_all_the_same(database: DatabaseUnderTest, roster: RosterFile) -> None:
    late = Packer()
    late.add("T2\0", START, values={"temperature_celsius": 20.0})
    with psycopg.connect(database.url("wanghuo_ingest")) as slow:
        slow.execute("INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, 1, %s)", [NOW, late.packed()])
        hand_over(database, STEADY)
        async with connected(database) as connection:
            feeder = await begin(connection, engine=Engine())
            await feed(feeder, connection, roster=roster)
            slow.commit()
            assert await feeder.turn(connection, roster=roster, now=now)
            assert not await feeder.turn(connection, roster=roster, now=now)
    assert len(feeder.engine) == 2


async def test_a_batch_that_does_not_read_stops_nothing(database: DatabaseUnderTest, roster: RosterFile) -> None:
    with psycopg.connect(database.url("wanghuo_ingest")) as connection:
        connection.execute("INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, 1, 'nonsense')", [NOW])
    hand_over(database, [(1.0, 20.0)])
    hand_over(database, [(1.0, 20.0)], metric="tilt_degrees", name="T9\0x")
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        await feed(feeder, connection, roster=roster)
    assert len(feeder.engine) == 1


async def test_zones_and_sensitivities_of_the_register_reach_the_engine(database: DatabaseUnderTest, roster: RosterFile) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("INSERT INTO village VALUES ('v', 'V')")
        owner.execute(
            "INSERT INTO transmitter (transmitter_id, village_id, class) VALUES ('T1', 'v', 'detector'), ('T2', 'v', 'detector')"
        )
        owner.execute(
            "INSERT INTO point (transmitter_id, point, zone) VALUES ('T1', 'd1', 'Z'), ('T1', 'd2', 'Z'), ('T2', 'd1', 'Z')"
        )
    order = (
        "INSERT INTO point_sensitivity (transmitter_id, point, sensitivity, reason, ordered_by, ordered_at, expires_at)"
        " VALUES (%s, 'd1', %s, 'stove', 'wang', %s, %s)"
    )
    later, ago = datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    with psycopg.connect(database.url("wanghuo_console")) as console:
        console.execute(order, ["T1", 0.2, NOW, later])
        console.execute(order, ["T1", 0.5, NOW, later])
        console.execute(order, ["T2", 0.5, ago, NOW])
    for name in ("T1\0d1", "T1\0d2", "T2\0d1"):
        hand_over(database, STEADY, name=name)
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        await feed(feeder, connection, roster=roster)
        await look(connection, feeder)
    book = feeder.engine.book
    one, two, other = (book.number(*name) for name in (("T1", "d1"), ("T1", "d2"), ("T2", "d1")))
    assert book.zone_of(one) == book.zone_of(two) != book.zone_of(other)
    assert [book.sensitivity[number] for number in (one, two, other)] == [0.5, 1.0, 1.0]


async def test_the_service_goes_on_when_its_connection_is_ended(database: DatabaseUnderTest, roster: RosterFile) -> None:
    start = datetime.now(UTC).timestamp() - 300
    service = Service(roster=roster)
    async with (
        pool(database.url("wanghuo_alerts"), name="early warning of a test", size=1) as connections,
        asyncio.TaskGroup() as tasks,
    ):
        running = tasks.create_task(service.run(connections))
        hand_over(database, STEADY, start=start)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while service.problem is not None:
                await asyncio.sleep(0.02)
            with psycopg.connect(database.owner_url, autocommit=True) as owner:
                owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'early warning of a test'"
                )
            hand_over(database, HEATING, start=start)
            while not warnings(database):
                await asyncio.sleep(0.02)
        running.cancel()
    assert len(warnings(database)) == 1


async def test_the_register_says_what_a_point_is_held_to(database: DatabaseUnderTest, roster: RosterFile) -> None:
    with psycopg.connect(database.url("wanghuo_registry")) as registry:
        registry.execute("INSERT INTO village (village_id, name) VALUES ('V1', '白奇村')")
        registry.execute("INSERT INTO transmitter (transmitter_id, village_id, class) VALUES ('T1', 'V1', 'bridge')")
        registry.execute(
            "INSERT INTO point (transmitter_id, point, facility, limits) VALUES ('T1', 'p', 'super_high_rise', ''),"
            " ('T1', 'c', '', 'residual_current_ma=500')"
        )
    low = [(60.0 * minute, 0.12 + 0.001 * (minute % 2)) for minute in range(40)]
    hand_over(database, low[:1], name="T1\0p", metric="water_pressure_mpa")
    hand_over(database, [(0.0, 400.0)], name="T1\0c", metric="residual_current_ma")
    async with connected(database) as connection:
        feeder = await begin(connection, engine=Engine())
        await feed(feeder, connection, roster=roster)
        await look(connection, feeder)
        hand_over(database, low[1:], name="T1\0p", metric="water_pressure_mpa")
        hand_over(database, [(at, 400.0 + value) for at, value in low[1:]], name="T1\0c", metric="residual_current_ma")
        await feed(feeder, connection, roster=roster)
    ((kind, point, priority, reason),) = read(database, "SELECT kind, point, priority, reason FROM alarm")
    assert (kind, point, priority) == ("facility_failing", "p", 2)
    assert "at rest less than 0.15 MPa, which GB 50974 asks of a super high rise" in reason
