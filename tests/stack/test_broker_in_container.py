"""The broker's command in a container, run here without one."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mqtt_client import FOR_EVER, connected

from runtime.broker_accounts import BrokerAccount
from runtime.broker_passwords import set_passwords
from stack.broker import SOURCE, Broker, BrokerSettings
from stack.ports import accepts, free_port
from tests.conftest import BrokerUnderTest

TIMEOUT_SECONDS = 60


class Container:
    """What `docker compose` lays out: configuration, credentials of another user, data."""

    def __init__(self, base):
        self.base = base
        self.host = "127.0.0.1"
        self.port = free_port()
        self.passwords = {}
        for name in ("config", "credentials", "data"):
            (base / name).mkdir(parents=True)
        shutil.copy(SOURCE / "acl", base / "config")
        lines = (
            (SOURCE / "mosquitto.conf")
            .read_text()
            .replace("/mosquitto/", f"{base}/")
            .replace("listener 1883", f"listener {self.port} 127.0.0.1")
        )
        (base / "config" / "mosquitto.conf").write_text(lines)
        self.log = (base / "log").open("wb")
        self.process = None

    def start(self):
        environment = {**os.environ, "MOSQUITTO_BASE": str(self.base), "PATH": f"{os.environ['PATH']}:/usr/sbin"}
        self.process = subprocess.Popen(["sh", SOURCE / "run.sh"], env=environment, stderr=self.log)

    def write(self, passwords):
        self.passwords |= passwords
        set_passwords(self.base / "credentials" / "passwords", passwords)

    def signs_in(self, name):
        try:
            return BrokerUnderTest.signs_in(self, name)
        except OSError:
            return False

    def await_listening(self):
        self._await(lambda: accepts(self.port), what="nobody listens")

    def await_sign_in(self, name):
        self._await(lambda: self.signs_in(name), what=f"{name} cannot sign in")

    def _await(self, condition, *, what):
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"{what}: {Path(self.log.name).read_text()}"
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_SECONDS)


@pytest.fixture
def container(server_folder):
    made = Container(server_folder / f"container-{free_port()}")
    yield made
    if made.process.poll() is None:
        made.stop()
    made.log.close()


def test_accounts_written_before_and_after_its_start_are_taken_and_sessions_kept(container):
    container.write({"T1": "one", str(BrokerAccount.INGEST): "lane"})
    container.start()
    container.await_sign_in("T1")
    with connected(container, BrokerAccount.INGEST, client_id="lane", session_expiry_seconds=FOR_EVER) as lane:
        lane.subscribe("wanghuo/v1/+/signal")
    container.write({"T2": "two"})
    container.await_sign_in("T2")
    with connected(container, "T2") as device:
        device.publish("wanghuo/v1/T2/signal", b"kept")

    assert container.stop() == 0
    container.start()
    container.await_sign_in("T2")
    with connected(container, BrokerAccount.INGEST, client_id="lane", session_expiry_seconds=FOR_EVER) as lane:
        assert lane.receive() == ("wanghuo/v1/T2/signal", b"kept")


def test_it_waits_for_the_first_account(container):
    container.start()
    container.await_listening()
    container.write({"T1": "one"})
    container.await_sign_in("T1")


def test_it_ends_when_the_broker_does(container):
    (container.base / "config" / "mosquitto.conf").write_text("no_such_setting true\n")
    container.start()

    assert container.process.wait(TIMEOUT_SECONDS) != 0


def test_every_setting_reaches_the_private_broker_too(server_folder):
    """One source: only paths and listeners differ."""
    broker = Broker(BrokerSettings(folder=server_folder / "broker-settings"))
    ours = set(broker._configure().read_text().splitlines())
    source = {line for line in (SOURCE / "mosquitto.conf").read_text().splitlines() if line and not line.startswith("#")}

    assert {line.split()[0] for line in source - ours} == {"listener", "password_file", "acl_file", "persistence_location"}
