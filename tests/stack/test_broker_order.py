"""What docs/decisions/0004 rests on: a session hears everything in the order in which it reached the broker, whatever its topic."""

from mqtt_client import FOR_EVER, connected

from runtime.broker_accounts import BrokerAccount
from signals.topics import Lane, MessageClass, lane_filters, probe, upward

CLASSES = (MessageClass.SIGNAL, MessageClass.SNAPSHOT, MessageClass.REPLY)
EACH = 200


def publish_from_everywhere(broker):
    """Messages of five transmitters on three topics each; returns how many."""
    for number in range(1, 6):
        with connected(broker, f"T{number}") as device:
            for message_class in CLASSES:
                device.publish_many(upward(f"T{number}", message_class), [b"{}"] * EACH)
    return 5 * len(CLASSES) * EACH


def test_a_probe_comes_behind_everything_that_waited(broker):
    with connected(broker, BrokerAccount.INGEST, client_id="lane", session_expiry_seconds=FOR_EVER) as lane:
        lane.subscribe(*lane_filters(Lane.SIGNAL))
    sent = publish_from_everywhere(broker)
    with (
        connected(broker, BrokerAccount.INGEST, client_id="other") as other,
        connected(broker, BrokerAccount.INGEST, client_id="lane", session_expiry_seconds=FOR_EVER, receive_max=100) as lane,
    ):
        other.publish(probe(Lane.SIGNAL), b"the probe")
        heard = lane.receive_until(b"the probe")
        assert len(heard) == sent
        other.publish(probe(Lane.SIGNAL), b"another")
        assert lane.receive_until(b"another") == []
