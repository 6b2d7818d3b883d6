"""`wanghuo early-warning run` as processes: one is killed where it hurts, another takes over, and the shell tells why it warned."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.request import urlopen

import psycopg
import pytest
from alarm_world import TIMEOUT_SECONDS

from signals.packing import Packer
from stack.ports import LOOPBACK, free_port
from stack.processes import ServiceProcess, ServiceSpec

ROSTER = '[[officer]]\nname = "王"\nchannels = ["json://127.0.0.1:9/"]\n'


@pytest.fixture
def environment(database, tmp_path):
    roster = tmp_path / "roster.toml"
    roster.write_text(ROSTER, encoding="utf-8")
    return {
        "WANGHUO_ENVIRONMENT_FILE": os.devnull,
        "WANGHUO_ALERTS_DATABASE_URL": database.url("wanghuo_alerts"),
        "WANGHUO_READER_DATABASE_URL": database.url("wanghuo_reader"),
        "WANGHUO_ROSTER_FILE": str(roster),
    }


@pytest.fixture
def worker(environment, tmp_path):
    """Makes workers; those that still run are killed at the end."""
    made = []

    def make(name, *, failpoint=""):
        port = free_port()
        spec = ServiceSpec(
            name=name,
            arguments=("early-warning", "run"),
            environment={**environment, "WANGHUO_EARLY_WARNING_HTTP_PORT": str(port), "WANGHUO_FAILPOINT": failpoint},
            ready_url=f"http://{LOOPBACK}:{port}/readyz",
        )
        made.append(ServiceProcess(spec, log_folder=tmp_path))
        made[-1].start()
        return made[-1], port

    yield make
    for process in made:
        if process.running:
            process.kill()


def hand_over(database, start, readings):
    packer = Packer()
    for second, value in readings:
        packer.add("T1\0d1", start + second, values={"temperature_celsius": value})
    with psycopg.connect(database.url("wanghuo_ingest")) as connection:
        connection.execute(
            "INSERT INTO telemetry_inbox (received_at, readings, packed) VALUES (%s, %s, %s)",
            [datetime.now(UTC), len(packer), packer.packed()],
        )


def rows(database, statement):
    with psycopg.connect(database.url("wanghuo_reader")) as connection:
        return connection.execute(statement).fetchall()


def eventually(found):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (result := found()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def said(port, path):
    try:
        with urlopen(f"http://{LOOPBACK}:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


@pytest.mark.parametrize("failpoint", ["early_warning.fed", "early_warning.before_commit", "early_warning.after_commit"])
def test_one_is_killed_and_another_that_waited_loses_and_doubles_nothing(database, worker, environment, failpoint):
    start = time.time() - 1800
    first, _ = worker("first", failpoint=failpoint)
    first.wait_ready()
    _, port = worker("second")
    eventually(lambda: "another worker feeds" in said(port, "/readyz")[1])
    hand_over(
        database, start, [(second, 20.0) for second in range(120)] + [(120 + second, 20 + second / 5) for second in range(120)]
    )
    eventually(lambda: not first.running)
    assert str(first.failure).startswith(f"first ended unexpectedly with status {-signal.SIGKILL}")
    eventually(lambda: rows(database, "SELECT 1 FROM alarm") and not rows(database, "SELECT 1 FROM telemetry_inbox"))
    told(environment, alarm_id=rows(database, "SELECT alarm_id FROM alarm")[0][0])
    eventually(lambda: "wanghuo_early_warning_points 1.0" in said(port, "/metrics")[1])
    for name in ("lag_seconds", "served_ratio"):
        assert f"wanghuo_early_warning_{name} " in said(port, "/metrics")[1]
    hand_over(database, start, [(240 + second, 20.0) for second in range(900)])
    eventually(lambda: rows(database, "SELECT 1 FROM alarm WHERE NOT device_active"))
    assert rows(database, "SELECT event, effect FROM alarm_journal WHERE alarm_id IS NOT NULL ORDER BY journal_id") == [
        ("began", "raised"),
        ("over", "closed"),
    ]
    assert rows(database, "SELECT recipient, count(*) FROM notification GROUP BY recipient, occasion") == [("王", 1)]


def told(environment, *, alarm_id):
    """What the shell says of the alarm."""
    done = subprocess.run(
        [sys.executable, "-m", "stack.cli", "alarms", "show", str(alarm_id)],
        env={**os.environ, **environment, "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    )
    for words in ("Early warning", "K/min", "above its mean of 20.0 °C", "own noise", "58 °C in about", "evidence", "confidence"):
        assert words in done.stdout, done.stdout
