"""The set-up in containers leaves nothing out: every service, its health, its figures, and every variable explained."""

import re
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


def test_ports_are_on_loopback_unless_set():
    ports = [port for container in CONTAINERS.values() for port in container.get("ports", ())]
    assert ports
    assert all(re.match(r"\$\{[A-Z0-9_]+:-127\.0\.0\.1:", port) for port in ports)
