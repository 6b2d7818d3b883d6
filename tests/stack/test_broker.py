"""The private broker: what it keeps, what it refuses, and how it is told of changes."""

import os
import signal
import socket
import time

import mqtt5
import pytest
from mqtt_client import FOR_EVER, connected, mosquitto_pub

from runtime.broker_accounts import BrokerAccount
from runtime.broker_passwords import remove, set_password
from stack.broker import Broker, BrokerSettings
from stack.errors import NotReadyError, PortInUseError
from stack.folders import write_for
from tests.conftest import BrokerUnderTest

INGEST = BrokerAccount.INGEST
MEBIBYTE = 1 << 20


def leave_session(broker, *, pattern="wanghuo/v1/+/signal", user=INGEST):
    with connected(broker, user, client_id="lane", session_expiry_seconds=FOR_EVER) as client:
        client.subscribe(pattern)


def resume(broker, *, user=INGEST, receive_max=8000):
    return connected(broker, user, client_id="lane", session_expiry_seconds=FOR_EVER, receive_max=receive_max)


def wait_until(condition, *, what, timeout_seconds=60):
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_thirty_thousand_messages_wait_for_an_absent_session_through_a_restart(broker):
    leave_session(broker)
    expected = [str(number).encode() for number in range(30_000)]
    with connected(broker, "T1") as device:
        device.publish_many("wanghuo/v1/T1/signal", expected[:20_000])
    broker.server.stop()
    assert not broker.server.running
    broker.server.start()
    with connected(broker, "T1") as device:
        device.publish_many("wanghuo/v1/T1/signal", expected[20_000:])

    with resume(broker) as lane:
        assert lane.session_present
        assert [lane.receive()[1] for _ in expected] == expected


def test_what_was_saved_survives_a_kill(broker):
    leave_session(broker)
    with connected(broker, "T1") as device:
        device.publish("wanghuo/v1/T1/signal", b"saved")
        broker.server.save()
    broker.server.kill()
    broker.server.start()

    with resume(broker) as lane:
        assert lane.session_present
        assert lane.receive() == ("wanghuo/v1/T1/signal", b"saved")


@pytest.mark.parametrize(
    ("limits", "kept"),
    [((100, 1_000_000), 100), ((0, 5_000), 50), ((100, 5_000), 50), ((1_000_000, 1_000_000), 200)],
    ids=["the count comes first", "bytes alone", "bytes come first", "within both"],
)
def test_a_queue_is_bounded_by_count_and_bytes_of_payload(server_folder, limits, kept):
    count, size = limits
    changed = {"max_queued_messages": str(count), "max_queued_bytes": str(size)}
    server = Broker(BrokerSettings(folder=server_folder / f"broker-{count}-{size}", changed=changed))
    broker = BrokerUnderTest(server=server, passwords={"T1": "one", str(INGEST): "lane"})
    server.set_passwords(broker.passwords)
    server.start()
    leave_session(broker)
    with connected(broker, "T1") as device:
        device.publish_many("wanghuo/v1/T1/signal", [bytes(100)] * 200)

    with resume(broker) as lane, connected(broker, "T1") as device:
        for _ in range(kept):
            assert lane.receive()[1] == bytes(100)
        device.publish("wanghuo/v1/T1/signal", b"end")
        assert lane.receive()[1] == b"end"
    server.kill()


def test_large_messages_all_come_through_though_few_are_in_flight(broker):
    """max_inflight_bytes (64 MiB) holds back; nothing may stay behind when it lets go."""
    leave_session(broker)
    payload = bytes(MEBIBYTE)
    with connected(broker, "T1") as device:
        device.publish_many("wanghuo/v1/T1/signal", [payload] * 100, window=1)

    with resume(broker) as lane:
        assert sum(len(lane.receive()[1]) for _ in range(100)) == 100 * MEBIBYTE


def test_a_message_above_one_mebibyte_is_refused_and_the_connection_kept(broker):
    leave_session(broker)
    largest = b"a" * MEBIBYTE
    with connected(broker, "T1") as device:
        device.send(mqtt5.PublishPacket("wanghuo/v1/T1/signal", largest + b"b", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7))
        # Reason 0x95, packet too large: MQTT 5 has no such answer to a PUBLISH, and the codec would refuse it.
        assert device.read_bytes(5) == bytes([0x40, 3, 0, 7, 0x95])
        assert device.publish("wanghuo/v1/T1/signal", largest) == mqtt5.PubAckReasonCode.SUCCESS

    with resume(broker) as lane:
        assert lane.receive() == ("wanghuo/v1/T1/signal", largest)


def test_an_independent_client_cannot_get_more_than_one_mebibyte_through(broker):
    leave_session(broker)
    for message in (bytes(MEBIBYTE + 1), b"small"):
        mosquitto_pub(broker, "T1", topic="wanghuo/v1/T1/signal", message=message)

    with resume(broker) as lane:
        assert lane.receive() == ("wanghuo/v1/T1/signal", b"small")


def test_a_refused_message_does_not_cost_the_connection(broker):
    leave_session(broker)
    with connected(broker, "T1") as device:
        for _ in range(3):
            assert device.publish("wanghuo/v1/T2/signal") == mqtt5.PubAckReasonCode.NOT_AUTHORIZED
        assert device.publish("wanghuo/v1/T1/signal") == mqtt5.PubAckReasonCode.SUCCESS


def test_a_packet_that_would_take_much_memory_ends_the_connection(broker):
    with connected(broker, "T1") as device:
        device.send_bytes(b"\x32\xff\xff\xff\x7f")

        assert device.ended_by_broker()


def test_expired_commands_do_not_hold_up_those_that_still_hold(broker):
    leave_session(broker, pattern="wanghuo/v1/T1/command", user="T1")
    with connected(broker, BrokerAccount.ALERTS) as centre:
        for _ in range(100):
            centre.publish("wanghuo/v1/T1/command", b"stale", expiry_seconds=1)
        centre.publish("wanghuo/v1/T1/command", b"valid", expiry_seconds=3600)
        deadline = time.time() + 2.5
        wait_until(lambda: time.time() > deadline, what="the expiry of a command")

    with resume(broker, user="T1", receive_max=65_535) as device:
        assert device.receive() == ("wanghuo/v1/T1/command", b"valid")


def test_a_changed_password_is_noticed_and_the_old_one_turned_out(broker):
    with connected(broker, "T1") as device, connected(broker, "T2") as other:
        set_password(broker.server.passwords, "T1", password="changed")

        assert device.ended_by_broker()
        wait_until(lambda: broker.signs_in("T1", password="changed"), what="the new password is taken")
        assert not broker.signs_in("T1")
        assert other.publish("wanghuo/v1/T2/status") == mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS


def test_a_removed_transmitter_is_turned_out(broker):
    with connected(broker, "T1") as device:
        remove(broker.server.passwords, ["T1"])

        assert device.ended_by_broker()
    wait_until(lambda: not broker.signs_in("T1"), what="T1 signs in no more")
    assert broker.signs_in("T2")


def test_passwords_written_while_it_is_away_hold_when_it_is_back(broker):
    broker.server.stop()
    set_password(broker.server.passwords, "late", password="comer")
    broker.server.start()

    assert broker.signs_in("late", password="comer")


def test_a_port_in_use_is_named(server_folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        broker = Broker(BrokerSettings(folder=server_folder / "broker-refused", port=port))

        with pytest.raises(PortInUseError, match=rf"^port {port} on 127\.0\.0\.1 is not free for the broker .*choose another$"):
            broker.start()


def test_what_it_said_is_quoted_when_it_does_not_start(broker):
    broker.server.stop()
    folder = broker.server.log.parent
    write_for(folder / "data" / "mosquitto.db", "not a database", user=None)

    with pytest.raises(
        NotReadyError, match=r"^the broker \(mosquitto\) ended with status \d+ before it was ready\n(.*\n)*.*database"
    ):
        broker.server.start()


def test_a_broker_that_ends_by_itself_is_noticed_and_can_be_started_again(broker):
    assert broker.server.failure is None
    os.kill(broker.server.pid, signal.SIGKILL)
    wait_until(lambda: broker.server.failure, what="the broker is gone")

    assert broker.server.failure.startswith("the broker (mosquitto) ended unexpectedly with status -9\n")
    broker.server.start()
    assert broker.server.failure is None
    broker.server.stop()
    assert broker.server.failure is None
