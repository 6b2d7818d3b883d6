"""The server for GB/T 26875.3: confirmed is what is stored, over TCP and UDP, whatever comes."""

import asyncio

import psycopg
from gb26875_world import ADDRESS, CENTRE, TIME, WAIT_SECONDS, component, datagrams, enrol_device, line, serving, upload
from ingest_world import column, rows

from signals.gb26875.frames import Frame, read_one
from signals.gb26875.tables import Command

FIRE, FAULT = 0x0002, 0x0004


async def test_a_fire_is_stored_before_it_is_confirmed(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        said = upload(component(FIRE, text="酒店负一层"), serial=7)
        heard = await device.ask(said)
        (stored,) = rows(database, "SELECT * FROM signal")
    assert (heard.command, heard.serial, heard.source, heard.destination, heard.data) == (Command.CONFIRM, 7, CENTRE, ADDRESS, b"")
    assert (stored["transmitter_id"], stored["class"], stored["point"], stored["seq"]) == ("P1", "state", "2-41-8", 7)
    assert stored["payload"] == said.encode()
    assert stored["detail"]["active"] == ["fire_alarm"]
    assert {"fault", "disablement", "fire_alarm"} <= set(stored["detail"]["covers"])
    assert stored["detail"]["text"] == "酒店负一层"
    assert (stored["occurred_source"], stored["occurred_at"].isoformat()) == ("device", "2026-03-07T06:30:05+00:00")
    assert column(database, "SELECT priority FROM signal_inbox") == [0]
    assert column(database, "SELECT lane FROM presence WHERE transmitter_id = 'P1'") == ["gb26875"]


async def test_a_repeat_is_confirmed_again_and_stored_once(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        for _ in range(3):
            assert (await device.ask(upload(component(FIRE), serial=3))).command == Command.CONFIRM
        assert (await device.ask(upload(component(FIRE), serial=4))).command == Command.CONFIRM
    assert column(database, "SELECT seq FROM signal ORDER BY seq") == [3, 4]


async def test_frames_come_torn_and_stuck_together(database):
    enrol_device(database)
    both = upload(component(FIRE), serial=1).encode() + upload(component(FAULT, point=(1, 2)), serial=2).encode()
    async with serving(database) as port, line(port) as device:
        for place in range(0, len(both), 7):
            device.writer.write(both[place : place + 7])
            await device.writer.drain()
        assert [(await device.hear()).serial for _ in range(2)] == [1, 2]
        device.writer.write(both)
        assert {(await device.hear()).serial for _ in range(2)} == {1, 2}
    assert column(database, "SELECT point FROM signal ORDER BY seq") == ["2-41-8", "2-1-2"]


async def test_a_datagram_is_answered_to_where_it_came_from(database):
    enrol_device(database)
    async with serving(database) as port, datagrams(port) as (transport, heard):
        transport.sendto(upload(component(FIRE), serial=9).encode())
        transport.sendto(b"@@ no frame")
        async with asyncio.timeout(WAIT_SECONDS):
            answer = read_one(await heard.heard.get())
    assert answer is not None
    assert (answer.command, answer.serial) == (Command.CONFIRM, 9)
    assert column(database, "SELECT count(*) FROM signal") == [1]


async def test_an_address_that_is_not_enrolled_is_denied_and_shown(database):
    async with serving(database) as port, line(port) as device:
        assert (await device.ask(upload(component(FIRE)))).command == Command.DENY
        (held,) = rows(database, "SELECT * FROM quarantine")
        assert "wanghuo registry enrol-gb26875" in held["detail"]
        assert ADDRESS.hex() in held["detail"]
        assert column(database, "SELECT kind FROM signal") == ["unreadable"]
        enrol_device(database)
        assert (await device.ask(upload(component(FIRE), serial=1))).command == Command.CONFIRM


async def test_a_device_from_another_network_is_not_taken(database):
    enrol_device(database, network="10.0.0.0/8")
    async with serving(database) as port, line(port) as device:
        assert (await device.ask(upload(component(FIRE)))).command == Command.DENY
    assert column(database, "SELECT reason FROM quarantine") == ["unknown_transmitter"]


async def test_a_wrong_checksum_is_denied_unless_the_profile_forgives_it(database):
    enrol_device(database)
    enrol_device(database, "P2", address=bytes(6), profile="stale_checksum")
    async with serving(database) as port, line(port) as device:
        for source, expected in ((ADDRESS, Command.DENY), (bytes(6), Command.CONFIRM)):
            raw = bytearray(upload(component(FIRE), source=source).encode())
            raw[-3] ^= 0xFF
            device.writer.write(bytes(raw))
            assert (await device.hear()).command == expected
    assert column(database, "SELECT transmitter_id FROM presence") == ["P2"], "who said the other is not known"
    assert column(database, "SELECT class FROM signal WHERE transmitter_id = 'P1'") == ["centre"]
    assert rows(database, "SELECT class, defects FROM signal WHERE transmitter_id = 'P2'") == [
        {"class": "state", "defects": ["checksum"]}
    ]


async def test_a_heartbeat_is_confirmed_and_leaves_no_row(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        assert (await device.ask(upload(serial=5))).serial == 5
        assert (await device.ask(upload(component(0)))).command == Command.CONFIRM
    assert column(database, "SELECT count(*) FROM signal") == [1]


async def test_what_does_not_fit_rings_and_is_kept(database):
    enrol_device(database)
    odd = Frame(serial=1, time=TIME, source=ADDRESS, destination=CENTRE, command=Command.SEND_DATA, data=b"\x02\x01" + bytes(50))
    unknown = Frame(serial=2, time=TIME, source=ADDRESS, destination=CENTRE, command=Command.SEND_DATA, data=b"\x80\x01\x00")
    async with serving(database) as port, line(port) as device:
        assert [(await device.ask(frame)).command for frame in (odd, unknown)] == [Command.CONFIRM] * 2
    assert column(database, "SELECT reason FROM quarantine") == ["frame"]
    assert sorted(column(database, "SELECT class FROM signal")) == ["centre", "report"]


async def test_measured_values_become_telemetry(database):
    enrol_device(database)
    place = {"system_type": 1, "system_address": 1, "component_type": 31, "component_address_hex": "07000000"}
    warm = {**place, "analog_type": 3, "raw_value": 585, "time": "2026-03-07 14:30:05"}
    unclocked = {**place, "analog_type": 5, "raw_value": 3000, "time": None}
    counted = {**place, "analog_type": 1, "raw_value": 3, "time": None}
    async with serving(database) as port, line(port) as device:
        assert (await device.ask(upload(warm, unclocked, counted, kind=3))).command == Command.CONFIRM
        assert (await device.ask(upload(warm, unclocked, counted, kind=3))).command == Command.CONFIRM
    found = rows(database, 'SELECT point, temperature_celsius, water_pressure_mpa FROM telemetry ORDER BY "time"')
    assert found == [
        {"point": "1-7-0", "temperature_celsius": None, "water_pressure_mpa": 0.3},
        {"point": "1-7-0", "temperature_celsius": 58.5, "water_pressure_mpa": None},
    ]
    assert column(database, "SELECT detail->>'quantity' FROM signal") == ["event_count"]


async def test_points_where_all_is_well_are_handed_over_once(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        for serial, status in enumerate((0, 0, FIRE, FIRE, 0, 0)):
            assert (await device.ask(upload(component(status), serial=serial))).command == Command.CONFIRM
    handed = column(database, "SELECT s.seq FROM signal_inbox JOIN signal s USING (transmitter_id, origin_key) ORDER BY s.seq")
    assert handed == [0, 2, 3, 4]
    assert column(database, "SELECT count(*) FROM signal") == [6]


async def test_an_answer_that_nobody_waits_for_rings_all_the_same(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as device:
        await device.say(upload(component(FIRE), serial=900, command=Command.ANSWER))
        assert (await device.ask(upload(serial=5))).serial == 5, "an answer is not confirmed"
        async with asyncio.timeout(WAIT_SECONDS):
            while column(database, "SELECT priority FROM signal_inbox") != [0]:
                await asyncio.sleep(0.05)


async def test_a_denied_command_is_said_again_and_a_damaged_reply_is_none(database):
    enrol_device(database)
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "INSERT INTO command (command_id, transmitter_id, name, content, requested_by, issued_at, expires_at) VALUES"
            " ('00000000-0000-0000-0000-000000000001', 'P1', 'set_clock', '{}', 'Li', now(), now() + interval '60 s')"
        )
    async with serving(database, gb26875_timeout_seconds=3, gb26875_repeats=2) as port, line(port) as device:
        await device.ask(upload(component(0), serial=1))
        said = await device.hear()
        damaged = bytearray(said.reply(Command.CONFIRM, time=TIME).encode())
        damaged[-3] ^= 1
        device.writer.write(bytes(damaged))
        for _ in range(2):
            await device.say(said.reply(Command.DENY, time=TIME))
            again = await device.hear()
            assert (again.serial, again.command, again.data[0]) == (said.serial, Command.CONTROL, 90)
        await device.say(said.reply(Command.DENY, time=TIME))
        async with asyncio.timeout(WAIT_SECONDS):
            while column(database, "SELECT count(*) FROM signal WHERE class = 'reply'") != [2]:
                await asyncio.sleep(0.05)
    told = column(database, "SELECT detail->>'text' FROM signal WHERE class = 'reply' AND detail->>'stage' = 'failed'")
    assert told == ["the device denied it, said 3 times"]


async def test_a_command_is_sent_repeated_and_its_fate_told(database):
    enrol_device(database)
    with psycopg.connect(database.owner_url) as connection:
        connection.execute(
            "INSERT INTO command (command_id, transmitter_id, name, content, requested_by, issued_at, expires_at) VALUES"
            " ('00000000-0000-0000-0000-000000000001', 'P1', 'duty_check', '{\"deadline_seconds\": 120}', 'Li', now(), now() + interval '60 s'),"
            " ('00000000-0000-0000-0000-000000000002', 'P1', 'query', '{\"what\": \"device_version\"}', 'Li', now() + interval '1 s',"
            "  now() + interval '60 s')"
        )
    async with serving(database, gb26875_timeout_seconds=0.3, gb26875_repeats=1) as port, line(port) as device:
        await device.ask(upload(component(0), serial=1))
        check = await device.hear()
        assert (check.command, check.data, check.source, check.destination) == (Command.CONTROL, bytes((91, 1, 2)), CENTRE, ADDRESS)
        again = await device.hear()
        assert again == check
        await device.say(again.reply(Command.CONFIRM, time=TIME))
        asked = await device.hear()
        assert (asked.command, asked.data, asked.serial) == (Command.REQUEST, bytes((85, 1, 0)), check.serial + 1)
        await device.hear()
        pressed = {"operation": "0x20", "operator": 1, "time": "2026-03-07 14:30:05"}
        assert (await device.ask(upload(pressed, kind=24, serial=2))).command == Command.CONFIRM
        async with asyncio.timeout(WAIT_SECONDS):
            while column(database, "SELECT count(*) FROM signal WHERE class = 'reply'") != [4]:
                await asyncio.sleep(0.05)
    told = rows(
        database,
        "SELECT right(detail->>'to', 1) AS id, detail->>'stage' AS stage FROM signal WHERE class = 'reply' ORDER BY 1, 2 DESC",
    )
    assert [(one["id"], one["stage"]) for one in told] == [("1", "sent"), ("1", "confirmed"), ("2", "sent"), ("2", "failed")]
    assert column(database, "SELECT detail->>'operator' FROM signal WHERE detail ? 'duty_answer'") == ["1"]


async def test_when_we_could_hear_is_written(database):
    async with serving(database):
        async with asyncio.timeout(WAIT_SECONDS):
            while not column(database, "SELECT lane FROM ingest_uptime WHERE heard_until > up_from"):
                await asyncio.sleep(0.1)
    assert column(database, "SELECT lane FROM ingest_uptime") == ["gb26875"]
