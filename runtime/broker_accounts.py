"""Who signs in to the broker beside the transmitters. Their rights stand in `deploy/mosquitto/acl`.

A transmitter signs in with its id, `[A-Za-z0-9_-]{1,64}`; every name here lies outside that alphabet.
"""

from enum import StrEnum


class BrokerAccount(StrEnum):
    """User name of a service.

    A reload of the password file strips an absent session of the rights that were given to its user by name (tried on
    Mosquitto 2.0.11, and its issue 2934): what the broker would have queued for it is then acknowledged and dropped. So
    whoever holds a persistent session is named after the topics it reads, and gets them from a `pattern` of the ACL.
    """

    INGEST = "wanghuo/v1"
    """Both lanes of ingest; they differ by client id."""
    SIRENS = "wanghuo/out/v1"
    """Sirens and other systems that follow the alarms."""
    ALERTS = "alerts.out"
    ENROLMENT = "registry.enrolment"
    """Tests that the broker answers; may read and write nothing."""
