"""A ledger and a database that agree, for the verdict."""

import pytest

from simulator.judging import verdict
from tests.simulator.books import READER, START, Books


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
