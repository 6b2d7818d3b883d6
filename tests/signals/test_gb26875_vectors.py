"""Published and captured frames of GB/T 26875.3 decode to what they mean, and the standard's own are written again byte for byte."""

import json
from pathlib import Path

import pytest

from signals.gb26875 import content, meaning

VECTORS = [json.loads(line) for line in (Path(__file__).parents[1] / "data/gb26875/vectors.jsonl").read_text().splitlines()]
WHOLE = [vector for vector in VECTORS if "adu" in vector["meaning"]]
OURS = {"checksum_ok", "end_ok", "adu_hex"}
"""What we say besides: that a frame is not sound, and its bytes where its text is padded otherwise than we would."""


@pytest.mark.parametrize("vector", WHOLE, ids=lambda vector: vector["id"])
def test_a_frame_means_what_it_says(vector):
    (found,) = meaning.read(bytes.fromhex(vector["hex"]))
    said = {name: value for name, value in found.items() if name not in OURS}
    assert said == {name: value for name, value in vector["meaning"].items() if name != "summary"}
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


def test_a_flag_given_twice_is_one_and_a_number_is_a_number():
    state = {"system_type": 1, "system_address": 1, "time": None}
    for members in ({"status": ["fire", "fire"]}, {"status_word": 2}, {"status_word": "0x0002"}):
        unit = content.encode({"type": 1, "count": 1, "objects": [{**state, **members}]})
        assert content.decode(unit)["objects"][0]["status"] == ["fire"]


def test_a_changed_text_is_written_and_the_old_bytes_are_not():
    (raw,) = [bytes.fromhex(vector["hex"]) for vector in VECTORS if vector["id"] == "gb-126"]
    (found,) = meaning.read(raw)
    assert found["adu_hex"] == raw[27:-3].hex(), "padded with spaces"
    found["adu"]["objects"][0]["text"] = "走廊"
    (again,) = meaning.read(meaning.frame(found).encode())
    assert (again["adu"]["objects"][0]["text"], "adu_hex" in again) == ("走廊", False)
