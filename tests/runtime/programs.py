"""Small services of the tests' own, as real processes."""

import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager
from urllib.error import HTTPError
from urllib.request import urlopen

PATIENCE_SECONDS = 60


@contextmanager
def program(text, *, folder, **environment):
    """A Python program in a folder and an environment without settings of ours; killed on leaving where it still runs."""
    path = folder / "program.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGHUO_")}
    process = subprocess.Popen(
        [sys.executable, "-u", path],
        cwd=folder,
        env={**kept, **environment},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(text, *, folder, **environment):
    """Its exit status, standard output and standard error, once it has ended by itself."""
    with program(text, folder=folder, **environment) as process:
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, out, err


def ask(port, path):
    """Status and body."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()
