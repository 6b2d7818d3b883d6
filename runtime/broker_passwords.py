"""The broker's password file, edited by one writer at a time and replaced whole.

Whoever runs the broker watches this file and lets the broker read it anew (SIGHUP), so a writer needs not know the broker.
A line is `name:$7$iterations$salt$hash`, PBKDF2-HMAC-SHA512, salt and hash in Base64: what `mosquitto_passwd` writes.
"""

import base64
import fcntl
import hashlib
import hmac
import os
import secrets
import stat
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runtime.errors import WanghuoError

ITERATIONS = 101
"""As `mosquitto_passwd` has it. The broker computes this anew for every connected client at every reload, in its only thread."""
SALT_BYTES = 12
"""The one length Mosquitto takes."""
LONGEST_BYTES = 65_535
"""Of a name or a password in MQTT."""
LOCK_TIMEOUT_SECONDS = 10.0
LOCK_POLL_SECONDS = 0.02


class PasswordFileError(WanghuoError):
    """The password file cannot be changed as asked; it is as it was."""


def hash_password(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The part of a line after the name."""
    salt = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(stored: str, password: str) -> bool:
    """Whether `stored`, the part of a line after the name, was made from `password`; False where it cannot be read."""
    try:
        _, kind, iterations, salt, _ = stored.split("$")
        again = hash_password(password, salt=base64.b64decode(salt, validate=True), iterations=int(iterations))
    except ValueError:
        return False
    return kind == "7" and hmac.compare_digest(again, stored)


def usernames(path: Path) -> list[str]:
    """Names in the file, in its order; empty where there is no file."""
    return list(_read(path))


def set_password(path: Path, username: str, *, password: str) -> None:
    """Let `username` sign in with `password`. See `set_passwords`."""
    set_passwords(path, {username: password})


def set_passwords(path: Path, passwords: Mapping[str, str]) -> bool:
    """Let all of `passwords` (by name) sign in, with one replacement of the file.

    Returns:
        Whether the file was replaced: passwords that are valid already leave it alone, and the broker with it.

    Raises:
        PasswordFileError: a name or password that the broker cannot take, or a file that cannot be written.
    """
    for username, password in passwords.items():
        _refuse_unusable(username, password=password)
    with _locked(path):
        entries = _read(path)
        changed = {name: word for name, word in passwords.items() if not matches(entries.get(name, ""), word)}
        entries.update({name: hash_password(word) for name, word in changed.items()})
        if changed or not path.exists():
            _replace(path, entries)
        return bool(changed)


def remove(path: Path, names: Iterable[str]) -> None:
    """Let `names` sign in no more; the broker ends their connections when it reads the file. Unknown names are passed over."""
    with _locked(path):
        entries = _read(path)
        kept = {name: stored for name, stored in entries.items() if name not in set(names)}
        if kept != entries:
            _replace(path, kept)


def _refuse_unusable(username: str, *, password: str) -> None:
    # A colon ends the name, `#` begins a comment line, and a user with `+` or `#` is refused by every ACL with patterns.
    if not username or username != username.strip() or not username.isprintable() or set(username) & set(":+#"):
        raise PasswordFileError(
            f"{username!r} cannot be a user of the broker: no colon, `+`, `#`, control or outer blank is allowed"
        )
    # The broker takes a password up to its first NUL.
    if not password or "\0" in password:
        raise PasswordFileError(f"the password of {username} is empty or contains NUL")
    if max(len(username.encode()), len(password.encode())) > LONGEST_BYTES:
        raise PasswordFileError(f"the name or password of {username[:64]} is longer than {LONGEST_BYTES} bytes")


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PasswordFileError(f"cannot read the password file {path}: {error.strerror}") from error
    lines = (line.strip() for line in text.splitlines())
    return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    deadline = time.monotonic() + LOCK_TIMEOUT_SECONDS
    try:
        descriptor = os.open(path.with_name(path.name + ".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PasswordFileError(f"cannot lock the password file {path}: {error.strerror}") from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise PasswordFileError(f"another writer has held {path} for {LOCK_TIMEOUT_SECONDS:.0f} s") from None
                time.sleep(LOCK_POLL_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, entries: Mapping[str, str]) -> None:
    text = "".join(f"{name}:{stored}\n" for name, stored in entries.items())
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        part = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                _keep_access(file.fileno(), like=path)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise PasswordFileError(f"cannot write the password file {path}: {error.strerror}") from error


def _keep_access(descriptor: int, *, like: Path) -> None:
    """Give the new file the old one's owner and mode; a file the broker cannot read would lock everybody out."""
    if not like.exists():
        os.fchmod(descriptor, 0o640)
        return
    old = like.stat()
    try:
        os.fchown(descriptor, old.st_uid, old.st_gid)
    except PermissionError:
        if not old.st_mode & stat.S_IROTH:
            raise PasswordFileError(
                f"cannot keep the owner of {like}, and the broker might read it no more: write it as its owner"
            ) from None
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
