"""A private authority, a server certificate, and a broker that proves itself with them."""

import socket
import ssl
import stat
import subprocess

import pytest
from mqtt_client import TIMEOUT_SECONDS

from stack.broker import Broker, BrokerSettings
from stack.certificates import make_certificates
from stack.errors import CertificateError, FolderError


def certificate(files):
    return subprocess.run(
        ["openssl", "x509", "-in", files.certificate, "-noout", "-text"], capture_output=True, text=True, check=True
    ).stdout


def verified(files):
    return (
        subprocess.run(
            ["openssl", "verify", "-CAfile", files.authority, files.certificate], capture_output=True, check=False
        ).returncode
        == 0
    )


def test_the_server_is_signed_for_its_names_and_keys_are_for_their_owner_only(tmp_path):
    files = make_certificates(tmp_path / "certificates", names=["broker.township.example", "10.1.2.3", "localhost"])

    assert verified(files)
    assert "DNS:localhost, IP Address:127.0.0.1, DNS:broker.township.example, IP Address:10.1.2.3\n" in certificate(files)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files.key.parent.iterdir()}
    assert modes == {"authority.pem": 0o644, "authority-key.pem": 0o600, "server.pem": 0o644, "server-key.pem": 0o600}


def test_a_renewal_keeps_the_authority(tmp_path):
    files = make_certificates(tmp_path)
    authority, server = files.authority.read_bytes(), files.certificate.read_bytes()
    make_certificates(tmp_path, names=["other.example"])

    assert files.authority.read_bytes() == authority
    assert files.certificate.read_bytes() != server
    assert verified(files)


@pytest.mark.parametrize("name", ["", "a b", "a,DNS:b", "-x/../y", "a\nb", "*"])
def test_what_is_no_name_is_refused(tmp_path, name):
    with pytest.raises(CertificateError, match="neither a host name nor an IP address"):
        make_certificates(tmp_path, names=[name])


def test_a_folder_that_cannot_be_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FolderError, match=r"cannot make certificates in .*file"):
        make_certificates(tmp_path / "file" / "below")


@pytest.fixture
def tls_broker(server_folder, tmp_path):
    files = make_certificates(tmp_path)
    server = Broker(BrokerSettings(folder=server_folder / "broker-tls", tls=files))
    server.set_passwords({"T1": "secret"})
    server.start()
    yield server, files
    server.kill()


def publish(server, *options, port=None):
    command = [
        "mosquitto_pub",
        "-h",
        "localhost",
        "-p",
        str(port or server.tls_port),
        "-V",
        "5",
        "-q",
        "1",
        "-u",
        "T1",
        "-P",
        "secret",
    ]
    command += ["-t", "wanghuo/v1/T1/signal", "-m", "x", *options]
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT_SECONDS, check=False).returncode


def test_a_client_that_knows_the_authority_connects_and_nobody_else(tls_broker, tmp_path):
    server, files = tls_broker
    other = make_certificates(tmp_path / "other")

    assert publish(server, "--cafile", files.authority) == 0
    assert publish(server, "--cafile", other.authority) != 0
    assert publish(server) != 0
    assert publish(server, port=server.port) == 0


def test_a_renewed_certificate_is_shown_after_a_reload(tls_broker):
    server, files = tls_broker
    context = ssl.create_default_context(cafile=files.authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT

    def shown(name):
        plain = socket.create_connection(("127.0.0.1", server.tls_port), timeout=TIMEOUT_SECONDS)
        with context.wrap_socket(plain, server_hostname=name) as secured:
            return secured.getpeercert()["serialNumber"]

    before = shown("localhost")
    make_certificates(files.key.parent)
    server.reload()
    for _ in range(600):
        if shown("127.0.0.1") != before:
            return
    pytest.fail("the broker still shows the old certificate")
