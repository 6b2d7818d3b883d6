"""Uploads of a panel that wait for their confirmation: few on their way at once, fires first, repeated a few times (6.5).

Pure: time comes in as Unix seconds.
"""

import math
from dataclasses import dataclass

from signals.gb26875.frames import Frame
from simulator.outbox import Patience
from simulator.speech import Said


@dataclass(slots=True, kw_only=True)
class Upload:
    """One frame of ours.

    Attributes:
        points: what it states something about.
        due_at: infinite while it waits its turn.
    """

    frame: Frame
    said: Said
    said_at: float
    points: frozenset[str]
    urgent: bool
    sent: int = 0
    due_at: float = math.inf


class PanelOutbox:
    """See the module. `open_maximum`: uploads on their way at once."""

    def __init__(self, patience: Patience, *, open_maximum: int) -> None:
        self._patience = patience
        self._open_maximum = open_maximum
        self._uploads: list[Upload] = []

    def __len__(self) -> int:
        return len(self._uploads)

    def keep(self, upload: Upload) -> None:
        """One more that must be confirmed. What is urgent takes with it what was said before about the same points."""
        self._uploads.append(upload)
        if upload.urgent:
            points = upload.points
            for earlier in reversed(self._uploads):
                if earlier.points & points:
                    earlier.urgent, points = True, points | earlier.points

    def empty(self) -> list[Upload]:
        """Give everything out of hand, in the order in which it was said."""
        found, self._uploads = self._uploads, []
        return found

    def begin_anew(self) -> None:
        """There is a new line: every exchange begins anew."""
        for upload in self._uploads:
            upload.sent, upload.due_at = 0, math.inf

    def due(self, now: float) -> list[Frame]:
        """What is to be sent now."""
        opened = self._opened()
        waiting = sorted(
            (upload for upload in self._uploads if upload.due_at == math.inf),
            key=lambda upload: (not upload.urgent, upload.said_at),
        )
        for upload in waiting[: max(0, self._open_maximum - len(opened))]:
            upload.due_at = now
            opened.append(upload)
        found = [upload for upload in opened if upload.due_at <= now and upload.sent <= self._patience.resends]
        for upload in found:
            upload.sent += 1
            upload.due_at = now + self._patience.seconds
        return [upload.frame for upload in found]

    def next_due(self) -> float:
        """When there is something to send, or to give up."""
        opened = self._opened()
        if len(opened) < min(self._open_maximum, len(self._uploads)):
            return -math.inf
        return min((upload.due_at for upload in opened), default=math.inf)

    def given_up(self, now: float) -> bool:
        """Whether an exchange has failed: its last repeat has had its time."""
        return any(upload.sent > self._patience.resends and upload.due_at <= now for upload in self._opened())

    def confirm(self, serial: int) -> list[Said]:
        """The centre has what has this serial and was sent; returns it."""
        found = [upload for upload in self._uploads if upload.frame.serial == serial and upload.sent]
        self._uploads = [upload for upload in self._uploads if upload not in found]
        return [upload.said for upload in found]

    def _opened(self) -> list[Upload]:
        return [upload for upload in self._uploads if upload.due_at < math.inf]
