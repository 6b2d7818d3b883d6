"""What is said to a transmitter once its objects are stored for good, and when something of it is missing: commands as data."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ingest.gaps import Counter, Range
from signals import topics
from signals.messages import INTEGER_MAXIMUM
from signals.topics import MessageClass

CONFIRM_EXPIRY = timedelta(seconds=60)
"""A transmitter that was not there for it re-sends, and is confirmed then."""
RESEND_EXPIRY = timedelta(seconds=30)
SEQS_MAXIMUM = 1000
"""Numbers in one `confirm`, and objects asked for in one `resend` (MQTT profile v1)."""

_CONFIRM = "confirm."
_RESEND = "resend."


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command on its way to a transmitter; the broker drops it `expiry_seconds` after it was sent."""

    transmitter_id: str
    payload: bytes
    expiry_seconds: int

    @property
    def topic(self) -> str:
        """Where it is published."""
        return topics.command(self.transmitter_id)


def confirms(
    objects: Iterable[tuple[Counter, int]], *, at: datetime, token: Callable[[], str] = lambda: secrets.token_hex(8)
) -> list[Command]:
    """One `confirm` for every counter, with its numbers in order of arrival, each once; more where they are above 1,000."""
    groups: dict[Counter, dict[int, None]] = {}
    for counter, seq in objects:
        groups.setdefault(counter, {})[seq] = None
    made = []
    for counter, found in groups.items():
        seqs = list(found)
        for start in range(0, len(seqs), SEQS_MAXIMUM):
            content = {"seqs": seqs[start : start + SEQS_MAXIMUM]}
            made.append(_command(counter, _CONFIRM + token(), name="confirm", content=content, times=(at, CONFIRM_EXPIRY)))
    return made


def resend(
    counter: Counter,
    ranges: Iterable[Range],
    *,
    at: datetime,
    token: Callable[[], str] = lambda: secrets.token_hex(4),
) -> Command:
    """Ask for objects again. The command's id tells class and boot, so that the reply `gone` needs no memory of ours."""
    identity = f"{_RESEND}{counter.message_class}.{counter.boot}.{token()}"
    content = {"ranges": [list(found) for found in ranges]}
    return _command(counter, identity, name="resend", content=content, times=(at, RESEND_EXPIRY))


def answers_confirm(to: str) -> bool:
    """Whether a reply answers a `confirm`; it is not confirmed in turn, or two machines would never end."""
    return to.startswith(_CONFIRM)


def answers_resend(to: str, *, transmitter_id: str) -> Counter | None:
    """The counter whose numbers were asked for by the `resend` that a reply answers; None where it answers something else."""
    if not to.startswith(_RESEND):
        return None
    message_class, _, rest = to.removeprefix(_RESEND).partition(".")
    digits, _, _ = rest.partition(".")
    if message_class not in topics.CONFIRMED_CLASSES or not (digits.isascii() and digits.isdecimal()):
        return None
    boot = int(digits)
    if boot > INTEGER_MAXIMUM:
        return None
    return Counter(transmitter_id=transmitter_id, message_class=MessageClass(message_class), boot=boot)


def _command(
    counter: Counter, identity: str, *, name: str, content: Mapping[str, object], times: tuple[datetime, timedelta]
) -> Command:
    issued_at, expiry = times
    document = {
        "id": identity,
        "name": name,
        "issued_at": _instant(issued_at),
        "expires_at": _instant(issued_at + expiry),
        "class": counter.message_class,
        "boot": counter.boot,
        **content,
    }
    payload = json.dumps(document, separators=(",", ":")).encode()
    return Command(transmitter_id=counter.transmitter_id, payload=payload, expiry_seconds=int(expiry.total_seconds()))


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
