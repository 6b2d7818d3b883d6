"""What a backup says of itself, so that a restore can refuse what it could not bring back whole."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from stack.errors import BackupError

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Of one backup.

    Attributes:
        taken_at: RFC 3339, UTC.
        shape: name of the newest migration.
        postgresql: the server's version as PostgreSQL numbers it, such as 150008.
        timescaledb: the extension's version, which the restore needs exactly.
        roles: roles that the dump names.
        tables: rows by table.
        files: SHA-256 by name of the dump's files, hexadecimal.
        format: of this manifest.
    """

    taken_at: str
    shape: str
    postgresql: int
    timescaledb: str
    roles: list[str]
    tables: dict[str, int]
    files: dict[str, str]
    format: int = FORMAT


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a dump."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name != NAME:
            with path.open("rb") as file:
                found[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def write(folder: Path, manifest: Manifest) -> None:
    """Write it, last of all, and let it reach the disk."""
    with (folder / NAME).open("w", encoding="utf-8") as file:
        json.dump(asdict(manifest), file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read(folder: Path) -> Manifest:
    """Read it, and make sure that the dump is as it was written.

    Raises:
        BackupError: this is no backup, one of another format, or a file of it is missing or damaged.
    """
    try:
        manifest = TypeAdapter(Manifest).validate_json((folder / NAME).read_bytes(), strict=True)
    except OSError as error:
        raise BackupError(f"there is no backup in {folder}: {NAME} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        where = ", ".join(".".join(map(str, part["loc"])) or "JSON" for part in error.errors())
        raise BackupError(f"there is no backup in {folder}: {NAME} is not as `wanghuo backup` writes it ({where})") from error
    if manifest.format != FORMAT:
        raise BackupError(f"the backup in {folder} is of format {manifest.format}, this program reads format {FORMAT}")
    present = digests(folder)
    for name, digest in manifest.files.items():
        if present.get(name) != digest:
            raise BackupError(
                f"the backup in {folder} is damaged: {name} is {'not as it was written' if name in present else 'missing'}"
            )
    return manifest
