"""`wanghuo migrate --service-accounts`: what it needs, and what it writes."""

import os
import subprocess
import sys

import pytest
from psycopg.conninfo import make_conninfo

from stack.service_accounts import VARIABLES

PASSWORDS = {variable: f"secret-{account}" for account, variable in VARIABLES.items()}


def migrate(**environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WANGHUO_")}
    command = [sys.executable, "-m", "stack.cli", "migrate", "--service-accounts"]
    return subprocess.run(command, env={**kept, **environment}, capture_output=True, text=True, timeout=100, check=False)


def test_everything_missing_is_named_at_once(tmp_path):
    ended = migrate()
    assert ended.returncode == 2
    needed = {"WANGHUO_MIGRATE_DATABASE_URL", "WANGHUO_BROKER_PASSWORD_FILE", *VARIABLES.values()}
    assert {line.split()[0] for line in ended.stderr.splitlines()[1:]} == needed


@pytest.mark.parametrize("before", [None, "T1:kept\n"])
def test_the_services_may_sign_in_beside_whoever_could(database, tmp_path, before):
    file = tmp_path / "passwords"
    if before is not None:
        file.write_text(before)
    url = make_conninfo(database.owner_url)
    ended = migrate(WANGHUO_MIGRATE_DATABASE_URL=url, WANGHUO_BROKER_PASSWORD_FILE=str(file), **PASSWORDS)
    assert (ended.returncode, ended.stderr) == (0, "")
    written = file.read_text()
    assert {line.partition(":$")[0] for line in written.splitlines() if ":$" in line} == {str(account) for account in VARIABLES}
    assert not any(password in written for password in PASSWORDS.values())
    assert written.startswith(before or "")
