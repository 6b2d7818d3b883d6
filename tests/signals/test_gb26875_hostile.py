"""Hostile bytes: however they come and whatever they are, the receiver finds the same, accounts for all, and works in proportion."""

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signals.gb26875 import frames, meaning
from signals.gb26875.frames import EMPTY_BYTES, Frame, Passed, Receiver, checksum
from signals.gb26875.profiles import PROFILES
from signals.gb26875.statements import AddressOrder, statements

DATA = Path(__file__).parents[1] / "data/gb26875"
VECTORS = [bytes.fromhex(json.loads(line)["hex"]) for line in (DATA / "vectors.jsonl").read_text().splitlines()]
SYNTHETIC = [bytes.fromhex(line) for line in (DATA / "synthetic.txt").read_text().split()]
CORPUS = [bytes.fromhex(line) for line in (DATA / "fuzzed.txt").read_text().split()]
KNOWN = [*VECTORS, *SYNTHETIC]

pieces = st.one_of(
    st.sampled_from(KNOWN),
    st.binary(max_size=60),
    st.sampled_from([b"@@", b"@", b"##", b"#", b"@@@@##", b"\x00" * 24, b"\x00\x04\x02"]),
)


@st.composite
def mutated(draw):
    """A known frame with some bytes changed, left out or put in."""
    raw = bytearray(draw(st.sampled_from(KNOWN)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(raw) - 1))
        match draw(st.sampled_from(["set", "cut", "add"])):
            case "set":
                raw[place] = draw(st.integers(0, 255))
            case "cut" if len(raw) > 1:
                del raw[place]
            case _:
                raw[place:place] = draw(st.binary(max_size=5))
    return bytes(raw)


streams = st.lists(st.one_of(pieces, mutated()), max_size=6).map(b"".join)


def found_in(chunks):
    receiver = Receiver()
    found = [part for chunk in chunks for part in receiver.feed(chunk)]
    assert receiver.waiting < EMPTY_BYTES + frames.DATA_BYTES_MAXIMUM
    return [*found, *receiver.tear()]


def plain(found):
    """Frames, and how much was passed over between them: adjacent bytes may be told of in one piece or in several."""
    told = []
    for part in found:
        if isinstance(part, Frame):
            told.append(part)
        elif told and isinstance(told[-1], int):
            told[-1] += part.count
        else:
            told.append(part.count)
    return told


def lengths(found):
    return sum(part.count if isinstance(part, Passed) else EMPTY_BYTES + len(part.data) for part in found)


@given(streams, st.data())
def test_any_split_gives_the_same_and_every_byte_is_accounted_for(stream, data):
    whole = found_in([stream])
    assert lengths(whole) == len(stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    parts = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert plain(found_in(parts)) == plain(whole)
    assert plain(found_in([bytes((each,)) for each in stream])) == plain(whole)


TRAP = Frame(
    serial=0,
    time=bytes(6),
    source=bytes(6),
    destination=bytes(6),
    command=2,
    data=b"\x02\x01" + bytes(7) + b"\x02\x00" + b"undecodable:zz".ljust(37, b"\x00"),
).encode()
"""A fire whose text looks like our own words for text that is none."""


@given(st.one_of(streams, mutated(), st.binary(max_size=1100)))
@example(b"")
@example(TRAP)
def test_nothing_raises_and_what_is_whole_is_written_again(stream):
    everything(stream)


def everything(stream):
    """All that is done with bytes that somebody sent."""
    for part in meaning.parts(stream):
        json.dumps(part.members, ensure_ascii=False, allow_nan=False)
        if part.frame is None:
            continue
        written = meaning.frame(part.members)
        assert (written.data, written.serial, written.time) == (part.frame.data, part.frame.serial, part.frame.time)
        if part.frame.checksum_ok and part.frame.end_ok:
            assert written.encode() == stream[part.offset : part.end]
        for profile in PROFILES.values():
            assert profile.departures(part.frame) or profile.trusts(part.frame)
            profile.is_heartbeat(part.frame)
        everything_of_unit(part.frame.data)


def everything_of_unit(data):
    """All that is done with what a frame carries."""
    frame = Frame(serial=0, time=bytes(6), source=bytes(6), destination=bytes(6), command=2, data=data)
    assert meaning.frame(meaning.of(frame)) == frame
    for order in AddressOrder:
        assert statements(data, order=order)
    for profile in PROFILES.values():
        assert profile.statements(data)


def everything_of_members(text):
    """A line that somebody gives to `encode`: a frame that reads as it was written, or `ValueError`."""
    try:
        members = json.loads(text)
        frame = meaning.frame(members)
    except (ValueError, RecursionError):
        return
    (part,) = meaning.parts(frame.encode())
    assert (part.frame.data, part.frame.serial, part.frame.time) == (frame.data, frame.serial, frame.time)


def everything_of_input(data):
    """What a fuzzer does with an input: a stream, whole and in two halves; what a frame carries; a line of JSON."""
    everything(data)
    half = len(data) // 2
    assert plain(found_in([data[:half], data[half:]])) == plain(found_in([data]))
    everything_of_unit(data[: frames.DATA_BYTES_MAXIMUM])
    if data.startswith(b"{"):
        everything_of_members(data)


@given(st.binary(max_size=1024))
def test_every_unit_is_written_again_as_it_was(data):
    everything_of_unit(data)


@pytest.mark.parametrize("stream", CORPUS, ids=range(len(CORPUS)))
def test_what_a_fuzzer_found_worth_keeping(stream):
    everything_of_input(stream)
    assert plain(found_in([bytes((each,)) for each in stream])) == plain(found_in([stream]))


def with_checksum(body: bytes) -> bytes:
    return b"@@" + body + bytes((checksum(body),)) + b"##"


def bad(size: int, inside: bytes) -> bytes:
    """A frame of so much data with a wrong checksum, filled with `inside` again and again."""
    data = (inside * (size // len(inside) + 1))[:size]
    body = bytes(22) + size.to_bytes(2, "little") + b"\x02" + data
    return b"@@" + body + bytes(((checksum(body) + 1) & 0xFF,)) + b"##"


GOOD = with_checksum(bytes(25))
STARTS = b"@" * 20 + b"\x01\x01\x01\x01\x01\x01\x01" + b"#" * 6
HOSTILE = {
    "starts": b"@@" * 500,
    "lone starts": b"@" * 1001,
    "lengths too great": (b"@@" + b"\xff" * 25) * 40,
    "false starts inside": bad(1024, STARTS),
    "ends inside": bad(1024, b"@@" + bytes(22) + b"\x00\x00\x02\x01##"),
    "a good one at the end of a bad one": bad(1024, GOOD + STARTS),
    "no end": (b"@@" + bytes(22) + b"\x00\x04\x02") * 40,
    "ends only": b"##" * 500,
}


class Work:
    """Bytes and steps that the search takes, counted where it reads."""

    def __init__(self, monkeypatch):
        self.count = 0
        for name in ("_frame_at", "_length", "_next_start", "_frame"):
            monkeypatch.setattr(frames, name, self._counting(getattr(frames, name)))
        monkeypatch.setattr(frames, "checksum", self._summing(frames.checksum))
        monkeypatch.setattr(frames, "accumulate", self._listing(frames.accumulate))

    def _counting(self, function):
        def counted(*arguments, **named):
            self.count += 1
            return function(*arguments, **named)

        return counted

    def _summing(self, function):
        def counted(body):
            self.count += len(body)
            return function(body)

        return counted

    def _listing(self, function):
        def counted(part):
            self.count += len(part)
            return function(part)

        return counted


@pytest.mark.parametrize("name", HOSTILE)
def test_work_grows_with_the_bytes_and_no_faster(monkeypatch, name):
    once = HOSTILE[name]
    work = Work(monkeypatch)
    counts = []
    for times in (10, 20):
        work.count = 0
        assert lengths(found_in([once * times])) == len(once) * times
        counts.append(work.count)
    assert counts[1] <= 2.2 * counts[0]
    assert counts[1] <= 40 * 20 * len(once), "so much a byte at most"


def test_bytes_one_by_one_cost_a_bounded_amount_each(monkeypatch):
    work = Work(monkeypatch)
    stream = HOSTILE["false starts inside"] * 3
    found_in([bytes((each,)) for each in stream])
    assert work.count <= 40 * len(stream)
