"""Passwords that a stack makes up for itself and remembers, in one file that only we can read."""

import json
import secrets
from pathlib import Path

from stack.errors import FolderError
from stack.folders import write_for

RANDOM_BYTES = 24


class PasswordStore:
    """Passwords by name, made of `[A-Za-z0-9_-]`, which need no quoting in a URL."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._passwords: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            self._passwords = {}
        except (OSError, ValueError) as error:
            raise FolderError(f"cannot read the passwords in {path}: {error}") from error

    def get(self, name: str) -> str:
        """The password of `name`; made up and written down when asked for the first time."""
        if name not in self._passwords:
            self._passwords[name] = secrets.token_urlsafe(RANDOM_BYTES)
            write_for(self._path, json.dumps(self._passwords, indent=1) + "\n", user=None)
        return self._passwords[name]
