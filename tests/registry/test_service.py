"""The service as a process: its metrics over HTTP, with the database there, changed, away and back."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from stack.ports import free_port

TIMEOUT_SECONDS = 90

PROGRAM = """
import typer
from registry import commands, service
from runtime import database

# Pauses are made short: what is tested is what comes after them.
service.FIGURES_EVERY_SECONDS = service.POINTS_EVERY_SECONDS = 0.3
database.ACQUIRE_TIMEOUT_SECONDS = 1.0
app = typer.Typer()
commands.register(app)
app(["registry", "serve"])
"""


class Service:
    """`wanghuo registry serve`."""

    def __init__(self, url, log, **variables):
        self.port = free_port()
        self.log = log
        environment = {
            **os.environ,
            "WANGHUO_REGISTRY_DATABASE_URL": url,
            "WANGHUO_REGISTRY_HTTP_PORT": str(self.port),
            **variables,
        }
        with log.open("ab") as output:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=output)

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self):
        _, text = self.get("/metrics")
        found = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[(sample.name, *sorted(sample.labels.items()))] = sample.value
        return found

    def value(self, name, **labels):
        return self.metrics().get((f"wanghuo_{name}", *sorted(labels.items())))

    def wait(self, condition):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_SECONDS)


@pytest.fixture
def service(database, township, tmp_path):
    township.example(datetime.now(UTC))
    made = Service(database.url("wanghuo_registry"), tmp_path / "log")
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.wait()


def test_metrics_by_village_and_of_the_township(service, township):
    service.wait(lambda: service.get("/readyz")[0] == 200)
    found = {
        name: service.value(name, village="V1", denominator="all")
        for name in ("key_units", "key_units_connected", "key_units_online", "connection_ratio", "connection_units_missing")
    }
    assert found == {
        "key_units": 3,
        "key_units_connected": 2,
        "key_units_online": 1,
        "connection_ratio": pytest.approx(2 / 3),
        "connection_units_missing": 1,
    }
    assert service.value("key_units", village="V2", denominator="control_room") == 1
    assert service.value("connection_ratio", village="V2", denominator="control_room") == 0
    assert service.value("township_key_units", denominator="all") == 4
    assert service.value("township_connection_ratio", denominator="all") == 0.5
    assert service.value("township_connection_ratio", denominator="control_room") == 0.5
    assert service.value("township_connection_target_ratio", denominator="all") in {0.7, 1.0}
    assert service.value("connection_measured_at_seconds") == pytest.approx(time.time(), abs=TIMEOUT_SECONDS)
    service.wait(lambda: township.run("SELECT count(*) FROM connection_snapshot") == [(1,)])
    assert service.stop() == 0


def test_a_village_that_leaves_takes_its_labels_with_it(service, township):
    service.wait(lambda: service.value("key_units", village="V2", denominator="all") == 1)
    township.run("DELETE FROM transmitter WHERE village_id = 'V2'")
    township.run("UPDATE key_unit SET delisted_on = listed_on WHERE village_id = 'V2'")
    # Without units there is no ratio, and no other figure than nought.
    service.wait(lambda: service.value("key_units", village="V2", denominator="all") == 0)
    assert service.value("connection_ratio", village="V2", denominator="all") is None
    township.run("DELETE FROM key_unit WHERE village_id = 'V2'")
    township.run("DELETE FROM village WHERE village_id = 'V2'")
    service.wait(lambda: service.value("key_units", village="V2", denominator="all") is None)
    assert not [key for key in service.metrics() if ("village", "V2") in key]
    assert service.value("key_units", village="V1", denominator="all") == 3


def test_a_point_named_by_a_signal_comes_into_the_register(service, township):
    township.signal("T1", "1-2-3", received_at=datetime.now(UTC))
    service.wait(lambda: township.run("SELECT point, registered FROM point") == [("1-2-3", False)])
    service.wait(lambda: service.value("registry_unregistered_points_total") == 1)


def test_the_database_away_and_back(service, database, township):
    service.wait(lambda: service.get("/readyz")[0] == 200)
    database.server.stop()
    service.wait(lambda: service.value("registry_failures_total", duty="figures") > 0)
    measured_at = service.value("connection_measured_at_seconds")
    assert service.value("township_key_units", denominator="all") == 4
    report = json.loads(service.get("/healthz")[1])
    assert report["alive"]
    assert "figures" in report["failing"]
    assert report["last_commit_age_seconds"] >= 0
    database.server.start()
    service.wait(lambda: service.value("connection_measured_at_seconds") > measured_at)
    township.unit("U5", "V1")
    service.wait(lambda: service.value("township_key_units", denominator="all") == 5)
    service.wait(lambda: json.loads(service.get("/readyz")[1])["failing"] == {})


def test_the_database_away_at_the_start(database, township, tmp_path):
    url = database.url("wanghuo_registry")
    database.server.stop()
    late = Service(url, tmp_path / "log")
    try:
        late.wait(lambda: late.get("/readyz")[0] == 503)
        late.wait(lambda: (late.value("registry_failures_total", duty="figures") or 0) > 0)
        assert json.loads(late.get("/readyz")[1])["problems"] == {"figures": "nothing has been measured yet"}
        assert late.value("township_key_units", denominator="all") is None
        database.server.start()
        late.wait(lambda: late.get("/readyz")[0] == 200)
    finally:
        late.process.kill()
        late.process.wait()


def test_a_database_of_another_version_is_refused_with_a_sentence(database, township, tmp_path):
    township.run("DELETE FROM schema_migration WHERE name = (SELECT max(name) FROM schema_migration)")
    wrong = Service(database.url("wanghuo_registry"), tmp_path / "log")
    assert wrong.process.wait(TIMEOUT_SECONDS) == 2
    assert "run `wanghuo migrate`" in wrong.log.read_text()
