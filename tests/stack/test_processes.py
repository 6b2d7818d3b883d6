"""Child processes: ready, stopped in order, quoted when they fail, and gone when we are."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.children import Child
from stack.errors import NotReadyError, NotStoppedError, ProgramMissingError
from stack.ports import free_port
from stack.processes import Services, ServiceSpec

TIMEOUT_SECONDS = 60

SERVICE = """
import http.server, os, signal, sys
name, port, ledger = sys.argv[1], int(sys.argv[2]), sys.argv[3]
def note(what):
    with open(ledger, "a") as file:
        file.write(f"{name} {what}\\n")
def end(*_):
    note("stops")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
note("starts " + os.environ.get("GREETING", ""))
print(name, "is up", flush=True)
server.serve_forever()
"""


def wait_until(condition, *, what):
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid):
    """Whether the process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Town:
    """Three small services that write down when they start and stop."""

    def __init__(self, folder):
        self.ledger = folder / "ledger"
        self.folder = folder

    def spec(self, name, *, program=SERVICE, greeting=""):
        port = free_port()
        return ServiceSpec(
            name=name,
            program=(sys.executable, "-c", program),
            arguments=(name, str(port), str(self.ledger)),
            environment={"GREETING": greeting},
            ready_url=f"http://127.0.0.1:{port}/readyz",
        )

    def services(self, *specs):
        return Services(specs, log_folder=self.folder / "logs")

    def noted(self):
        return self.ledger.read_text().split("\n")[:-1]


@pytest.fixture
def town(tmp_path):
    return Town(tmp_path)


def test_all_are_ready_and_stop_in_the_reverse_order(town, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    services = town.services(town.spec("first", greeting="hello"), town.spec("second"), town.spec("third"))
    services.start()

    assert sorted(town.noted()) == ["first starts hello", "second starts ", "third starts "]
    assert services["second"].log.read_text() == "second is up\n"
    services.stop()
    assert town.noted()[3:] == ["third stops", "second stops", "first stops"]
    assert services.failures == []


def test_one_is_killed_and_started_again(town):
    services = town.services(town.spec("only"))
    services.start()
    process = services["only"]
    before = process.pid
    process.kill()
    assert not alive(before)
    assert process.failure is None
    process.start()
    process.wait_ready()

    assert process.pid != before
    assert process.running
    services.stop()
    assert town.noted() == ["only starts ", "only starts ", "only stops"]


def test_one_that_ends_by_itself_is_noticed_with_its_last_words(town):
    services = town.services(
        town.spec("steady"), town.spec("weak", program=SERVICE.replace("serve_forever()", "handle_request(); sys.exit('no more')"))
    )
    services.start()
    wait_until(lambda: services.failures, what="an ended service is noticed")

    assert services.failures == ["weak ended unexpectedly with status 1\n  weak is up\n  no more"]
    services.stop()


def test_one_that_ends_before_it_is_ready_stops_the_others(town):
    services = town.services(town.spec("steady"), town.spec("broken", program="import sys; sys.exit('cannot: no configuration')"))
    with pytest.raises(NotReadyError, match=r"^broken ended with status 1 before it was ready\n  cannot: no configuration$"):
        services.start()

    assert not services["steady"].running
    assert services.failures == []


def test_one_that_is_never_ready_is_killed(town):
    services = town.services(town.spec("deaf", program="print('thinking', flush=True); import time; time.sleep(1000)"))
    process = services["deaf"]
    process.start()
    wait_until(lambda: process.log.read_text() == "thinking\n", what="it runs")
    with pytest.raises(NotReadyError, match=r"^deaf was not ready within 0.2 s\n  thinking$"):
        process.wait_ready(timeout_seconds=0.2)

    assert not process.running


def test_one_that_does_not_stop_is_killed_and_named_and_the_others_stop(town):
    stubborn = SERVICE.replace("signal.signal(signal.SIGTERM, end)", "signal.signal(signal.SIGTERM, lambda *_: None)")
    services = town.services(town.spec("first"), town.spec("stubborn", program=stubborn))
    services.start()
    with pytest.raises(NotStoppedError, match=r"^stubborn did not end within 0.3 s and was killed"):
        services["stubborn"].stop(timeout_seconds=0.3)
    services.stop()

    assert town.noted()[2:] == ["first stops"]


def test_a_program_that_is_missing_is_named(tmp_path):
    child = Child("the thing", log=tmp_path / "log")
    with pytest.raises(ProgramMissingError, match=r"^the thing cannot be started: there is no program /no/such/thing$"):
        child.start(["/no/such/thing"])


def test_a_child_is_not_started_twice(tmp_path):
    child = Child("the thing", log=tmp_path / "log")
    child.start(["sleep", "1000"])
    with pytest.raises(NotReadyError, match="the thing is running already"):
        child.start(["sleep", "1000"])
    child.kill()
    assert child.exit_code == -signal.SIGKILL


def test_only_the_last_run_is_quoted(tmp_path):
    child = Child("the thing", log=tmp_path / "log")
    for word in ("first", "second"):
        child.start(["echo", word])
        assert child.wait(timeout_seconds=TIMEOUT_SECONDS) == 0

    assert child.last_words() == "\n  second"
    assert child.log.read_text() == "first\nsecond\n"


PARENT = """
import sys, threading, time
from pathlib import Path
from stack.broker import Broker, BrokerSettings
from stack.database import Database, DatabaseSettings
from stack.processes import ServiceProcess, ServiceSpec
folder = Path(sys.argv[1])
broker = Broker(BrokerSettings(folder=folder / "broker"))
database = Database(DatabaseSettings(folder=folder / "database", changed={"shared_buffers": "32MB"}))
service = ServiceProcess(ServiceSpec(name="service", program=("sleep",), arguments=("1000",)), log_folder=folder)
def start():
    for each in (broker, database, service):
        each.start()
starter = threading.Thread(target=start)  # a thread that ends: its children live on
starter.start()
starter.join()
time.sleep(0.1)
print(broker.pid, database.pid, service.pid, flush=True)
if sys.argv[2] == "wait":
    time.sleep(1000)
"""


@pytest.mark.parametrize("end", ["killed", "over"])
def test_nothing_is_left_behind_when_the_parent_is_gone(server_folder, end):
    folder = server_folder / f"parent-{end}"
    folder.mkdir()
    command = [sys.executable, "-c", PARENT, folder, "wait" if end == "killed" else "end"]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    children = [int(word) for word in parent.stdout.readline().split()]
    parent.stdout.close()
    assert len(children) == 3
    if end == "killed":
        assert all(alive(child) for child in children)
        parent.kill()
    parent.wait(TIMEOUT_SECONDS)

    wait_until(lambda: not any(alive(child) for child in children), what=f"some of {children} live on")
    assert b"database system is shut down" in (folder / "database" / "postgres.log").read_bytes()
    assert (folder / "broker" / "data" / "mosquitto.db").exists()
