"""`wanghuo gb26875 …` as an integrator types it, each in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gb26875_world import ADDRESS, enrol_device, serving

VECTORS = [json.loads(line) for line in (Path(__file__).parents[1] / "data/gb26875/vectors.jsonl").read_text().splitlines()]
SOUND = [vector for vector in VECTORS if vector["conformance"] == "conformant"]
TIMEOUT = 60


def wanghuo(*arguments: str, given: bytes, locale: str = "C.UTF-8") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "stack.cli", "gb26875", *arguments],
        input=given,
        capture_output=True,
        timeout=TIMEOUT,
        check=False,
        env={**os.environ, "WANGHUO_ENVIRONMENT_FILE": os.devnull, "LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    )


def told(done: subprocess.CompletedProcess[bytes]) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_frames_go_through_decode_and_encode_and_are_the_same():
    lines = "".join(f"{vector['hex']}\n" for vector in SOUND).encode()
    decoded = wanghuo("decode", given=lines)
    assert decoded.returncode == 0, decoded.stderr
    for found, vector in zip(told(decoded), SOUND, strict=True):
        assert {"serial", "adu", "command_name"} <= found.keys()
        assert found["serial"] == vector["meaning"]["serial"]
    encoded = wanghuo("encode", given=decoded.stdout)
    assert encoded.returncode == 0, encoded.stderr
    assert encoded.stdout == lines.lower()


def test_a_capture_is_told_from_lines_by_its_bytes():
    frames = [bytes.fromhex(vector["hex"]) for vector in SOUND[:3]]
    done = wanghuo("decode", given=b"\x00\x01".join(frames))
    assert done.returncode == 1
    found = told(done)
    assert [one.get("error", "frame") for one in found] == ["frame", "no_start", "frame", "no_start", "frame"]
    assert (found[1]["offset"], found[1]["bytes"]) == (len(frames[0]), 2)
    assert found[3]["offset"] == len(frames[0]) + 2 + len(frames[1])


@pytest.mark.parametrize(
    "written", ["0x40 0x40, 00", "40:40:00", "40-40-00  # as logged", "40 40 00", "\\x40\\x40 00", '["4040 00']
)
def test_hexadecimal_is_read_as_people_write_it(written):
    head, rest = written.partition("#")[0].rstrip(), SOUND[0]["hex"][6:]
    assert bytes.fromhex(SOUND[0]["hex"])[:2] == b"@@"
    first = SOUND[0]["hex"][4:6]
    line = f"{head[:-2]}{first} {rest} # {written}\n\n# nothing\n"
    done = wanghuo("decode", given=line.encode())
    assert [one["serial"] for one in told(done)] == [SOUND[0]["meaning"]["serial"]]


def test_a_file_may_come_from_windows_and_go_to_any_locale():
    (vector,) = [one for one in VECTORS if one["id"] == "gb-126"]
    lines = b"\xef\xbb\xbf" + f"{vector['hex'].upper()}\r\n\r\n{vector['hex']}\r\n\x1a".encode()
    decoded = wanghuo("decode", given=lines, locale="C")
    assert (decoded.returncode, decoded.stderr) == (0, b"")
    assert [one["adu"]["objects"][0]["text"] for one in told(decoded)] == ["酒店负一层肉类加工间"] * 2
    encoded = wanghuo("encode", given=b"\xef\xbb\xbf" + decoded.stdout, locale="C")
    assert encoded.stdout.decode().split() == [vector["hex"]] * 2


def test_a_bad_line_is_named_and_stops_nothing():
    good = SOUND[0]["hex"]
    lines = f"{good}\n404\nno hex\n{good[:40]}\n{'40' * 600_000}\n{good}\n"
    done = wanghuo("decode", given=lines.encode())
    assert done.returncode == 1
    found = told(done)
    assert [(one.get("error", "frame"), one.get("line")) for one in found] == [
        ("frame", None),
        ("line", 2),
        ("line", 3),
        ("torn", 4),
        ("line", 5),
        ("frame", None),
    ]
    assert "an odd number of digits" in found[1]["detail"]
    assert "limit of 1048576 bytes" in found[4]["detail"]


def test_strict_names_what_departs_from_the_standard():
    sound = bytes.fromhex(SOUND[0]["hex"])
    damaged = sound[:-3] + bytes((sound[-3] ^ 1,)) + sound[-2:]
    done = wanghuo("decode", "--strict", given=(damaged.hex() + "\n").encode())
    assert done.returncode == 1
    (found,) = told(done)
    assert (found["departures"][0], found["refused"][0], found["checksum_ok"]) == ("checksum", "checksum", False)
    done = wanghuo("decode", "--profile", "stale_checksum", given=(damaged.hex() + "\n").encode())
    assert (done.returncode, "refused" in told(done)[0]) == (0, False)
    done = wanghuo("decode", "--profile", "none", given=b"")
    assert (done.returncode, b"there is no profile 'none': standard, strict" in done.stderr) == (2, True)


def test_encode_names_what_cannot_be_a_frame():
    good = json.loads(wanghuo("decode", given=SOUND[0]["hex"].encode()).stdout)
    bad = [
        b"{",
        b"[]",
        b'{"serial": 1}',
        json.dumps({**good, "serial": 70_000}).encode(),
        json.dumps({**good, "adu": 7}).encode(),
        json.dumps({**good, "adu": {"type": 2, "count": 1, "objects": [7]}}).encode(),
        json.dumps({**good, "source_address_hex": 5}).encode(),
        b'{"error": "torn"}',
        b"[" * 100_000,
    ]
    done = wanghuo("encode", given=b"\n".join((*bad, json.dumps(good).encode())))
    assert done.returncode == 1
    assert done.stdout.decode().split() == [SOUND[0]["hex"].lower()]
    complaints = done.stderr.decode().splitlines()
    assert [line.partition(":")[0] for line in complaints] == [f"line {number}" for number in range(1, len(bad) + 1)]
    assert "member 'source_address_le' is missing" in complaints[2] or "missing" in complaints[2]
    assert "serial: 70000" in complaints[3]


@pytest.mark.parametrize("transport", [[], ["--udp"]])
async def test_a_frame_is_sent_and_its_reply_printed(database, transport):
    unit = {
        "serial": 7,
        "version": "1.1",
        "frame_time": "2026-03-01 12:00:00",
        "source_address_hex": ADDRESS.hex(),
        "dest_address_le": 0,
        "command": 2,
        "adu": {"type": 21, "count": 1, "objects": [{"status": ["normal(0=test)"], "time": "2026-03-01 12:00:00"}]},
    }
    enrol_device(database)
    async with serving(database) as port:
        given = (json.dumps(unit) + "\nnonsense\n").encode()
        done = await asyncio.to_thread(wanghuo, "send", f"127.0.0.1:{port}", *transport, given=given)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("line 2: not hexadecimal")
    (reply,) = told(done)
    assert (reply["command_name"], reply["serial"]) == ("confirm", 7)
    assert 0 < reply["latency_seconds"] < TIMEOUT


def test_where_nobody_listens_it_says_so():
    done = wanghuo("send", "127.0.0.1:1", given=b"")
    assert (done.returncode, b"127.0.0.1:1 cannot be reached" in done.stderr) == (1, True)
    done = wanghuo("send", "somewhere", given=b"")
    assert (done.returncode, b"HOST:PORT is due" in done.stderr) == (2, True)
