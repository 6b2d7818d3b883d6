"""What a drain is compared with, in the same run: the ceiling, and what a user would write by hand."""

import asyncio
import json
import time

import aiomqtt
import mqtt5
import psycopg
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

RECEIVE_MAXIMUM = 8000
READ_BYTES = 262144
HANDWRITTEN_BATCH = 500


async def raw(port: int, *, messages: int, client_id: str, username: str, password: bytes) -> float:
    """Messages per second that one client can read and acknowledge, storing nothing: the ceiling."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    start = time.perf_counter()
    packet = mqtt5.ConnectPacket(
        client_id,
        clean_start=False,
        session_expiry_interval=3600,
        receive_max=RECEIVE_MAXIMUM,
        username=username,
        password=password,
    )
    writer.write(packet.write())
    received, rest = 0, b""
    while received < messages:
        rest += await reader.read(READ_BYTES)
        view, offset = memoryview(rest), 0
        acknowledgements = []
        while True:
            try:
                found, length = mqtt5.read(view[offset:])
            except IndexError:
                break
            offset += length
            if isinstance(found, mqtt5.PublishPacket) and found.packet_id is not None:
                received += 1
                acknowledgements.append(mqtt5.PubAckPacket(found.packet_id).write())
        rest = rest[offset:]
        writer.write(b"".join(acknowledgements))
    seconds = time.perf_counter() - start
    writer.close()
    return messages / seconds


async def handwritten(port: int, *, messages: int, client_id: str, username: str, password: bytes, url: str) -> float:
    """Messages per second of aiomqtt and psycopg into a hypertable, 500 rows a statement, acknowledged on arrival (aiomqtt 2)."""
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 3600
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as database:
        await database.execute(
            "CREATE TABLE bench_handwritten (time timestamptz NOT NULL, topic text NOT NULL, seq bigint NOT NULL, point text,"
            " smoke float8, temperature float8)"
        )
        await database.execute("SELECT create_hypertable('bench_handwritten', 'time')")
        start = time.perf_counter()
        received, rows = 0, []
        async with aiomqtt.Client(
            "127.0.0.1",
            port,
            identifier=client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            clean_start=False,
            properties=properties,
            username=username,
            password=password.decode(),
        ) as client:
            async for message in client.messages:
                found = json.loads(message.payload)  # type: ignore[arg-type]
                values = found["values"]
                rows.append(
                    (
                        found["at"],
                        str(message.topic),
                        found["seq"],
                        found["point"],
                        values["smoke_obscuration_db_per_m"],
                        values["temperature_celsius"],
                    )
                )
                received += 1
                if len(rows) >= HANDWRITTEN_BATCH or received >= messages:
                    await database.cursor().executemany("INSERT INTO bench_handwritten VALUES (%s,%s,%s,%s,%s,%s)", rows)
                    rows = []
                if received >= messages:
                    break
        seconds = time.perf_counter() - start
        await database.execute("DROP TABLE bench_handwritten")
    return messages / seconds
