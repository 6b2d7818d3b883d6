"""Writes into a real database what a faultless centre would have written for a ledger."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import psycopg

from signals import origin
from signals.kinds import FIRE_KINDS, classify
from simulator.expected import INFORMING_KINDS
from simulator.ledger import Ledger
from simulator.speech import Counters, compose

START = 1_790_000_000.0
DELAY = 0.05
READER = "wanghuo_reader"


def instant(seconds):
    return datetime.fromtimestamp(seconds, UTC)


class Books:
    """A ledger, and the tables beside it. `connection` is the superuser's: violations are planted through it."""

    def __init__(self, url, *, path):
        self.connection = psycopg.connect(url, autocommit=True)
        self.path = path
        self.ledger = Ledger(path)
        self.counters = {}
        self.alarms = {}

    def execute(self, statement, **values):
        return self.connection.execute(statement, values)

    def plays(self, *names):
        self.ledger.plays(names, at=START)
        self.counters.update({name: Counters(7) for name in names})

    def say(self, name, kind, *, active=True, at=START + 1, point="1", written=True):
        """A signal is said, acknowledged, stored, alarmed, notified and confirmed."""
        members = {"point": point, "kind": kind, "active": active}
        said = compose("signal", self.counters[name], clock=at, members=members)
        self.ledger.said(name, said, at=at)
        if written:
            self.store(name, said, at=at + DELAY)
            self.conclude(name, said, at=at + 2 * DELAY)
            self.ledger.acknowledged(name, [said], at=at)
            self.ledger.confirmed(name, [said], at=at + DELAY)
        return said

    def store(self, name, said, *, at, key=None):
        members = json.loads(said.body)
        kind = classify(members["kind"])
        self.execute(
            """INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, raw_kind, active, occurred_at,
                                   occurred_source, received_at, stored_at, payload)
               VALUES (%(name)s, %(key)s, %(class)s, %(boot)s, %(seq)s, %(point)s, %(kind)s, %(raw)s, %(active)s, %(at)s, 'device',
                       %(at)s, %(at)s, %(payload)s)""",
            name=name,
            key=key or self.key(said),
            boot=said.boot,
            seq=said.seq,
            point=members["point"],
            kind=kind,
            raw=members["kind"] if kind == "unclassified" else "",
            active=members["active"],
            at=instant(at),
            payload=json.dumps(members, sort_keys=True).encode(),
            **{"class": said.message_class},
        )

    def conclude(self, name, said, *, at):
        members = json.loads(said.body)
        kind = classify(members["kind"])
        raw = members["kind"] if kind == "unclassified" else ""
        place = name, members["point"], kind, raw
        if kind in INFORMING_KINDS:
            return
        if members["active"] and place in self.alarms:
            alarm_id = self.alarms[place]
            self.execute("UPDATE alarm SET occurrences = occurrences + 1 WHERE alarm_id = %(id)s", id=alarm_id)
            self.journal(alarm_id, "began", "counted", said=said, at=at)
        elif members["active"]:
            self.alarms[place] = alarm_id = self.raise_alarm(*place, at=at)
            self.journal(alarm_id, "began", "raised", said=said, at=at)
            self.notify(alarm_id, at=at + DELAY)
        elif place in self.alarms:
            self.end(place, said=said, at=at)

    def end(self, place, *, said, at):
        latching = place[2] in FIRE_KINDS
        alarm_id = self.alarms[place] if latching else self.alarms.pop(place)
        closed = "" if latching else ", handling = 'closed', closed_by = 'device', closed_at = %(at)s"
        self.execute(f"UPDATE alarm SET device_active = false{closed} WHERE alarm_id = %(id)s", id=alarm_id, at=instant(at))
        self.journal(alarm_id, "over", "restored" if latching else "closed", said=said, at=at)

    def raise_alarm(self, name, point, kind, raw="", *, at):
        cursor = self.execute(
            """INSERT INTO alarm (transmitter_id, point, kind, raw_kind, behaviour, priority, registered, device_active, occurred_at,
                                  received_at, raised_at, changed_at)
               VALUES (%(name)s, %(point)s, %(kind)s, %(raw)s, %(behaviour)s, 0, true, true, %(at)s, %(at)s, %(at)s, %(at)s)
               RETURNING alarm_id""",
            name=name,
            point=point,
            kind=kind,
            raw=raw,
            behaviour="latching" if kind in FIRE_KINDS else "self_restoring",
            at=instant(at),
        )
        return cursor.fetchone()[0]

    def journal(self, alarm_id, event, effect, *, at, said=None, key=None):
        self.execute(
            """INSERT INTO alarm_journal (alarm_id, transmitter_id, at, event, actor, effect, origin_key)
               SELECT alarm_id, transmitter_id, %(at)s, %(event)s, 'device', %(effect)s, %(key)s
               FROM alarm WHERE alarm_id = %(id)s""",
            id=alarm_id,
            at=instant(at),
            event=event,
            effect=effect,
            key=key or (self.key(said) if said else None),
        )

    def notify(self, alarm_id, *, at, occasion=0, state="sent"):
        self.execute(
            """INSERT INTO notification (notification_id, alarm_id, occasion, recipient, title, body, state, due_at, sent_at)
               VALUES (%(uuid)s, %(id)s, %(occasion)s, 'officer', '', '', %(state)s, %(at)s, %(sent_at)s)""",
            uuid=uuid4(),
            id=alarm_id,
            occasion=occasion,
            state=state,
            at=instant(at),
            sent_at=instant(at) if state == "sent" else None,
        )

    def measure(self, name, count, *, stored=None, boot=7):
        """Readings 0 … count − 1 are said and acknowledged; `stored`: which of them, and how often each."""
        self.ledger.measured(name, boot, seqs=(0, count - 1), acknowledged=False)
        self.ledger.measured(name, boot, seqs=(0, count - 1), acknowledged=True)
        for digest, seq in enumerate(range(count) if stored is None else stored):
            self.execute(
                """INSERT INTO telemetry (time, transmitter_id, point, boot, seq, digest, received_at, temperature_celsius)
                   VALUES (%(at)s, %(name)s, '1', %(boot)s, %(seq)s, %(digest)s, %(at)s, 20)""",
                at=instant(START + seq),
                name=name,
                boot=boot,
                seq=seq,
                digest=digest,
            )

    @staticmethod
    def key(said):
        return origin.key(said.message_class, said.boot, said.seq, json.dumps(json.loads(said.body), sort_keys=True).encode())
