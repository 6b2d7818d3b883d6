"""Small modules, small functions, few positional parameters: more is listed here with its reason, or is cut in two."""

import ast
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULE_LINES, MODULE_LINES_HARD = 300, 400
FUNCTION_LINES, FUNCTION_LINES_HARD = 30, 45
POSITIONAL = 2

EXEMPT_MODULES = {"runtime/mqtt.py": "one session in one class, so that another library's can take its place"}
"""Modules above 300 lines, with the reason. Tables of data may be of any length."""
EXEMPT_FUNCTIONS = {
    "bench/references.py:handwritten": "the consumer that others would write, in one piece as they would write it",
    "bench/references.py:raw": "the ceiling, next to it in the same form",
}
"""Functions above 30 lines, as `module:name`, with the reason."""


def ours():
    listed = subprocess.run(["git", "ls-files", "--", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted(path for path in listed if (ROOT / path).exists())


def functions(path):
    """(name, lines, positional parameters beside self) of every function, docstrings not counted."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            documented = (
                isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
            )
            docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
            positional = [each.arg for each in (*node.args.posonlyargs, *node.args.args)]
            bound = positional[:1] in (["self"], ["cls"])
            given = node.name.startswith("__")  # the language says what `__exit__` takes
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - docstring, 0 if given else len(positional) - bound


MODULES = ours()
CODE = [path for path in MODULES if not path.startswith("tests/")]


@pytest.mark.parametrize("path", MODULES)
def test_a_module_is_small(path):
    lines = len((ROOT / path).read_text(encoding="utf-8").splitlines())
    if path in EXEMPT_MODULES:
        assert MODULE_LINES < lines <= MODULE_LINES_HARD, "not above the limit: take it off the list; or above the hard one: cut it"
        return
    assert lines <= MODULE_LINES, f"{lines} lines; hard limit {MODULE_LINES_HARD}"


@pytest.mark.parametrize("path", CODE)
def test_a_function_is_small(path):
    long = {f"{path}:{name}": lines for name, lines, _ in functions(path) if lines > FUNCTION_LINES}
    assert {name: lines for name, lines in long.items() if name not in EXEMPT_FUNCTIONS or lines > FUNCTION_LINES_HARD} == {}


@pytest.mark.parametrize("path", CODE)
def test_parameters_have_names(path):
    assert {name: count for name, _, count in functions(path) if count > POSITIONAL} == {}


def test_every_exception_is_still_one():
    long = {f"{path}:{name}" for path in CODE for name, lines, _ in functions(path) if lines > FUNCTION_LINES}
    assert EXEMPT_FUNCTIONS.keys() <= long
    assert EXEMPT_MODULES.keys() <= set(MODULES)
