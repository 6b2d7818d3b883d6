"""What a service says of itself over HTTP, also while its event loop is stuck."""

import json
import socket
from urllib.request import Request, urlopen

import pytest
from programs import ask

from runtime.errors import ConfigurationError
from runtime.health import LOOP_STUCK_SECONDS, Health, serve
from stack.ports import LOOPBACK, free_port


@pytest.fixture
def health():
    return Health("under test")


@pytest.fixture
def port(health):
    port = free_port()
    stop = serve(health, host=LOOPBACK, port=port)
    yield port
    stop()


def test_who_has_said_nothing_yet_is_alive_and_not_ready(health, port):
    assert ask(port, "/healthz")[0] == 200
    status, body = ask(port, "/readyz")
    assert status == 503
    assert json.loads(body)["problems"] == {"start": "the service is starting"}
    health.facts["age_seconds"] = lambda: 1.5
    assert ask(port, "/readyz")[0] == 200


def test_a_failing_check_is_not_ready_and_says_why(health, port):
    problems = ["the broker is away"]
    health.checks["broker"] = lambda: problems[0] if problems else None
    health.checks["database"] = lambda: None
    status, body = ask(port, "/readyz")
    assert (status, json.loads(body)["problems"]) == (503, {"broker": "the broker is away"})
    assert ask(port, "/healthz")[0] == 200
    problems.clear()
    assert ask(port, "/readyz")[0] == 200


def test_everything_stands_in_the_report(health, port):
    health.checks["database"] = lambda: None
    health.facts["last_commit_age_seconds"] = lambda: 0.25
    _, body = ask(port, "/healthz")
    assert json.loads(body) == {
        "service": "under test",
        "alive": True,
        "ready": True,
        "problems": {},
        "last_commit_age_seconds": 0.25,
    }


def test_a_stuck_loop_is_neither_alive_nor_ready(health, port):
    health.checks["database"] = lambda: None
    health._turned -= LOOP_STUCK_SECONDS
    assert [ask(port, path)[0] for path in ("/healthz", "/readyz")] == [503, 503]
    health.turned()
    assert [ask(port, path)[0] for path in ("/healthz", "/readyz")] == [200, 200]


def test_a_check_that_breaks_is_not_taken_for_readiness(health, port, capfd):
    health.checks["broken"] = lambda: 1 / 0
    assert ask(port, "/readyz")[0] == 500
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_metrics_are_served_with_the_version(port):
    status, body = ask(port, "/metrics")
    assert status == 200
    assert "\nwanghuo_build_info{" in body


@pytest.mark.parametrize("path", ["/", "/healthz/", "/readyz2", "/../healthz"])
def test_anything_else_is_not_found(port, path):
    assert ask(port, path)[0] == 404


def test_a_slow_client_does_not_hold_up_the_others(port):
    with socket.create_connection((LOOPBACK, port)) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\n")
        assert ask(port, "/healthz")[0] == 200


def test_a_port_in_use_is_a_wrong_configuration(health, port):
    with pytest.raises(ConfigurationError) as caught:
        serve(health, host=LOOPBACK, port=port)
    assert str(caught.value) == f"cannot serve metrics on {LOOPBACK}:{port}: Address already in use"


def test_a_foreign_host_is_a_wrong_configuration(health):
    with pytest.raises(ConfigurationError, match=r"cannot serve metrics on 192\.0\.2\.1:"):
        serve(health, host="192.0.2.1", port=free_port())


def test_stopped_it_leaves_the_port(health):
    port = free_port()
    for _ in range(2):
        stop = serve(health, host=LOOPBACK, port=port)
        with urlopen(Request(f"http://{LOOPBACK}:{port}/healthz"), timeout=10) as answer:
            assert answer.status == 200
        stop()
