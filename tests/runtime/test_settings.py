"""Settings: everything that is wrong is said at once, and no secret with it."""

from pathlib import Path

import pytest
from pydantic import Field, model_validator

from runtime.errors import ConfigurationError
from runtime.settings import BrokerSettings, Settings, load


class Service(BrokerSettings):
    database_password: str = Field(min_length=8)
    service_port: int = Field(default=9100, ge=1, le=65535)
    names: list[str] = Field(default_factory=list)


class Range(Settings):
    least: int = 0
    most: int = 10

    @model_validator(mode="after")
    def in_order(self):
        if self.least > self.most:
            raise ValueError("least is above most")
        return self


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """An empty folder, and nothing of ours in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "BROKER_URL",
        "BROKER_CA_FILE",
        "DATABASE_PASSWORD",
        "SERVICE_PORT",
        "NAMES",
        "LOG_LEVEL",
        "HTTP_HOST",
        "LEAST",
        "MOST",
    ):
        monkeypatch.delenv(f"WANGHUO_{name}", raising=False)
    return monkeypatch


def test_everything_missing_or_wrong_is_named_at_once(surroundings):
    surroundings.setenv("WANGHUO_SERVICE_PORT", "70000")
    surroundings.setenv("WANGHUO_LOG_LEVEL", "LOUD")
    with pytest.raises(ConfigurationError) as caught:
        load(Service)
    first, *lines = str(caught.value).splitlines()
    assert first == "the configuration is incomplete or wrong:"
    assert sorted(line.strip().partition(":")[0] for line in lines) == [
        "WANGHUO_BROKER_URL",
        "WANGHUO_DATABASE_PASSWORD",
        "WANGHUO_LOG_LEVEL",
        "WANGHUO_SERVICE_PORT",
    ]


def test_a_wrong_secret_is_not_said_again(surroundings):
    surroundings.setenv("WANGHUO_DATABASE_PASSWORD", "hunter2")
    surroundings.setenv("WANGHUO_BROKER_URL", "http://user:geheim@host")
    with pytest.raises(ConfigurationError) as caught:
        load(Service)
    assert "WANGHUO_DATABASE_PASSWORD" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_the_environment_goes_before_the_file_of_a_private_stack(surroundings):
    surroundings.setitem(Service.model_config, "env_file", Path(".stack/env"))  # tests/conftest.py hides it from all others
    Path(".stack").mkdir()
    Path(".stack/env").write_text(
        "WANGHUO_BROKER_URL=mqtt://file:1883\nWANGHUO_DATABASE_PASSWORD=from-file\nWANGHUO_OTHERS=1\n", "utf-8"
    )
    surroundings.setenv("WANGHUO_BROKER_URL", "mqtts://environment:8883")
    found = load(Service)
    assert (found.broker_url, found.database_password) == ("mqtts://environment:8883", "from-file")


def test_set_to_nothing_is_not_set(surroundings):
    surroundings.setenv("WANGHUO_BROKER_URL", "mqtt://host:1883")
    surroundings.setenv("WANGHUO_BROKER_CA_FILE", "")
    surroundings.setenv("WANGHUO_DATABASE_PASSWORD", "")
    with pytest.raises(ConfigurationError, match="WANGHUO_DATABASE_PASSWORD: Field required"):
        load(Service)
    surroundings.setenv("WANGHUO_DATABASE_PASSWORD", "long enough")
    assert load(Service).broker_ca_file is None


def test_what_is_wrong_only_together_is_said_too(surroundings):
    surroundings.setenv("WANGHUO_LEAST", "11")
    with pytest.raises(ConfigurationError, match="least is above most"):
        load(Range)


def test_what_does_not_even_parse_is_a_wrong_configuration(surroundings):
    surroundings.setenv("WANGHUO_NAMES", "[")
    with pytest.raises(ConfigurationError, match="names"):
        load(Service)


@pytest.mark.parametrize("level", ["debug", "Info", "WARNING"])
def test_a_log_level_is_read_in_any_case(surroundings, level):
    surroundings.setenv("WANGHUO_LOG_LEVEL", level)
    assert load(Settings).log_level == level
