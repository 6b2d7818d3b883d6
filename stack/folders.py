"""Folders that a server, running as a user of its own, can use."""

import hashlib
import os
import pwd
import stat
import tempfile
from pathlib import Path

from stack.errors import FolderError

IN_PROJECT = Path(".stack")
FOR_ROOT = Path("/var/lib/wanghuo")
"""Holds the data of a stack that root starts in a folder which other users cannot enter, such as root's home."""


def default_folder(project: Path | None = None) -> Path:
    """Where the private stack of the project in `project` (default: the present folder) keeps its data."""
    project = (project or Path.cwd()).resolve()
    if os.geteuid() != 0 or _shut(project) is None:
        return project / IN_PROJECT
    return FOR_ROOT / hashlib.sha256(os.fsencode(project)).hexdigest()[:12]


def server_user(*names: str) -> pwd.struct_passwd | None:
    """The first of these users that exists, for a server started by root; None where we are not root and it runs as we do.

    Raises:
        FolderError: none exists.
    """
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise FolderError(f"no user {' or '.join(names)} exists that a server started by root could run as")


def make_folder(folder: Path, *, user: pwd.struct_passwd | None, mode: int = 0o750) -> Path:
    """Create `folder` where it is missing, hand it to `user`, and return its absolute path.

    Raises:
        FolderError: it cannot be created, or `user` cannot enter a folder above it.
    """
    folder = folder.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if user is not None:
            shut = _shut(folder.parent, user=user)
            if shut is not None:
                raise FolderError(f"user {user.pw_name} cannot enter {shut}: choose a folder elsewhere for {folder}")
            os.chown(folder, user.pw_uid, user.pw_gid)
        folder.chmod(mode)
    except OSError as error:
        raise FolderError(f"cannot prepare the folder {folder}: {error.strerror}") from error
    return folder


def write_for(path: Path, text: str, *, user: pwd.struct_passwd | None) -> Path:
    """Write, or replace as a whole, a file that only `user` (we, where None) can read."""
    descriptor, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if user is not None:
            os.fchown(file.fileno(), user.pw_uid, user.pw_gid)
        file.write(text)
    return Path(part).replace(path)


def _shut(folder: Path, *, user: pwd.struct_passwd | None = None) -> Path | None:
    """The first folder on the way to and including `folder` that `user` (where None: just anybody) may not enter."""
    for step in [*reversed(folder.parents), folder]:
        found = step.stat()
        open_to_all = found.st_mode & stat.S_IXOTH
        open_to_owner = user is not None and found.st_uid == user.pw_uid and found.st_mode & stat.S_IXUSR
        if not open_to_all and not open_to_owner:
            return step
    return None
