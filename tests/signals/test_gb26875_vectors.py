"""Published and captured frames of GB/T 26875.3 decode to what they mean, and the standard's own are written again byte for byte."""

import json
from pathlib import Path

import pytest

from signals.gb26875 import meaning

VECTORS = [json.loads(line) for line in (Path(__file__).parents[1] / "data/gb26875/vectors.jsonl").read_text().splitlines()]
WHOLE = [vector for vector in VECTORS if "adu" in vector["meaning"]]
OURS = {"checksum_ok", "end_ok"}
"""What we say besides, where a frame is not sound."""


def without_ours(members):
    unit = members["adu"]
    if "objects" in unit:
        objects = [{name: value for name, value in one.items() if name != "text_hex"} for one in unit["objects"]]
        unit = {**unit, "objects": objects}
    return {name: value for name, value in members.items() if name not in OURS} | {"adu": unit}


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector["id"])
def test_a_frame_means_what_it_says(vector):
    (found,) = meaning.read(bytes.fromhex(vector["hex"]))
    assert without_ours(found) == {name: value for name, value in vector["meaning"].items() if name != "summary"}
    assert found.get("checksum_ok", True) == vector["checksum_ok"]


@pytest.mark.parametrize("vector", [one for one in WHOLE if one["conformance"] == "conformant"], ids=lambda vector: vector["id"])
def test_a_conformant_frame_is_written_again_as_it_was(vector):
    raw = bytes.fromhex(vector["hex"])
    (found,) = meaning.read(raw)
    assert meaning.frame(found).encode() == raw
