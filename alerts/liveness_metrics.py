"""Metrics of liveness."""

from alerts.alive import TransmitterClass
from runtime.metrics import gauge

KNOWN = gauge(
    "transmitters_heard", "Transmitters, and devices behind bridges, that were ever heard.", transmitter_class=TransmitterClass
)
OFFLINE = gauge(
    "transmitters_offline", "Those of them that are offline by an alarm of their own.", transmitter_class=TransmitterClass
)
