"""What an integrator and a duty officer do on the shell, with programs that know nothing of us."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from stack.ports import LOOPBACK
from stack.private import SERVICES, PrivateStack, PrivateStackSettings
from stack.receiver import Receiver
from stack.up import mend

TIMEOUT = 60
FIRE = '{"boot": 1, "seq": %d, "point": "1-12-3", "kind": "fire_alarm", "active": true}'


class Shell:
    """A shell in the surroundings of a running stack."""

    def __init__(self, stack: PrivateStack, receiver: Receiver) -> None:
        self.stack = stack
        self.receiver = receiver

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.stack.environment}
        command = [sys.executable, "-m", "stack.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT, check=False)

    def wanghuo(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def alarms(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.wanghuo("alarms", "list", "--json"))
        return found

    def publish(self, topic: str, message: str, *, credentials: tuple[str, str] | None) -> str:
        """What mosquitto_pub says; it exits 0 also where it is not authorized."""
        who = ["-u", credentials[0], "-P", credentials[1]] if credentials else []
        command = [
            "mosquitto_pub",
            "-V",
            "5",
            "-q",
            "1",
            "-h",
            LOOPBACK,
            "-p",
            str(self.stack.broker.port),
            "-t",
            topic,
            "-m",
            message,
        ]
        done = subprocess.run([*command, *who], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        return done.stdout + done.stderr

    def enrol(self, transmitter_id: str) -> tuple[str, str]:
        printed = self.wanghuo("registry", "enrol", transmitter_id, "--village", "v1", "--class", "detector")
        return transmitter_id, printed.split()[-1]


@pytest.fixture(scope="module")
def shell(server_folder: Path) -> Iterator[Shell]:
    folder = server_folder / "shell"
    folder.mkdir(mode=0o755)
    with Receiver() as receiver:
        roster = folder / "roster.toml"
        roster.write_text(
            f'[[officer]]\nname = "wang"\nchannels = ["{receiver.channel}"]\n\n[watchdog]\nchannels = ["{receiver.channel}"]\n'
        )
        with PrivateStack(PrivateStackSettings(folder=folder, roster=roster)) as stack:
            stack.start_services()
            found = Shell(stack, receiver)
            villages = folder / "villages.csv"
            villages.write_text("village_id,name\nv1,里春村\n")
            found.wanghuo("registry", "import", "--villages", str(villages))
            yield found


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_enrolled_transmitters_fire_is_listed_notified_handled_and_closed(shell: Shell) -> None:
    credentials = shell.enrol("D1")
    shell.publish("wanghuo/v1/D1/signal", FIRE % 1, credentials=credentials)
    until(lambda: any(alarm["transmitter_id"] == "D1" for alarm in shell.alarms()))
    (alarm,) = (alarm for alarm in shell.alarms() if alarm["transmitter_id"] == "D1")
    assert (alarm["kind"], alarm["point"], alarm["handling"]) == ("fire_alarm", "1-12-3", "open")
    number = str(alarm["alarm_id"])
    until(lambda: any("1-12-3" in delivery.message for delivery in shell.receiver.deliveries))
    refused = shell.run("alarms", "close", number, "--operator", "li")
    assert refused.returncode == 1
    assert "verif" in refused.stderr
    shell.wanghuo("alarms", "acknowledge", number, "--operator", "li")
    shell.wanghuo("alarms", "verify", number, "--operator", "li", "--disposition", "false_alarm", "--cause", "cooking")
    shell.wanghuo("alarms", "close", number, "--operator", "li")
    assert all(alarm["transmitter_id"] != "D1" for alarm in shell.alarms())
    assert "cooking" in shell.wanghuo("alarms", "show", number)


def test_the_broker_refuses_strangers_other_topics_and_forged_commands(shell: Shell) -> None:
    credentials = shell.enrol("D2")
    shell.enrol("D3")
    said = [
        shell.publish("wanghuo/v1/D2/signal", FIRE % 1, credentials=None),
        shell.publish("wanghuo/v1/D2/signal", FIRE % 1, credentials=("D2", "wrong")),
        shell.publish("wanghuo/v1/D3/signal", FIRE % 1, credentials=credentials),
        shell.publish("wanghuo/v1/D2/command", '{"id": "x", "name": "confirm"}', credentials=credentials),
    ]
    assert all("not authorised" in text.lower() or "not authorized" in text.lower() for text in said), said
    shell.publish("wanghuo/v1/D2/signal", FIRE % 2, credentials=credentials)
    until(lambda: any(alarm["transmitter_id"] == "D2" for alarm in shell.alarms()))
    found = [alarm for alarm in shell.alarms() if alarm["transmitter_id"] in {"D2", "D3"}]
    assert [(alarm["transmitter_id"], alarm["occurrences"]) for alarm in found] == [("D2", 1)]


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_how_it_is_and_what_it_counts(shell: Shell, service: str) -> None:
    connection = HTTPConnection(LOOPBACK, shell.stack.ports[service], timeout=TIMEOUT)
    for path, wanted in (("/healthz", '"alive": true'), ("/readyz", '"ready": true'), ("/metrics", "wanghuo_build_info{")):
        connection.request("GET", path)
        answer = connection.getresponse()
        assert (answer.status, wanted in answer.read().decode()) == (200, True), path
    connection.close()


def test_the_connection_ratio_is_measured_with_its_evidence(shell: Shell) -> None:
    assert "里春村" in shell.wanghuo("connection", "show") or "v1" in shell.wanghuo("connection", "show")


def test_a_service_that_is_killed_is_started_again(shell: Shell) -> None:
    process, said = shell.stack.services["registry"], list[str]()
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    until(lambda: mend(shell.stack, say=said.append))
    assert said[0].startswith("registry ended unexpectedly with status -9; it is started again")
    process.wait_ready()
    assert not mend(shell.stack, say=said.append)
