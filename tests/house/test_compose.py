"""The set-up in containers leaves nothing out: every service, its health, its figures, and every variable explained."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from stack.private import SERVICES

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
CONTAINERS = yaml.safe_load(COMPOSE)["services"]
ENDS_BY_ITSELF = {"migrate"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_a_container_and_is_scraped(name):
    assert CONTAINERS[name]["command"] == list(SERVICES[name])
    port = CONTAINERS[name]["healthcheck"]["test"][-1]
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {
        target: static["labels"]["service"] for job in scraped for static in job["static_configs"] for target in static["targets"]
    }
    assert targets.get(f"{name}:{port}") == name


@pytest.mark.parametrize("name", sorted(CONTAINERS.keys() - ENDS_BY_ITSELF))
def test_every_container_says_whether_it_is_well(name):
    assert CONTAINERS[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_every_variable_is_explained_and_used():
    explained = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"\$\{([A-Z0-9_]+)", COMPOSE)) == explained


def test_every_account_gets_a_password_of_its_own_once(tmp_path):
    (tmp_path / "deploy").mkdir()
    shutil.copy(ROOT / ".env.example", tmp_path)
    script = shutil.copy(ROOT / "deploy/make-env.sh", tmp_path / "deploy")
    assert subprocess.run(["sh", script], capture_output=True, check=False).returncode == 0
    written = tmp_path / ".env"
    made = dict(re.findall(r"^(\w+_PASSWORD)=(\w{32,})$", written.read_text(), flags=re.MULTILINE))
    assert made.keys() == {name for name in re.findall(r"\$\{(\w+)", COMPOSE) if name.endswith("_PASSWORD")}
    assert len(set(made.values())) == len(made)
    assert written.stat().st_mode & 0o077 == 0
    again = subprocess.run(["sh", script], capture_output=True, text=True, check=False)
    assert (again.returncode, "was not touched" in again.stderr) == (1, True)
    assert made.items() <= dict(re.findall(r"^(\w+)=(.*)$", written.read_text(), flags=re.MULTILINE)).items()


def test_ports_are_on_loopback_unless_set():
    ports = [port for container in CONTAINERS.values() for port in container.get("ports", ())]
    assert ports
    assert all(re.match(r"\$\{[A-Z0-9_]+:-127\.0\.0\.1:", port) for port in ports)
