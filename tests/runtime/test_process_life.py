"""A service as a process: how it starts, refuses to start, says that it is stuck, and ends."""

import signal
import socket
import time
from calendar import timegm

import pytest
from programs import PATIENCE_SECONDS, ask, program, run

from stack.ports import LOOPBACK, free_port

SERVICE = """
    import asyncio, logging, sys, time
    from pydantic import Field
    from runtime import health, service
    from runtime.errors import ConfigurationError, DatabaseAway
    from runtime.settings import BrokerSettings

    class Mine(BrokerSettings):
        mine_password: str = Field(min_length=1)
        mine_port: int = Field(ge=1, le=65535)

    async def main(settings, told):
        told.facts["told"] = lambda: True
        print("ready")
        try:
            {work}
        finally:
            print("cleaned up")

    sys.exit(service.run("mine", Mine, port=lambda settings: settings.mine_port, main=main))
"""


@pytest.fixture
def settings():
    return {"WANGHUO_BROKER_URL": "mqtt://127.0.0.1:1", "WANGHUO_MINE_PASSWORD": "x", "WANGHUO_MINE_PORT": str(free_port())}


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_it_cleans_up_and_ends_with_0(tmp_path, settings, told):
    work = "await asyncio.Event().wait()"
    with program(SERVICE.format(work=work), folder=tmp_path, **settings) as process:
        assert process.stdout.readline() == "ready\n"
        assert ask(settings["WANGHUO_MINE_PORT"], "/readyz")[0] == 200
        process.send_signal(told)
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, out, err) == (0, "cleaned up\n", "")


def test_its_work_done_it_ends_with_0(tmp_path, settings):
    assert run(SERVICE.format(work="await asyncio.sleep(0)"), folder=tmp_path, **settings) == (0, "ready\ncleaned up\n", "")


def test_without_configuration_it_names_all_and_ends_with_2(tmp_path):
    status, out, err = run(SERVICE.format(work="pass"), folder=tmp_path)
    assert (status, out) == (2, "")
    assert err.splitlines() == [
        "wanghuo mine: the configuration is incomplete or wrong:",
        "  WANGHUO_BROKER_URL: Field required",
        "  WANGHUO_MINE_PASSWORD: Field required",
        "  WANGHUO_MINE_PORT: Field required",
    ]


def test_on_a_port_in_use_it_says_one_sentence_and_ends_with_2(tmp_path, settings):
    port = settings["WANGHUO_MINE_PORT"]
    with socket.create_server((LOOPBACK, int(port))):
        status, out, err = run(SERVICE.format(work="pass"), folder=tmp_path, **settings)
    assert (status, out, err) == (2, "", f"wanghuo mine: cannot serve metrics on {LOOPBACK}:{port}: Address already in use\n")


def test_a_configuration_found_wrong_later_ends_it_with_2(tmp_path, settings):
    work = "raise ExceptionGroup('all', [ConfigurationError('the roster is empty'), DatabaseAway('away')])"
    status, _, err = run(SERVICE.format(work=work), folder=tmp_path, **settings)
    assert (status, err) == (2, "wanghuo mine: the roster is empty\n")


def test_on_an_unforeseen_error_it_says_where_and_ends_with_1(tmp_path, settings):
    status, out, err = run(SERVICE.format(work="1 / 0"), folder=tmp_path, **settings)
    assert (status, out) == (1, "ready\ncleaned up\n")
    assert "mine ends on an unforeseen error" in err
    assert err.endswith("ZeroDivisionError: division by zero\n")


def test_stuck_it_says_so(tmp_path, settings):
    # The limit is made short; what is tested is that somebody else than the stuck loop answers.
    work = "await asyncio.sleep(0); health.LOOP_STUCK_SECONDS = 0.5; time.sleep(600)"
    port = settings["WANGHUO_MINE_PORT"]
    with program(SERVICE.format(work=work), folder=tmp_path, **settings) as process:
        assert process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := ask(port, "/healthz"))[0] == 200:
            assert time.monotonic() < deadline
        assert found[0] == 503
        assert '"alive": false' in found[1]
        assert ask(port, "/readyz")[0] == 503
        assert ask(port, "/metrics")[0] == 200


def test_the_log_speaks_utc_and_says_why_the_database_is_away_once(tmp_path, settings):
    work = """
            for _ in range(3):
                logging.getLogger("psycopg.pool").warning("error connecting: %s", "refused")
                logging.getLogger("psycopg.pool").info("connection given")
            logging.getLogger("mine").info("told")
            logging.getLogger("mine").debug("not told")
    """
    status, _, err = run(SERVICE.format(work=work.strip()), folder=tmp_path, TZ="Asia/Shanghai", **settings)
    first, second = err.splitlines()
    assert status == 0
    assert first.endswith("Z WARNING psycopg.pool: error connecting: refused")
    assert second.endswith("Z INFO mine: told")
    assert abs(timegm(time.strptime(first[:19], "%Y-%m-%dT%H:%M:%S")) - time.time()) < 3600  # Shanghai is 8 h away
