"""Channels: the ways to a person, as apprise URLs."""

import logging
import os
import threading
import warnings
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import apprise

CONNECT_TIMEOUT_SECONDS = 4
READ_TIMEOUT_SECONDS = 10
HEADER = "X-Wanghuo-Notification"
"""Carries the notification's id where the channel is a webhook."""
_WEBHOOKS = frozenset({"json", "jsons", "form", "forms", "xml", "xmls"})
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ERROR_CHARACTERS = 300
_ASSET = apprise.AppriseAsset(async_mode=False)

with warnings.catch_warnings():
    # The first look at a URL loads all of apprise's modules: here, where no message waits for it.
    warnings.simplefilter("ignore", DeprecationWarning)
    apprise.Apprise.instantiate("json://localhost", asset=_ASSET)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a person is told. `notification_id` is stable, so that a receiver can tell a repetition."""

    notification_id: str
    title: str
    body: str


class _Complaints(logging.Handler):
    """What apprise complains of goes to its log only: keep it for the thread it happened in."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._of_thread = threading.local()

    def begin(self) -> None:
        self._of_thread.said = []

    def emit(self, record: logging.LogRecord) -> None:
        said: list[str] | None = getattr(self._of_thread, "said", None)
        if said is not None:
            said.append(record.getMessage())

    @property
    def said(self) -> str:
        return " ".join(self._of_thread.said)[:_ERROR_CHARACTERS]


_complaints = _Complaints()
logging.getLogger("apprise").addHandler(_complaints)


def usable(url: str) -> bool:
    """Whether apprise knows what to do with the URL. Nothing is sent."""
    return "://" in url and apprise.Apprise.instantiate(url, asset=_ASSET) is not None


def label(url: str) -> str:
    """The channel as it may stand in a log: without what is secret in it."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return f"{scheme}://{parts.hostname}" if scheme in _WEBHOOKS else f"{scheme}://…"


def send(url: str, message: Message) -> str | None:
    """Send through one channel; blocks for as long as its time-outs allow (a URL's own `cto` and `rto` come first).

    An instance of its own for every message: apprise would let a second message on the same instance wait 5.5 s for some services,
    and does not say that an instance may be used from several threads.

    Returns:
        None when the other side took it, else why not.
    """
    _complaints.begin()
    try:
        channel = apprise.Apprise.instantiate(_complete(url, message), asset=_ASSET)
        if channel is None:
            return f"{label(url)}: not a channel that can be used"
        body = f"{message.body}\n通知 notification: {message.notification_id}"
        taken = channel.notify(title=message.title, body=body, notify_type=apprise.NotifyType.FAILURE)
    except Exception as error:  # noqa: BLE001 - whatever a channel's code throws, the others go on
        return f"{label(url)}: {type(error).__name__}: {error}"[:_ERROR_CHARACTERS]
    return None if taken else f"{label(url)}: {_complaints.said or 'refused without a reason'}"


def _complete(url: str, message: Message) -> str:
    query = urlsplit(url).query
    more = [f"cto={CONNECT_TIMEOUT_SECONDS}"] * ("cto=" not in query) + [f"rto={READ_TIMEOUT_SECONDS}"] * ("rto=" not in query)
    if urlsplit(url).scheme.lower() in _WEBHOOKS:
        more.append(f"+{HEADER}={quote(message.notification_id)}")
    return url + ("&" if "?" in url else "?") * bool(more) + "&".join(more)


def spare_loopback() -> None:
    """Let no proxy of the environment stand between this process and its own machine."""
    for name in ("no_proxy", "NO_PROXY"):
        known = [part for part in os.environ.get(name, "").split(",") if part]
        os.environ[name] = ",".join(dict.fromkeys([*known, *_LOOPBACK]))
