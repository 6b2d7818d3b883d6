"""A small township written straight into the database, for tests that start from a given register."""

from datetime import timedelta

import psycopg

from registry.days import day_of


class Township:
    """The register of a database under test, and who was heard."""

    def __init__(self, database):
        self._url = database.owner_url

    def run(self, statement, parameters=None):
        with psycopg.connect(self._url) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def village(self, village_id, name=None):
        self.run("INSERT INTO village VALUES (%s, %s)", [village_id, name or f"village {village_id}"])

    def unit(self, key_unit_id, village_id, *, control_room=False, listed_on="2024-01-01", delisted_on=None):
        self.run(
            "INSERT INTO key_unit (key_unit_id, village_id, name, has_control_room, listed_on, delisted_on)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            [key_unit_id, village_id, f"unit {key_unit_id}", control_room, listed_on, delisted_on],
        )

    def transmitter(self, transmitter_id, *, unit=None, village=None, kind="detector", accepted_on=None, withdrawn_on=None):
        self.run(
            "INSERT INTO transmitter (transmitter_id, key_unit_id, village_id, class, accepted_on, withdrawn_on) VALUES"
            " (%s, %s, coalesce(%s, (SELECT village_id FROM key_unit WHERE key_unit_id = %s)), %s, %s, %s)",
            [transmitter_id, unit, village, unit, kind, accepted_on, withdrawn_on],
        )

    def heard(self, transmitter_id, *instants, lane="telemetry"):
        for at in instants:
            self.run(
                "INSERT INTO presence_day (transmitter_id, day, lane, first_heard_at, last_heard_at, minutes, messages)"
                " VALUES (%s, %s, %s, %s, %s, repeat('0', 1440)::bit(1440), 1)"
                " ON CONFLICT (transmitter_id, day, lane) DO UPDATE SET last_heard_at = excluded.last_heard_at",
                [transmitter_id, day_of(at), lane, at, at],
            )

    def signal(self, transmitter_id, point, *, received_at, number=1):
        self.run(
            "INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, point, kind, active, occurred_at, occurred_source,"
            " received_at, payload) VALUES (%s, %s, 'signal', 1, %s, %s, 'fire_alarm', true, %s, 'device', %s, '{}')",
            [transmitter_id, number.to_bytes(16, "big"), number, point, received_at, received_at],
        )

    def snapshot_page(self, transmitter_id, points, *, received_at, number):
        active = [{"point": point, "kind": "fault"} for point in points]
        self.run(
            "INSERT INTO signal (transmitter_id, origin_key, class, boot, seq, detail, occurred_at, occurred_source, received_at, payload)"
            " VALUES (%s, %s, 'snapshot', 1, %s, %s, %s, 'device', %s, '{}')",
            [
                transmitter_id,
                number.to_bytes(16, "big"),
                number,
                psycopg.types.json.Jsonb({"page": 1, "pages": 1, "active": active}),
                received_at,
                received_at,
            ],
        )

    def example(self, now):
        """Two villages; of the first three units two are connected, one of them online; the second village has one unit, lapsed."""
        self.village("V1")
        self.village("V2")
        for number in (1, 2, 3):
            self.unit(f"U{number}", "V1", control_room=number == 1)
        self.unit("U4", "V2", control_room=True)
        self.transmitter("T1", unit="U1", kind="control_room", accepted_on="2026-01-01")
        self.transmitter("T2", unit="U2", accepted_on="2026-01-01")
        self.transmitter("T4", unit="U4", accepted_on="2026-01-01")
        self.transmitter("T9", village="V2", accepted_on="2026-01-01")
        self.heard("T1", now - timedelta(hours=1))
        self.heard("T2", now - timedelta(days=3))
        self.heard("T4", now - timedelta(days=40))
        self.heard("T9", now)
