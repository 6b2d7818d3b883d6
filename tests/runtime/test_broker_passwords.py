"""The password file: what Mosquitto reads, and nothing lost between writers."""

import os
import stat
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import broker_passwords
from runtime.broker_passwords import PasswordFileError, hash_password, matches, remove, set_password, set_passwords, usernames


@pytest.fixture
def path(tmp_path):
    return tmp_path / "passwords"


def test_lines_are_what_mosquitto_passwd_writes(path):
    subprocess.run(["mosquitto_passwd", "-c", "-b", path, "T1", "secret"], check=True, capture_output=True)
    name, _, stored = path.read_text().strip().partition(":")

    assert name == "T1"
    assert matches(stored, "secret")
    assert not matches(stored, "Secret")
    assert [len(part) for part in hash_password("secret").split("$")] == [len(part) for part in stored.split("$")]


@given(st.text(min_size=1, max_size=40, alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_hash_matches_its_password_alone(password):
    stored = hash_password(password, iterations=1)

    assert matches(stored, password)
    assert not matches(stored, password + "x")


@pytest.mark.parametrize(
    "stored", ["", "secret", "$7$101$", "$7$x$c2FsdHNhbHRzYWx0$aGFzaA==", "$6$101$c2FsdA==$aGFzaA==", "$7$0$!$!"]
)
def test_what_cannot_be_read_matches_nothing(stored):
    assert not matches(stored, "secret")


def test_users_are_added_changed_and_removed_in_their_order(path):
    assert usernames(path) == []
    assert set_passwords(path, {"T1": "a", "wanghuo/v1": "b", "ingest.probe": "c"})
    set_password(path, "T1", password="changed")
    remove(path, ["wanghuo/v1", "nobody"])

    assert usernames(path) == ["T1", "ingest.probe"]
    stored = dict(line.split(":", 1) for line in path.read_text().splitlines())
    assert matches(stored["T1"], "changed")
    assert matches(stored["ingest.probe"], "c")


def test_a_file_that_is_right_already_is_left_alone(path):
    set_passwords(path, {"T1": "a", "T2": "b"})
    before = path.stat()

    assert not set_passwords(path, {"T2": "b"})
    remove(path, ["T3"])

    assert path.stat() == before


@pytest.mark.parametrize("name", ["", "a:b", "a+b", "a#b", " a", "a ", "a\nb", "a\0b", "a" * 65_536])
def test_names_the_broker_cannot_take_are_refused(path, name):
    set_password(path, "T1", password="a")
    before = path.read_text()
    with pytest.raises(PasswordFileError):
        set_passwords(path, {"T2": "fine", name: "b"})

    assert path.read_text() == before


@pytest.mark.parametrize("password", ["", "a\0b", "a" * 65_536])
def test_passwords_the_broker_cannot_take_are_refused(path, password):
    with pytest.raises(PasswordFileError):
        set_password(path, "T1", password=password)

    assert not path.exists()


def test_owner_and_mode_are_kept(path):
    set_password(path, "T1", password="a")
    path.chmod(0o604)
    if os.geteuid() == 0:
        os.chown(path, 1234, 5678)
    before = path.stat()
    set_password(path, "T1", password="b")

    after = path.stat()
    assert (after.st_uid, after.st_gid, stat.S_IMODE(after.st_mode)) == (before.st_uid, before.st_gid, 0o604)
    assert [entry.name for entry in path.parent.iterdir() if entry.name.startswith(".")] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write as somebody else")
@pytest.mark.parametrize(("mode", "taken"), [(0o660, False), (0o664, True)])
def test_a_writer_who_cannot_keep_the_owner_changes_nothing_unless_all_may_read(mode, taken):
    """The broker might have read it as its owner."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, 0, 65534)
        Path(folder).chmod(0o770)
        path = Path(folder, "passwords")
        set_password(path, "T1", password="a")
        os.chown(path, 0, 65534)
        path.chmod(mode)
        program = (
            "import os, sys; from pathlib import Path; from runtime.broker_passwords import *\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: set_password(Path(sys.argv[1]), 'T2', password='b')\n"
            "except PasswordFileError as error: sys.exit(str(error))"
        )
        path.with_name("passwords.lock").chmod(0o666)
        ended = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=False)

        assert (ended.returncode == 0) == taken, ended.stderr
        assert usernames(path) == (["T1", "T2"] if taken else ["T1"])
        assert taken or "cannot keep the owner" in ended.stderr
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_writers_at_the_same_time_lose_nothing(path):
    names = [f"T{number}" for number in range(60)]
    with ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda name: set_password(path, name, password=name), names))

    assert sorted(usernames(path)) == sorted(names)


def test_a_writer_waits_for_another_only_so_long(path, monkeypatch):
    monkeypatch.setattr(broker_passwords, "LOCK_TIMEOUT_SECONDS", 0.05)
    with broker_passwords._locked(path), pytest.raises(PasswordFileError, match="another writer has held"):
        set_password(path, "T1", password="a")

    set_password(path, "T1", password="a")
    assert usernames(path) == ["T1"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(PasswordFileError, match=r"cannot lock the password file .*nowhere/passwords: No such file"):
        set_password(tmp_path / "nowhere" / "passwords", "T1", password="a")
