"""A ledger and a database that agree, for the verdict; a broker with a voice for everybody, and with TLS."""

import itertools
import secrets

import pytest

from runtime.broker_accounts import BrokerAccount
from simulator.judging import verdict
from stack.broker import Broker, BrokerSettings
from stack.certificates import make_certificates
from stack.private import WORLD, WORLD_RIGHTS
from tests.conftest import BrokerUnderTest
from tests.simulator.books import READER, START, Books

_NUMBERS = itertools.count(1)


@pytest.fixture
def authority(tmp_path):
    """What signed the certificate of `world`."""
    return make_certificates(tmp_path / "certificates")


@pytest.fixture
def world(server_folder, authority):
    """A broker that also listens with TLS, and knows a user who may speak for everybody."""
    folder = server_folder / f"world-{next(_NUMBERS)}"
    server = Broker(BrokerSettings(folder=folder, extra_rights={WORLD: WORLD_RIGHTS}, tls=authority))
    passwords = {name: secrets.token_urlsafe(12) for name in (str(BrokerAccount.INGEST), WORLD, "T1")}
    server.set_passwords(passwords)
    server.start()
    yield BrokerUnderTest(server=server, passwords=passwords)
    server.kill()


@pytest.fixture
def books(database, tmp_path):
    """An ordinary afternoon: two fires, one of them repeated and over, a fault that passed, one that lasts, a word unknown to us."""
    books = Books(database.owner_url, path=tmp_path / "ledger.jsonl")
    books.plays("T1", "T2", "T3")
    books.fire = books.say("T1", "fire_alarm")
    books.say("T1", "fire_alarm", at=START + 2)
    books.say("T1", "fire_alarm", active=False, at=START + 3)
    books.other_fire = books.say("T2", "manual_alarm", point="2", at=START + 2)
    books.say("T2", "fault", at=START + 2)
    books.say("T2", "fault", active=False, at=START + 4)
    books.lasting = books.say("T2", "line_fault", at=START + 5)
    books.say("T3", "smells_odd", at=START + 5)
    books.say("T3", "test", at=START + 6)
    books.measure("T1", 20)
    yield books
    books.ledger.close()
    books.connection.close()


@pytest.fixture
def found(books, database):
    """What the verdict finds, by violation."""

    async def find(**options):
        given = await verdict(database.url(READER), books.ledger, **{"patience_seconds": 0, **options})
        assert given.ok == (not given.findings)
        assert bool(given.findings) == any(line.startswith("  ") for line in given.lines())
        return {violation: finding.count for violation, finding in given.findings.items()}

    return find
