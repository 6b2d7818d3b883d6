"""The verdict on what panels say by GB/T 26875.3: good where all is well, and it names every violation that is planted."""

from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from signals.gb26875.frames import read_one
from signals.kinds import FIRE_KINDS
from simulator.expected import INFORMING_KINDS, expect
from simulator.judging import judge
from simulator.ledger import Ledger
from simulator.panel_device import make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker
from simulator.stored import JournalLine, Stored, StoredAlarm, StoredFact, StoredNotification, identity, load
from simulator.verdict import Violation
from tests.simulator.books import READER

ADDRESS = bytes.fromhex("385b01000000")
NOW = 1_790_000_000.0


class Day:
    """What a panel says, and what a faultless centre makes of it: facts, alarms, journal, notifications."""

    def __init__(self, path=None):
        self.ledger = Ledger(path)
        self.ledger.plays(["C1"], at=NOW)
        device = make_panel("C1", address=ADDRESS, points=300, seed=7)
        self.speaker = PanelSpeaker(device, ledger=self.ledger, manner=PanelManner(heartbeat=None), start=1)
        self.facts, self.alarms, self.journal, self.notified, self.frames = [], {}, [], [], []
        self.now = NOW

    def settle(self, *, stored=True, confirmed=True):
        """Send what is due; the centre takes it."""
        while frames := self.speaker.frames(self.now):
            for frame in frames:
                self.frames.append(frame)
                if stored:
                    self.store(next(one for one in self.ledger.entries[::-1] if one.seq == frame.serial))
                if confirmed:
                    self.speaker.take(frame.reply(3, time=bytes(6)), now=self.now)
            if not confirmed:
                return
        self.now += 5

    def store(self, entry):
        found = identity("C1", "frame", members=entry.members)
        for row in range(entry.members["rows"]):
            key = len(self.facts).to_bytes(16, "big")
            self.facts.append(StoredFact(origin_key=key, transmitter_id="C1", identity=found, stored_at=self.now))
            if row < len(entry.members["says"]):
                self.conclude(entry.members["says"][row], key=key)

    def conclude(self, stated, *, key):
        kinds = [stated["operation"]] if "operation" in stated else stated["active"]
        for kind in kinds:
            if kind in INFORMING_KINDS or (stated["point"], kind) in self.alarms:
                continue
            number = len(self.alarms) + 1
            self.alarms[stated["point"], kind] = StoredAlarm(
                alarm_id=number,
                transmitter_id="C1",
                point=stated["point"],
                kind=kind,
                raw_kind="",
                device_active=True,
                handling="raised",
                closed_by=None,
                occurrences=1,
                re_alarms=0,
                raised_at=datetime.fromtimestamp(self.now, UTC),
            )
            self.journal.append(JournalLine(journal_id=number, alarm_id=number, event="began", effect="raised", origin_key=key))
            sent_at = datetime.fromtimestamp(self.now, UTC)
            self.notified.append(StoredNotification(alarm_id=number, occasion=0, state="sent", sent_at=sent_at))
        for (point, kind), alarm in self.alarms.items():
            if "active" in stated and point == stated["point"] and kind not in stated["active"]:
                closed = {} if kind in FIRE_KINDS else {"handling": "closed", "closed_by": "device"}
                self.alarms[point, kind] = replace(alarm, device_active=False, **closed)

    def violations(self):
        stored = Stored(facts=self.facts, alarms=list(self.alarms.values()), journal=self.journal, notifications=self.notified)
        given = judge(self.ledger, stored, tolerated=frozenset())
        return {violation: finding.count for violation, finding in given.findings.items()}

    def point(self, kind):
        return next(point for point, part in self.speaker.device.parts.items() if part.fire == kind and point.count("-") == 2)


@pytest.fixture
def day():
    """A fire that is over, a fault that passed, another that lasts, the whole state, a reset, a manual alarm at the device."""
    day = Day()
    speaker = day.speaker
    for act, point, kind in (
        (speaker.begin, day.point("fire_alarm"), "fire_alarm"),
        (speaker.end, day.point("fire_alarm"), "fire_alarm"),
        (speaker.begin, "1-1-7", "fault"),
        (speaker.end, "1-1-7", "fault"),
        (speaker.begin, "1-1-8", "disablement"),
        (speaker.begin, day.point("gas_alarm"), "fire_alarm"),
    ):
        act(point, kind, now=day.now)
        day.settle()
    speaker.say_states(speaker.device.parts.values(), now=day.now)
    day.settle()
    speaker.operate("manual_alarm", now=day.now)
    day.settle()
    return day


def test_where_all_is_well_the_verdict_is_good(day):
    assert day.violations() == {}
    expected = expect(day.ledger.entries)
    assert {about[1:3] for about in expected.active} == {
        ("1-1-8", "disablement"),
        (day.point("gas_alarm"), "gas_alarm"),
        ("", "manual_alarm"),
    }
    assert len(expected.fires) == 3


def test_a_lost_frame_and_a_lost_row_of_many(day):
    del day.facts[2]
    assert day.violations() == {Violation.LOST: 1}
    row = next(index for index, fact in enumerate(day.facts) if day.facts.count(fact) == 1 and index > 20)
    del day.facts[row]
    assert day.violations() == {Violation.LOST: 2}


def test_a_row_stored_twice(day):
    day.facts.append(replace(day.facts[0], origin_key=b"another key 16 B"))
    assert day.violations() == {Violation.STORED_TWICE: 1}


def test_a_frame_that_nobody_said(day):
    found = day.facts[0].identity._replace(content="0200")
    day.facts.append(replace(day.facts[0], identity=found, origin_key=b"another key 16 B"))
    assert day.violations() == {Violation.INVENTED: 1}


def test_a_fire_that_did_not_ring(day):
    number = day.alarms.pop((day.point("gas_alarm"), "gas_alarm")).alarm_id
    day.journal = [line for line in day.journal if line.alarm_id != number]
    assert day.violations() == {Violation.NOT_RAISED: 1}


def test_a_fire_that_only_rang_when_its_state_was_said_again(day):
    day.speaker.say_states([day.speaker.device.parts[day.point("gas_alarm")]], now=day.now)
    day.settle()
    number = day.alarms[day.point("gas_alarm"), "gas_alarm"].alarm_id
    line = next(line for line in day.journal if line.alarm_id == number)
    day.journal[day.journal.index(line)] = replace(line, origin_key=day.facts[-1].origin_key)
    assert day.violations() == {}


def test_a_lasting_fault_without_alarm(day):
    number = day.alarms.pop(("1-1-8", "disablement")).alarm_id
    day.journal = [line for line in day.journal if line.alarm_id != number]
    assert day.violations() == {Violation.NOT_RAISED: 1}


def test_an_alarm_without_a_cause(day):
    alarm = day.alarms["1-1-8", "disablement"]
    day.alarms["1-1-9", "fault"] = replace(alarm, alarm_id=99, point="1-1-9", kind="fault")
    day.journal.append(JournalLine(journal_id=99, alarm_id=99, event="began", effect="raised", origin_key=None))
    assert day.violations() == {Violation.FALSELY_RAISED: 1, Violation.WRONG_STATE: 1}


def test_a_word_taken_twice(day):
    day.journal.append(replace(day.journal[0], journal_id=99, effect="counted"))
    assert day.violations() == {Violation.ALARMED_TWICE: 1}


def test_a_fire_that_is_over_and_still_said_to_burn(day):
    place = day.point("fire_alarm"), "fire_alarm"
    day.alarms[place] = replace(day.alarms[place], device_active=True)
    assert day.violations() == {Violation.WRONG_STATE: 1}


def test_late(day):
    day.facts[0] = replace(day.facts[0], stored_at=NOW + 11)
    assert day.violations() == {Violation.LATE: 1}


def test_stored_and_not_confirmed(day):
    day.speaker.begin("1-1-9", "fault", now=day.now)
    day.settle(confirmed=False)
    assert day.violations() == {Violation.UNCONFIRMED: 1}


def test_a_restart_says_what_was_unconfirmed_in_another_frame_and_both_may_be_stored(day):
    fire = day.point("manual_alarm")
    day.speaker.begin(fire, "fire_alarm", now=day.now)
    day.settle(confirmed=False)
    day.speaker.restart(now=day.now)
    day.settle()
    assert day.violations() == {}
    lost = [fact for fact in day.facts if fact.identity == identity("C1", "frame", members=day.ledger.entries[-2].members)]
    day.facts.remove(*lost)
    day.journal = [
        replace(line, origin_key=day.facts[-1].origin_key) if line.origin_key == lost[0].origin_key else line
        for line in day.journal
    ]
    assert day.violations() == {}, "the frame before the restart is owed by nobody"


def test_the_same_frame_after_a_restart_is_owed_again():
    day = Day()
    for _ in range(2):
        day.now = NOW
        day.speaker.say_states([day.speaker.device.parts["1-1-1"]], now=NOW)
        day.settle()
        day.speaker.restart(now=NOW)
    assert len(set(day.facts)) == 2
    assert day.violations() == {}
    del day.facts[0]
    assert day.violations() == {Violation.LOST: 1}


def test_a_reset_ends_the_states_of_its_host():
    day = Day()
    day.speaker.begin("1-1-1", "fault", now=day.now)
    day.settle()
    day.speaker.operate("reset", point="1", now=day.now)
    day.settle()
    assert expect(day.ledger.entries).active == set()
    assert day.violations() == {Violation.WRONG_STATE: 1}, "this centre does not know what a reset is"


def test_a_ledger_read_from_its_file_knows_the_same(tmp_path):
    day = Day(tmp_path / "ledger.jsonl")
    day.speaker.begin("1-1-1", "fire_alarm", now=day.now)
    day.settle()
    day.ledger.close()
    read = Ledger.read(tmp_path / "ledger.jsonl")
    assert read.entries == day.ledger.entries
    assert expect(read.entries) == expect(day.ledger.entries)


async def test_stored_frames_are_known_again_and_what_became_of_commands_is_left_out(database):
    day = Day()
    day.speaker.begin("1-1-1", "fire_alarm", now=day.now)
    day.settle()
    raw = day.frames[0].encode()
    assert read_one(raw) is not None
    row = (
        "INSERT INTO signal (transmitter_id, origin_key, class, seq, point, detail, occurred_at, occurred_source, received_at, stored_at, payload)"
        " VALUES ('C1', %(key)s, %(class)s, 0, '1-1-1', '{}', %(at)s, 'received', %(at)s, %(at)s, %(raw)s)"
    )
    with psycopg.connect(database.owner_url) as connection:
        for number, name in enumerate(("state", "reply")):
            at = datetime.fromtimestamp(NOW + 1, UTC)
            connection.execute(row, {"key": bytes([number] * 16), "class": name, "at": at, "raw": raw})
    stored = await load(database.url(READER), day.ledger, patience_seconds=0)
    assert [fact.identity for fact in stored.facts] == [day.facts[0].identity]
