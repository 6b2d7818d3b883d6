"""A private certificate authority and a server certificate signed by it, made with `openssl`.

For a township's own network. Where a public or departmental authority exists, give the broker its files instead.
"""

import ipaddress
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from stack.broker import TlsFiles
from stack.errors import CertificateError, FolderError

AUTHORITY_DAYS = 3650
SERVER_DAYS = 825
"""The longest that common clients accept of a server."""
CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
ALWAYS = ("localhost", "127.0.0.1")
OPENSSL_TIMEOUT_SECONDS = 60
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def make_certificates(folder: Path, *, names: Iterable[str] = ()) -> TlsFiles:
    """Make the server's certificate, and the authority where the folder has none; devices trust `authority.pem`.

    A second call renews the server's certificate under the same authority, so that devices need nothing new. Keys are made anew
    and, like all files but the authority's and server's certificate, can be read by their owner only.

    Args:
        folder: where the files are kept; created where missing.
        names: host names and IP addresses by which devices reach the broker, besides localhost.

    Raises:
        CertificateError: a name is not one, or `openssl` is missing or fails.
        FolderError: the folder cannot be written.
    """
    if shutil.which("openssl") is None:
        raise CertificateError("openssl is not installed: run `sh stack/system-packages.sh` as root")
    alternatives = ",".join(dict.fromkeys(_alternative(name) for name in (*ALWAYS, *names)))
    files = TlsFiles(authority=folder / "authority.pem", certificate=folder / "server.pem", key=folder / "server-key.pem")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            if not (files.authority.exists() and _authority_key(folder).exists()):
                _make_authority(folder, work=Path(work))
            _make_server(folder, files=files, work=Path(work), alternatives=alternatives)
    except OSError as error:
        raise FolderError(f"cannot make certificates in {folder}: {error.strerror}") from error
    return files


def _authority_key(folder: Path) -> Path:
    return folder / "authority-key.pem"


def _make_authority(folder: Path, *, work: Path) -> None:
    key, certificate = work / "authority-key.pem", work / "authority.pem"
    usage = ["-addext", "basicConstraints=critical,CA:TRUE,pathlen:0", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    subject = ["-subj", "/O=Wanghuo/CN=Wanghuo private authority", "-days", str(AUTHORITY_DAYS)]
    _openssl("req", "-x509", *CURVE, "-keyout", str(key), "-out", str(certificate), *subject, *usage)
    _keep(key, at=_authority_key(folder), mode=0o600)
    _keep(certificate, at=folder / "authority.pem", mode=0o644)


def _make_server(folder: Path, *, files: TlsFiles, work: Path, alternatives: str) -> None:
    key, certificate = work / "server-key.pem", work / "server.pem"
    issuer = ["-CA", str(files.authority), "-CAkey", str(_authority_key(folder))]
    usage = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth"]
    extensions = [part for extension in (*usage, f"subjectAltName={alternatives}") for part in ("-addext", extension)]
    subject = ["-subj", "/O=Wanghuo/CN=Wanghuo broker", "-days", str(SERVER_DAYS)]
    _openssl("req", "-x509", *issuer, *CURVE, "-keyout", str(key), "-out", str(certificate), *subject, *extensions)
    _keep(key, at=files.key, mode=0o600)
    _keep(certificate, at=files.certificate, mode=0o644)


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        pass
    # A comma would end the name and begin another extension.
    if not _NAME.fullmatch(name):
        raise CertificateError(f"{name!r} is neither a host name nor an IP address")
    return f"DNS:{name}"


def _keep(made: Path, *, at: Path, mode: int) -> None:
    made.chmod(mode)
    made.replace(at)


def _openssl(*arguments: str) -> None:
    try:
        ended = subprocess.run(["openssl", *arguments], capture_output=True, timeout=OPENSSL_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CertificateError(f"openssl {arguments[0]} took longer than {OPENSSL_TIMEOUT_SECONDS} s") from error
    if ended.returncode != 0:
        raise CertificateError(f"openssl {arguments[0]} failed: {ended.stderr.decode(errors='replace').strip()}")
