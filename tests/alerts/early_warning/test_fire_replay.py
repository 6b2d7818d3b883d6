"""`wanghuo early-warning replay`, as others run it."""

import csv
import io
import os
import subprocess
import sys

import pytest

from alerts.early_warning import measured, scoring
from alerts.early_warning.replay import Replay, parse

COMMAND = [sys.executable, "-m", "stack.cli", "early-warning", "replay"]
HEADER = "run,t_s,point,metric,value\n"


def lines_of(series):
    return [
        f"{series.name},{second:g},{detector},temperature_celsius,{value}\n"
        for second, row in zip(series.seconds, series.celsius, strict=True)
        for detector, value in enumerate(row.tolist())
    ]


def replayed(text):
    done = subprocess.run(COMMAND, input=text, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, list(csv.DictReader(io.StringIO(done.stdout))), done.stderr


@pytest.fixture(scope="module")
def runs():
    return measured.fires()[:2]


def test_it_says_what_the_score_says(runs):
    code, rows, errors = replayed(HEADER + "".join(line for run in runs for line in lines_of(run)))
    assert (code, errors) == (0, "")
    for run in runs:
        warned = scoring.watch(run)
        for level, first in (("warning", warned.warning), ("watch", warned.watch)):
            said = {row["point"]: float(row["t_s"]) for row in rows if row["run"] == run.name and row["level"] == level}
            assert said == {str(detector): at for detector, at in enumerate(first.tolist())}
    assert all("K/min" in row["reason"] for row in rows)


def test_runs_that_are_mixed_know_nothing_of_each_other(runs):
    apart = [line for run in runs for line in lines_of(run)]
    mixed = sorted(apart, key=lambda line: float(line.split(",")[1]))
    keys = ("run", "point", "level")
    one, other = (
        sorted(rows, key=lambda row: [row[key] for key in keys])
        for rows in (replayed("".join(apart))[1], replayed("".join(mixed))[1])
    )
    assert one == other != []


def test_a_wrong_line_is_named_and_the_others_go_on(runs):
    lines = lines_of(runs[0])
    lines[5] = "x,not-a-time,0,temperature_celsius,20\n"
    lines[7] = "x,1,0,temperature_celsius,warm\n"
    lines[9] = "x,1,0\n"
    lines[11] = "x,1,0,temperature_celsius,inf\n"
    lines[13] = "x," + "1" * 5000 + ",0,temperature_celsius,1\n"
    lines[15] = '"x,1,0,temperature_celsius,1\n'
    code, rows, errors = replayed("".join(lines))
    assert code == 1
    assert {row["level"] for row in rows} == {"watch", "warning"}
    told = errors.splitlines()
    assert len(told) == 6
    for number, words in (
        (6, "t_s 'not-a-time'"),
        (8, "value 'warm'"),
        (10, "3 members"),
        (12, "value 'inf'"),
        (14, "longer than 4096 bytes"),
        (16, "end of data"),
    ):
        assert any(line.startswith(f"line {number}: ") and words in line for line in told), (number, told)


def test_what_is_none_of_its_business_changes_nothing(runs):
    lines = [HEADER, *lines_of(runs[0])]
    plain = replayed("".join(lines))
    dressed = [line.replace("\n", "\r\n").replace(",", ", ") for line in lines[:100]]
    dressed[0] = "\ufeff" + dressed[0]
    dressed += [line.replace("temperature_celsius", '"temperature_celsius"') for line in lines[100:]]
    for at, foreign in ((50, "\r\n"), (60, HEADER), (70, f"{runs[0].name},-95,0,ion_volts,3.1\n")):
        dressed.insert(at, foreign)
    for at, value in ((80, ""), (90, "NaN")):
        dressed.insert(at, f"{runs[0].name},-94.5,0,temperature_celsius,{value}\n")
    code, rows, errors = replayed("".join(dressed))
    assert (code, rows) == plain[:2] != (0, [])
    assert sorted(errors.splitlines()) == [
        "1 lines passed over: metric 'ion_volts' is none of the MQTT profile",
        "2 lines passed over: nothing was measured",
    ]


def test_what_was_said_is_not_taken_back(runs):
    lines = lines_of(runs[0])
    whole = said(lines)
    for end in (450, 900, 1000, 1100):
        assert said(lines[:end]) == [row for row in whole if float(row.split(",")[2]) <= float(lines[end - 1].split(",")[1])]
    assert said(lines, at_once=7) == whole != []


def said(lines, *, at_once=1 << 20):
    out = io.StringIO()
    replay = Replay(out, errors=io.StringIO())
    for first in range(0, len(lines), at_once):
        replay.take([line.encode() for line in lines[first : first + at_once]])
    return out.getvalue().splitlines()


def test_it_answers_while_the_input_goes_on(runs):
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "run,point,t_s,level,reason\n"
        process.stdin.write("".join(lines_of(runs[0])))
        process.stdin.flush()
        assert process.stdout.readline().startswith(runs[0].name)
        process.stdin.close()
        process.stdout.read()
        assert process.wait(60) == 0


def test_an_endless_line_takes_no_memory():
    out, errors = io.StringIO(), io.StringIO()
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb") as writer:
        from threading import Thread

        from alerts.early_warning.replay import replay

        def write():
            writer.write(b"x" * 300_000 + b"\nr,1,p,temperature_celsius,20\n")
            writer.close()

        thread = Thread(target=write)
        thread.start()
        assert replay(reader.fileno(), out=out, errors=errors) == 1
        thread.join()
    assert errors.getvalue() == "line 1: longer than 4096 bytes\n"


def test_no_run_is_forgotten_however_many_are_mixed(runs):
    copies = [line.replace(runs[0].name, f"copy {copy}") for line in lines_of(runs[0])[::4] for copy in range(500)]
    assert sum(",warning," in row for row in said(copies)) == 500


@pytest.mark.parametrize("cells", [["", "0", "p", "temperature_celsius", "1"], ["r", "inf", "p", "temperature_celsius", "1"]])
def test_members_are_checked(cells):
    with pytest.raises(ValueError, match=r"run is empty|t_s 'inf'"):
        parse(cells)
