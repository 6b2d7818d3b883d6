"""What docs/ says is what the code does, and its links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from stack.cli import application

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
)
LINK = re.compile(r"\]\((?!https?:|mailto:)(?P<path>[^)#\s]*)(?:#(?P<heading>[^)\s]+))?\)")


def test_generated_pages_are_fresh(database):
    done = subprocess.run(
        [sys.executable, "-m", "stack.cli", "documents", "--check", "--database-url", database.owner_url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def headings(path):
    """Headings as GitHub makes anchors of them."""
    found = re.findall(r"^#+ +(.*?) *$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in LINK.finditer(page.read_text(encoding="utf-8")):
        target = (page.parent / link["path"]).resolve() if link["path"] else page
        assert target.exists(), f"{link['path']} is not there"
        assert link["heading"] is None or link["heading"] in headings(target), f"{link['path']} has no heading #{link['heading']}"


def test_metrics_that_are_named_exist():
    known = set(re.findall(r"^\| `(wanghuo_\w+)`", (ROOT / "docs/metrics.md").read_text(encoding="utf-8"), re.MULTILINE))
    for path in (ROOT / "deploy/prometheus/rules.yml", ROOT / "docs/operations.md"):
        named = set(
            re.findall(r"\bwanghuo_\w+_(?:total|ratio|seconds|rows|bytes|messages|services)\b", path.read_text(encoding="utf-8"))
        )
        assert named
        assert named <= known


@pytest.fixture(scope="module")
def commands():
    """Every command of `wanghuo` by name."""
    return typer.main.get_command(application()).commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_are_named_exist(page, commands):
    for name, following in re.findall(
        r"(?:`|^ +|bin/|exec registry )wanghuo ([a-z][a-z0-9-]*)(?: ([a-z][a-z0-9-]*))?",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    ):
        assert name in commands, f"wanghuo {name}"
        inner = getattr(commands[name], "commands", None)
        assert inner is None or not following or following in inner, f"wanghuo {name} {following}"
