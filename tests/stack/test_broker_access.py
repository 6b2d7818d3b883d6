"""Who may write and read what at the broker: the whole table, judged by what arrives."""

from mqtt_client import FOR_EVER, Client, connected, mosquitto_pub

from runtime.broker_accounts import BrokerAccount

UPWARD = ("signal", "telemetry", "heartbeat", "snapshot", "reply", "status")
AWKWARD = ("wanghuo", "v1", "alarm", "out")
"""Ids that a transmitter may have and that also stand in topics."""

PROBES = {"wanghuo/centre/v1/probe/signal", "wanghuo/centre/v1/probe/telemetry"}
ALARM = "wanghuo/out/v1/alarm/north"


def upward(transmitter):
    return {f"wanghuo/v1/{transmitter}/{name}" for name in UPWARD}


def command(transmitter):
    return f"wanghuo/v1/{transmitter}/command"


TOPICS = upward("T1") | upward("T2") | upward("wanghuo") | {command("T1"), command("T2"), command("wanghuo"), ALARM} | PROBES

MAY_WRITE = {
    "T1": upward("T1"),
    "T2": upward("T2"),
    "wanghuo": upward("wanghuo"),
    "v1": set(),
    "alarm": set(),
    "out": set(),
    BrokerAccount.INGEST: {command("T1"), command("T2"), command("wanghuo")} | PROBES,
    BrokerAccount.ALERTS: {command("T1"), command("T2"), command("wanghuo"), ALARM},
    BrokerAccount.SIRENS: set(),
    BrokerAccount.ENROLMENT: set(),
}

MAY_READ = {
    "T1": {command("T1")},
    "T2": {command("T2")},
    "wanghuo": {command("wanghuo")},
    "v1": set(),
    "alarm": set(),
    "out": set(),
    BrokerAccount.INGEST: upward("T1") | upward("T2") | upward("wanghuo") | PROBES,
    BrokerAccount.ALERTS: set(),
    BrokerAccount.SIRENS: {ALARM},
    BrokerAccount.ENROLMENT: set(),
}


def last_word(user):
    """A writer and a topic on which this reader hears that everything before has been delivered."""
    if user == BrokerAccount.SIRENS:
        return BrokerAccount.ALERTS, ALARM
    if user == BrokerAccount.INGEST:
        return "T1", "wanghuo/v1/T1/signal"
    return BrokerAccount.INGEST, command(user)


def readers(broker, users):
    found = {user: Client(broker, user) for user in users}
    for client in found.values():
        client.subscribe("#")
    return found


def heard(broker, clients):
    """What each reader heard, as (topic, payload)."""
    for user in clients:
        writer, topic = last_word(user)
        with connected(broker, writer) as client:
            client.publish(topic, b"end")
    return {user: set(client.receive_until(b"end")) for user, client in clients.items()}


def test_everybody_writes_exactly_what_is_theirs(broker):
    broker.enrol(*AWKWARD)
    clients = readers(broker, ["T1", "T2", "wanghuo", BrokerAccount.INGEST, BrokerAccount.SIRENS])
    for user, own in MAY_WRITE.items():
        for topic in TOPICS:
            status, output = mosquitto_pub(broker, user, topic=topic, message=f"from {user}")
            assert status == 0
            assert ("Not authorized" in output) == (topic not in own), (user, topic, output)

    arrived = set().union(*heard(broker, clients).values())

    assert arrived == {(topic, f"from {user}".encode()) for user, topics in MAY_WRITE.items() for topic in topics}


def test_everybody_reads_exactly_what_is_theirs(broker):
    broker.enrol(*AWKWARD)
    clients = readers(broker, MAY_READ)
    writers = {topic: user for user, topics in MAY_WRITE.items() for topic in topics}
    assert set(writers) == TOPICS
    for topic, user in writers.items():
        with connected(broker, user) as client:
            client.publish(topic, topic.encode())

    assert heard(broker, clients) == {user: {(topic, topic.encode()) for topic in topics} for user, topics in MAY_READ.items()}


def test_nobody_connects_without_a_password_or_with_a_wrong_one(broker):
    with connected(broker, BrokerAccount.INGEST) as ingest:
        ingest.subscribe("wanghuo/v1/+/signal")
        for user in (None, "T404"):
            status, _ = mosquitto_pub(broker, user, topic="wanghuo/v1/T1/signal", message="forged")
            assert status != 0
        assert not broker.signs_in("T1", password="guess")
        assert not broker.signs_in("T1", password="")
        assert broker.signs_in("T1")
        mosquitto_pub(broker, "T1", topic="wanghuo/v1/T1/signal", message="genuine")

        assert ingest.receive() == ("wanghuo/v1/T1/signal", b"genuine")


def test_rights_of_absent_sessions_outlive_a_restart_and_a_reload(broker):
    """An enrolment while ingest is away, after a restart of the broker, must not make the broker drop what comes in."""
    sessions = {
        BrokerAccount.INGEST: ("wanghuo/v1/+/signal", "T1", "wanghuo/v1/T1/signal"),
        BrokerAccount.SIRENS: ("wanghuo/out/v1/alarm/+", BrokerAccount.ALERTS, ALARM),
        "T1": (command("T1"), BrokerAccount.ALERTS, command("T1")),
    }
    for user, (pattern, _, _) in sessions.items():
        with connected(broker, user, client_id=f"session-{user}", session_expiry_seconds=FOR_EVER) as client:
            client.subscribe(pattern)
    broker.server.stop()
    broker.server.start()
    broker.enrol("newcomer")

    for _, writer, topic in sessions.values():
        with connected(broker, writer) as client:
            client.publish(topic, b"while you were away")

    for user, (_, _, topic) in sessions.items():
        with connected(broker, user, client_id=f"session-{user}", session_expiry_seconds=FOR_EVER) as client:
            assert client.receive() == (topic, b"while you were away")
