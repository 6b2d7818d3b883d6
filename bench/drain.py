"""How fast a backlog of telemetry drains into the database, beside the ceiling and beside a consumer written by hand."""

import asyncio
import statistics
import time

import psycopg

from bench import references
from bench.backlog import forget, publish, subscribe
from bench.measured import BenchError, Measured
from bench.stage import CONDITIONS, WORLD_USER, resident_mebibytes
from ingest.service import client_id
from runtime.broker_accounts import BrokerAccount
from signals.topics import Lane
from stack.board_data import metric
from stack.private import DATABASE, PrivateStack

MESSAGES = 400_000
HANDWRITTEN_MESSAGES = 40_000
ROUNDS = 3
SERVICE = "ingest-telemetry"
STORED = "wanghuo_ingest_stored_total"
TIMEOUT_SECONDS = 120.0


def measure(stack: PrivateStack) -> dict[str, Measured]:
    """Raw, ours and handwritten in turn, three rounds; medians.

    Raises:
        BenchError: a message was lost or stored twice.
    """
    username, password = str(BrokerAccount.INGEST), stack.password(BrokerAccount.INGEST).encode()
    raw, ours, handwritten, resident = [], [], [], []
    lane = client_id(Lane.TELEMETRY, password=password.decode())
    for _ in range(ROUNDS):
        raw.append(_raw(stack, username=username, password=password))
        forget(stack.broker.port, client_id="bench-raw", username=username, password=password)
        handwritten.append(_handwritten(stack, username=username, password=password))
        forget(stack.broker.port, client_id="bench-hand", username=username, password=password)
        rate, mebibytes = _ours(stack)
        ours.append(rate)
        resident.append(mebibytes)
        forget(stack.broker.port, client_id=lane, username=username, password=password)
    rate = statistics.median(ours)
    note = f"median of {ROUNDS} rounds of {MESSAGES:,} messages; {CONDITIONS}"
    return {
        "drain_messages_per_second": Measured(value=rate, unit="messages/s", note=note),
        "drain_raw_messages_per_second": Measured(value=statistics.median(raw), unit="messages/s", note=f"the ceiling; {note}"),
        "drain_handwritten_messages_per_second": Measured(
            value=statistics.median(handwritten),
            unit="messages/s",
            note=f"aiomqtt and psycopg by hand, {HANDWRITTEN_MESSAGES:,} messages",
        ),
        "drain_raw_ratio": Measured(value=rate / statistics.median(raw), unit="ratio", note="ours ÷ raw, same run; ≥ 0.45 is due"),
        "drain_handwritten_ratio": Measured(
            value=rate / statistics.median(handwritten), unit="ratio", note="ours ÷ handwritten, same run; ≥ 9 is due"
        ),
        "drain_rss_mib": Measured(value=max(resident), unit="MiB", note="most memory the telemetry lane held while draining"),
    }


def _raw(stack: PrivateStack, *, username: str, password: bytes) -> float:
    port = stack.broker.port
    subscribe(port, client_id="bench-raw", username=username, password=password)
    publish(port, messages=MESSAGES, username=WORLD_USER, password=stack.password(WORLD_USER).encode())
    return asyncio.run(references.raw(port, messages=MESSAGES, client_id="bench-raw", username=username, password=password))


def _handwritten(stack: PrivateStack, *, username: str, password: bytes) -> float:
    port = stack.broker.port
    subscribe(port, client_id="bench-hand", username=username, password=password)
    publish(port, messages=HANDWRITTEN_MESSAGES, username=WORLD_USER, password=stack.password(WORLD_USER).encode())
    return asyncio.run(
        references.handwritten(
            port,
            messages=HANDWRITTEN_MESSAGES,
            client_id="bench-hand",
            username=username,
            password=password,
            url=stack.database.superuser_url(DATABASE),
        )
    )


def _ours(stack: PrivateStack) -> tuple[float, float]:
    """From the receipt of the first message to the commit of the last, and the memory it took."""
    process = stack.services[SERVICE]
    stack.start_services([SERVICE])
    process.stop()
    publish(stack.broker.port, messages=MESSAGES, username=WORLD_USER, password=stack.password(WORLD_USER).encode())
    with psycopg.connect(stack.database.superuser_url(DATABASE), autocommit=True) as connection:
        connection.execute("TRUNCATE telemetry, telemetry_inbox")
        connection.execute("CHECKPOINT")
        process.start()
        process.wait_ready()
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while metric(stack.url(SERVICE), STORED) < MESSAGES:
            if time.monotonic() > deadline:
                raise BenchError(f"{MESSAGES:,} messages were not stored within {TIMEOUT_SECONDS:g} s")
            time.sleep(0.1)
        query = "SELECT count(*), extract(epoch FROM max(pg_xact_commit_timestamp(xmin)) - min(received_at)) FROM telemetry"
        row = connection.execute(query).fetchone()
    assert row is not None
    if row[0] != MESSAGES:
        raise BenchError(f"{row[0]:,} rows stored of {MESSAGES:,} messages")
    assert process.pid is not None
    mebibytes = resident_mebibytes(process.pid)
    process.stop()
    return MESSAGES / float(row[1]), mebibytes
