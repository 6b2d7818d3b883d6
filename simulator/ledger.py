"""The truth ledger: what the simulated world said, handed over and was confirmed. Append-only.

Every event is a JSON object, applied to the memory and, where a file is given, appended to it as a line before the call returns:
a ledger read back from its file (also after a crash) is the ledger that wrote it. All times are Unix seconds of one clock.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TextIO

from signals.topics import MessageClass
from simulator.entries import EVERYBODY, Cause, Counter, Entry, Measured, Outage
from simulator.speech import Said


class Ledger:
    """See the module. Closed by leaving it as a context, or by `close`.

    Args:
        path: file to append to; None keeps the ledger in memory only.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self.outages: list[Outage] = []
        self.causes: list[Cause] = []
        self.telemetry: dict[Counter, Measured] = {}
        self.played: dict[str, float] = {}
        self._file: TextIO | None = path.open("a", encoding="ascii", buffering=1) if path else None
        self._newest: dict[tuple[str, str, int, int], Entry] = {}
        self._silent: dict[str, float] = {}
        self._unwritten: dict[Counter, Measured] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @classmethod
    def read(cls, path: Path) -> Self:
        """A ledger as its file tells it. A last line torn by a crash is left out.

        Raises:
            ValueError: a line before the last one is no event.
        """
        ledger = cls()
        lines = path.read_text(encoding="ascii").splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            try:
                ledger._apply(json.loads(line))
            except (ValueError, KeyError, TypeError) as error:
                if number == len(lines) and not line.endswith("\n"):
                    break
                raise ValueError(f"{path}, line {number}: no event of a ledger: {error!r}") from error
        return ledger

    def plays(self, transmitter_ids: Sequence[str], *, at: float) -> None:
        """From now on everything that these transmitters say stands here; `played` has when that began."""
        self._record({"event": "plays", "transmitters": list(transmitter_ids), "at": at})

    def said(self, transmitter_id: str, said: Said, *, at: float) -> None:
        """A device wants this to be known; only classes that are confirmed."""
        members = json.loads(said.body)
        self._record({"event": "said", "at": at, "transmitter": transmitter_id, "class": said.message_class, "members": members})

    def acknowledged(self, transmitter_id: str, said: Sequence[Said], *, at: float) -> None:
        """The broker has these."""
        self._record_keys("acknowledged", transmitter_id, said=said, at=at)

    def confirmed(self, transmitter_id: str, said: Sequence[Said], *, at: float) -> None:
        """The centre has stored these."""
        self._record_keys("confirmed", transmitter_id, said=said, at=at)

    def forgotten(self, transmitter_id: str, said: Sequence[Said], *, at: float) -> None:
        """The device lost these unconfirmed."""
        self._record_keys("forgotten", transmitter_id, said=said, at=at)

    def silent(self, transmitter_id: str, *, at: float) -> None:
        """From now on a transmitter is meant to be unreachable."""
        self._record({"event": "silent", "transmitter": transmitter_id, "at": at})

    def heard(self, transmitter_id: str, *, at: float) -> None:
        """It is reachable again."""
        if transmitter_id in self._silent:
            self._record({"event": "heard", "transmitter": transmitter_id, "at": at})

    def outage(self, what: str, *, since: float, until: float, transmitter_id: str = EVERYBODY) -> None:
        """Nothing could get through in this span."""
        self._record({"event": "outage", "transmitter": transmitter_id, "what": what, "since": since, "until": until})

    def cause(self, transmitter_id: str, point: str | None, *, kind: str, at: float) -> None:
        """The centre may raise an alarm of this kind from now on."""
        self._record({"event": "cause", "transmitter": transmitter_id, "point": point, "kind": kind, "at": at})

    def measured(self, transmitter_id: str, boot: int, *, seqs: tuple[int, int], acknowledged: bool) -> None:
        """Telemetry was said, or the broker acknowledged it; written to the file by `flush` only.

        Args:
            transmitter_id: whose.
            boot: of the counter.
            seqs: first and last of a run.
            acknowledged: False when it was said, True when the broker has it.
        """
        for kept in (self.telemetry, self._unwritten):
            found = kept.get((transmitter_id, boot))
            if found is None:
                found = kept[transmitter_id, boot] = Measured()
            (found.acknowledged if acknowledged else found.said).add(*seqs)
            if self._file is None:
                return

    def flush(self) -> None:
        """Write what `measured` has collected to the file."""
        for (transmitter_id, boot), found in self._unwritten.items():
            runs = {"said": list(found.said), "acknowledged": list(found.acknowledged)}
            self._write({"event": "measured", "transmitter": transmitter_id, "boot": boot, **runs})
        self._unwritten.clear()

    def close(self) -> None:
        """Write what is left and close the file. Reading goes on to work."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def spans(self, transmitter_id: str, *, until: float = math.inf) -> list[tuple[float, float]]:
        """Outages that count for a transmitter, everybody's among them; one that has not ended ends at `until`."""
        known = [(outage.since, outage.until) for outage in self.outages if outage.transmitter_id in {EVERYBODY, transmitter_id}]
        since = self._silent.get(transmitter_id)
        return known if since is None else [*known, (since, until)]

    def silences(self, transmitter_id: str) -> list[tuple[float, float]]:
        """When the transmitter was meant to be unreachable, by its own doing; one that lasts has no end."""
        own = [(outage.since, outage.until) for outage in self.outages if outage.transmitter_id == transmitter_id]
        since = self._silent.get(transmitter_id)
        return own if since is None else [*own, (since, math.inf)]

    def _record_keys(self, event: str, transmitter_id: str, *, said: Sequence[Said], at: float) -> None:
        keys = [[one.message_class, one.boot, one.seq] for one in said if one.message_class is not MessageClass.TELEMETRY]
        if keys:
            self._record({"event": event, "at": at, "transmitter": transmitter_id, "keys": keys})

    def _record(self, event: dict[str, Any]) -> None:
        self._apply(event)
        self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(event, separators=(",", ":")) + "\n")

    def _apply(self, event: Mapping[str, Any]) -> None:
        appliers: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "plays": self._apply_plays,
            "said": self._apply_said,
            "acknowledged": self._apply_keys,
            "confirmed": self._apply_keys,
            "forgotten": self._apply_keys,
            "silent": self._apply_silent,
            "heard": self._apply_heard,
            "outage": self._apply_outage,
            "cause": self._apply_cause,
            "measured": self._apply_measured,
        }
        appliers[event["event"]](event)

    def _apply_plays(self, event: Mapping[str, Any]) -> None:
        for transmitter_id in event["transmitters"]:
            self.played.setdefault(transmitter_id, event["at"])

    def _apply_silent(self, event: Mapping[str, Any]) -> None:
        self._silent.setdefault(event["transmitter"], event["at"])

    def _apply_heard(self, event: Mapping[str, Any]) -> None:
        since = self._silent.pop(event["transmitter"])
        self.outages.append(Outage(transmitter_id=event["transmitter"], what="silent", since=since, until=event["at"]))

    def _apply_outage(self, event: Mapping[str, Any]) -> None:
        span = {"since": event["since"], "until": event["until"]}
        self.outages.append(Outage(transmitter_id=event["transmitter"], what=event["what"], **span))

    def _apply_cause(self, event: Mapping[str, Any]) -> None:
        where = {"transmitter_id": event["transmitter"], "point": event["point"]}
        self.causes.append(Cause(**where, kind=event["kind"], at=event["at"]))

    def _apply_measured(self, event: Mapping[str, Any]) -> None:
        found = self.telemetry.setdefault((event["transmitter"], event["boot"]), Measured())
        for runs, named in ((found.said, "said"), (found.acknowledged, "acknowledged")):
            for first, last in event[named]:
                runs.add(first, last)

    def _apply_said(self, event: Mapping[str, Any]) -> None:
        members = event["members"]
        entry = Entry(
            transmitter_id=event["transmitter"],
            message_class=event["class"],
            boot=members["boot"],
            seq=members["seq"],
            members=members,
            said_at=event["at"],
        )
        self.entries.append(entry)
        # After a wipe the same key is said again: what is acknowledged or confirmed from then on is the newest.
        self._newest[entry.transmitter_id, entry.message_class, entry.boot, entry.seq] = entry

    def _apply_keys(self, event: Mapping[str, Any]) -> None:
        for message_class, boot, seq in event["keys"]:
            entry = self._newest[event["transmitter"], message_class, boot, seq]
            match event["event"]:
                case "acknowledged":
                    entry.acknowledged_at = entry.acknowledged_at or event["at"]
                case "confirmed":
                    entry.confirmed_at = entry.confirmed_at or event["at"]
                case _:
                    entry.forgotten = True
