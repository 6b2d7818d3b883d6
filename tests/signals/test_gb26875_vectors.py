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


SYNTHETIC = (Path(__file__).parents[1] / "data/gb26875/synthetic.txt").read_text().split()
"""Frames of the types that nobody has published a capture of, made after the standard."""


@pytest.mark.parametrize("raw", [bytes.fromhex(line) for line in SYNTHETIC], ids=lambda raw: f"type {raw[27]}")
def test_a_frame_after_the_standard_is_read_and_written_again(raw):
    (found,) = meaning.read(raw)
    assert "objects" in found["adu"]
    assert meaning.frame(found).encode() == raw


def test_objects_may_be_given_by_names():
    (raw,) = [one for one in map(bytes.fromhex, SYNTHETIC) if one[27] == 3]
    (found,) = meaning.read(raw)
    (reading,) = found["adu"]["objects"]
    del reading["raw_value"]
    assert meaning.frame(found).encode() == raw
    state = {"system_type": 1, "system_address": 1, "status": ["fire", "reserved_bit15"], "time": None}
    found["adu"] = {"type": 1, "count": 1, "objects": [state]}
    (again,) = meaning.read(meaning.frame(found).encode())
    assert again["adu"]["objects"][0]["status_word"] == "0x8002"
