"""The project speaks its own words, of itself alone, and of no machine in particular."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
BINARY = {".gz", ".png", ".ico"}
TEXTS = {
    path: (ROOT / path).read_text(encoding="utf-8")
    for path in TRACKED
    if Path(path).suffix not in BINARY and (ROOT / path).exists()
}
MODULES = [path for path in TEXTS if path.endswith(".py")]

MACHINE = re.compile("|".join(["/" + "work/", "/" + "root/", "/tmp/" + "brief", "/home/" + r"(?!nonroot)\w+/"]))
REGISTRY = re.compile(
    r"""https?://[^\s"'<>]+/(simple|dists|pool)(/|["'\s]|$)|files\.python""" + r"hosted\.org|registry\.npm" + "js"
)
NEVER_PARTS = {"alert", "alerted", "alerting", "gateway", "customer", "snooze", "unsnooze", "incident"}
"""Never part of a name of ours (docs/glossary.md). `alerts` is the package, its role and its settings."""


@pytest.mark.parametrize("path", TEXTS)
def test_no_file_names_a_machine_or_a_registry(path):
    assert MACHINE.search(TEXTS[path]) is None
    assert REGISTRY.search(TEXTS[path]) is None


def names(path):
    """Everything that a module gives a name to."""
    for node in ast.walk(ast.parse(TEXTS[path])):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


@pytest.mark.parametrize("path", MODULES)
def test_names_are_words_of_the_glossary(path):
    parts = {part.lower(): name for name in names(path) for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", name)}
    assert {name for part, name in parts.items() if part in NEVER_PARTS} == set()
    assert not set(Path(path).stem.split("_")) & NEVER_PARTS


@pytest.mark.parametrize("path", [path for path in TEXTS if path.endswith(".sql")])
def test_names_of_the_database_are_words_of_the_glossary(path):
    words = {part for word in re.findall(r"[a-z_]+", re.sub(r"--.*|'[^']*'", "", TEXTS[path]).lower()) for part in word.split("_")}
    assert not words & NEVER_PARTS


@pytest.mark.parametrize("path", MODULES)
def test_nothing_is_left_to_do(path):
    comments = [
        token.string for token in tokenize.generate_tokens(io.StringIO(TEXTS[path]).readline) if token.type == tokenize.COMMENT
    ]
    assert [comment for comment in comments if re.search(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HACK)\b", comment)] == []
