"""The hand-over of telemetry to early warning, on a real database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from alerts.early_warning_service import conclude_batches, warm
from alerts.roster import RosterFile
from runtime.database import Connection
from signals.packing import Packer
from simulator import fires
from tests.conftest import DatabaseUnderTest

NOW = datetime(2026, 11, 23, 4, tzinfo=UTC)
START = NOW.timestamp() - 900


def now() -> datetime:
    return NOW


@pytest.fixture
def roster(tmp_path: Path) -> RosterFile:
    path = tmp_path / "roster.toml"
    path.write_text(
        '[[officer]]\nname = "officer"\nchannels = ["json://127.0.0.1:9/"]\n\n[watchdog]\nchannels = ["json://127.0.0.1:9/"]\n'
    )
    return RosterFile(path)


async def connect(database: DatabaseUnderTest) -> Connection:
    return await psycopg.AsyncConnection.connect(database.url("wanghuo_alerts"), autocommit=True)


def hand_over(database: DatabaseUnderTest, readings: list[tuple[float, float]], *, name: str = "T1\0d1") -> None:
    """One batch, as ingest leaves it."""
    packer = Packer()
    for second, celsius in readings:
        packer.add(name, START + second, values={"temperature_celsius": celsius})
    with psycopg.connect(database.url("wanghuo_ingest")) as connection:
        connection.execute(
            "INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, %s, %s)", [NOW, len(packer), packer.packed()]
        )


def warnings(database: DatabaseUnderTest) -> list[tuple[str, str, bool, str]]:
    with psycopg.connect(database.url("wanghuo_reader")) as connection:
        return connection.execute("SELECT transmitter_id, point, device_active, reason FROM alarm ORDER BY alarm_id").fetchall()


def waiting(database: DatabaseUnderTest) -> int:
    with psycopg.connect(database.url("wanghuo_reader")) as connection:
        return connection.execute("SELECT count(*) FROM telemetry_inbox").fetchone()[0]  # type: ignore[index]


async def test_a_measured_fire_becomes_one_early_warning_with_its_figures(database: DatabaseUnderTest, roster: RosterFile) -> None:
    burning = fires.run_named("RedAccent_Closed_Back_1")
    felt = fires.lagged(burning.seconds, burning.celsius["A"])
    curve = list(zip((second + 120 for second in burning.seconds), felt, strict=True))
    for first in range(0, len(curve), 50):
        hand_over(database, curve[first : first + 50])
    async with await connect(database) as connection:
        watch = await warm(connection, now=now)
        while await conclude_batches(connection, watch, roster=roster, now=now):
            pass
    ((transmitter_id, point, active, reason),) = warnings(database)
    assert (transmitter_id, point, active) == ("T1", "d1", True)
    assert "K/min" in reason
    assert "58 °C in about" in reason
    assert waiting(database) == 0


async def test_a_lost_transaction_loses_no_warning_and_doubles_none(database: DatabaseUnderTest, roster: RosterFile) -> None:
    hand_over(
        database, [(float(second), 20.0) for second in range(100)] + [(100.0 + second, 20.0 + second) for second in range(30)]
    )
    async with await connect(database) as connection:
        watch = await warm(connection, now=now)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute(
                "CREATE TRIGGER broken BEFORE DELETE ON telemetry_inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
        with pytest.raises(psycopg.IntegrityError):
            await conclude_batches(connection, watch, roster=roster, now=now)
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("DROP TRIGGER broken ON telemetry_inbox")
    assert warnings(database) == []
    assert waiting(database) == 1
    async with await connect(database) as connection:
        while await conclude_batches(connection, watch, roster=roster, now=now):
            pass
        assert len(warnings(database)) == 1
        again = await warm(connection, now=now)
        assert not await conclude_batches(connection, again, roster=roster, now=now)
    assert len(warnings(database)) == 1


async def test_after_a_restart_the_last_minutes_are_known_again(database: DatabaseUnderTest, roster: RosterFile) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("INSERT INTO village VALUES ('v', 'V')")
        owner.execute("INSERT INTO transmitter (transmitter_id, village_id, class) VALUES ('T1', 'v', 'detector')")
        for second in range(110):
            owner.execute(
                "INSERT INTO telemetry (time, transmitter_id, point, boot, seq, digest, received_at, temperature_celsius)"
                " VALUES (%s, 'T1', 'd1', 1, %s, 0, %s, 20)",
                [NOW - timedelta(seconds=110 - second), second, NOW],
            )
    hand_over(database, [(900.0 + second, 20.0 + second) for second in range(20)])
    async with await connect(database) as connection:
        watch = await warm(connection, now=now)
        assert len(watch) == 1
        assert await conclude_batches(connection, watch, roster=roster, now=now)
    assert len(warnings(database)) == 1


async def test_a_batch_that_does_not_read_stops_nothing(database: DatabaseUnderTest, roster: RosterFile) -> None:
    with psycopg.connect(database.url("wanghuo_ingest")) as connection:
        connection.execute("INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, 1, 'nonsense')", [NOW])
    hand_over(database, [(1.0, 20.0)])
    async with await connect(database) as connection:
        watch = await warm(connection, now=now)
        assert await conclude_batches(connection, watch, roster=roster, now=now)
    assert len(watch) == 1
    assert waiting(database) == 0
