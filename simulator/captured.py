"""Frames captured on the wires of real control rooms, said again by a simulated panel: its own address, today's time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from signals.gb26875 import content
from signals.gb26875.frames import read_one

FILE = "gb26875_captured.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """What one frame carried.

    Attributes:
        adu: as `signals.gb26875.content` has it.
        says: what it states, as the ledger has it.
        rows: facts that it makes.
    """

    adu: Mapping[str, Any]
    says: Sequence[Mapping[str, Any]]
    rows: int

    def at(self, tag: str | None) -> dict[str, Any]:
        """The unit with this time wherever the frame had one."""
        objects = [{**members, "time": tag} if members.get("time") else members for members in self.adu["objects"]]
        return {**self.adu, "objects": objects}


def load() -> list[Captured]:
    """The frames, in the order in which they are said."""
    text = files("simulator").joinpath("data", FILE).read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        members = json.loads(line)
        frame = read_one(bytes.fromhex(members["hex"]))
        assert frame is not None, f"{FILE}: {members['id']} is no frame"
        found.append(Captured(adu=content.decode(frame.data), says=members["says"], rows=members["rows"]))
    return found
