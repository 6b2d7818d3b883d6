"""Panels on real sockets, with a scripted centre at the other end."""

import asyncio
import contextlib

import pytest

from runtime.errors import ConfigurationError
from simulator.ledger import Ledger
from simulator.outbox import Patience
from simulator.panel import Panel
from simulator.panel_device import make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker
from simulator.panel_wire import PanelLine
from simulator.panels import Panels
from simulator.timetable import Action, Step, read
from tests.simulator.panel_centre import TIMEOUT_SECONDS, panel_centre

ADDRESS = bytes.fromhex("385b01000000")
MANNER = PanelManner(patience=Patience(seconds=0.3, resends=2), duty_answer_seconds=0.1, heartbeat=None)


@contextlib.asynccontextmanager
async def a_panel(centre, *, manner=MANNER, points=10, **line):
    line = {"backoff_first_seconds": 0.02, "backoff_most_seconds": 0.1, **line}
    with Ledger() as ledger:
        speaker = PanelSpeaker(make_panel("C1", address=ADDRESS, points=points, seed=1), ledger=ledger, manner=manner, start=1)
        panel = Panel(speaker, PanelLine(host="127.0.0.1", port=centre.port, **line), ledger=ledger)
        async with Panels([panel], ledger=ledger, at=0.0) as panels:
            yield panel, panels, ledger


@pytest.mark.parametrize("udp", [False, True])
async def test_a_panel_says_what_happens_and_is_quiet_when_it_is_confirmed(udp):
    async with panel_centre(udp=udp) as centre, a_panel(centre, udp=udp) as (panel, panels, ledger):
        assert await panels.connected(timeout_seconds=TIMEOUT_SECONDS)
        panel.begin("1-1-1", "fire_alarm")
        panel.end("1-1-1", "fire_alarm")
        panel.operate("silence", point="1")
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert [one["status"][1:] for one in centre.stated()] == [["fire"], []]
        assert all(entry.confirmed_at for entry in ledger.entries)
    assert not panel.connected


@pytest.mark.parametrize("udp", [False, True])
async def test_what_is_not_confirmed_is_said_again_with_its_serial(udp):
    async with panel_centre(udp=udp, confirming=None) as centre, a_panel(centre, udp=udp) as (panel, panels, _):
        panel.begin("1-1-1", "fault")
        panel.begin("1-1-2", "fire_alarm")
        await centre.until(lambda: panel.connects > 1 and len(centre.heard) > 4)
        assert {(frame.serial, frame.command) for frame in centre.heard} == {(1, 2)}, "the fire, until it is confirmed"
        assert not await panels.settle(timeout_seconds=0.01)
        centre.confirming = 3
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert {frame.serial for frame in centre.heard} == {0, 1}


async def test_a_denied_panel_does_not_give_up():
    async with panel_centre(confirming=6) as centre, a_panel(centre) as (panel, panels, _):
        panel.begin("1-1-1", "fault")
        await centre.until(lambda: len(centre.heard) > 2)
        centre.confirming = 3
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)


async def test_a_line_lost_in_the_middle_of_a_frame():
    async with panel_centre() as centre, a_panel(centre) as (panel, panels, _):
        assert await panels.connected(timeout_seconds=TIMEOUT_SECONDS)
        panel.tear()
        panel.begin("1-1-1", "fire_alarm")
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        await centre.until(lambda: centre.connections == 2 and centre.passed)
        assert [part.fault for part in centre.passed] == ["torn"]
        assert [frame.serial for frame in centre.heard] == [0]


async def test_a_line_cut_and_a_panel_restarted():
    async with panel_centre() as centre, a_panel(centre) as (panel, panels, ledger):
        for act in (panel.cut, panel.restart):
            panel.begin("1-1-1", "fault")
            assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
            before = panel.connects
            act()
            assert await panels.until(lambda panel, before=before: panel.connects > before, timeout_seconds=TIMEOUT_SECONDS)
        panel.end("1-1-1", "fault")
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert [frame.serial for frame in centre.heard] == [0, 1, 0]
        assert [entry.boot for entry in ledger.entries] == [1, 1, 2]


async def test_bytes_that_dribble_and_frames_that_stick_together():
    manner = PanelManner(heartbeat=None, open_maximum=20, state_on_connect=True)
    async with panel_centre() as centre, a_panel(centre, manner=manner, points=100) as (panel, panels, _):
        assert await panels.connected(timeout_seconds=TIMEOUT_SECONDS)
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert len(centre.stated()) == 102
        assert len(centre.reads) < len(centre.heard)
    async with panel_centre() as centre, a_panel(centre, dribble_bytes=5) as (panel, panels, _):
        panel.begin("1-1-1", "fault")
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert max(centre.reads) < 78
        assert len(centre.heard) == 1


async def test_it_is_duty_checked_asked_and_initialised():
    async with panel_centre() as centre, a_panel(centre) as (panel, panels, _):
        panel.begin("1-1-1", "fault")
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        centre.command({"type": 91, "objects": [{"answer_timeout_min": 5}]}, serial=70)
        answered = await centre.until(lambda: [unit for unit in centre.units() if unit["type"] == 24])
        assert answered[0]["objects"][0]["operations"] == ["duty_check_answer"]
        assert [frame.serial for frame in centre.heard if frame.command == 3] == [70]
        centre.command({"type": 81, "objects": [{}]}, command=4, serial=71)
        await centre.until(lambda: [unit["type"] for unit in centre.units(5)] == [21])
        before = panel.connects
        centre.command({"type": 89, "objects": [{}]}, serial=72)
        assert await panels.until(lambda panel: panel.connects > before, timeout_seconds=TIMEOUT_SECONDS)
        assert panel.speaker.start == 2


async def test_heartbeats_keep_a_line():
    manner = PanelManner(heartbeat=b"", heartbeat_seconds=0.05)
    async with panel_centre() as centre, a_panel(centre, manner=manner):
        await centre.until(lambda: len(centre.heard) >= 3)
        assert {frame.data for frame in centre.heard} == {b""}


async def test_a_timetable_is_played():
    steps = read(
        """
        0    C1  off
        0    C1  begin fire_alarm 1-1-1
        0.05 C1  on
        0.1  C1  skew 3600
        0.1  C1  hold
        0.1  C1  begin contamination 1-1-2
        0.15 C1  release
        0.2  C1  end contamination 1-1-2
        0.25 C1  cut
        0.25 C1  restart
        """
    )
    async with panel_centre() as centre, a_panel(centre) as (_, panels, ledger):
        assert await panels.connected(timeout_seconds=TIMEOUT_SECONDS)
        await panels.play(steps)
        assert await panels.settle(timeout_seconds=TIMEOUT_SECONDS)
        assert [one["status"][1:] for one in centre.stated()] == [["fire"], ["fault"], []]
        assert [outage.what for outage in ledger.outages] == ["silent"]
        for wrong in (Step(offset_seconds=0, transmitter_id="C9", action=Action.CUT), read("0 C1 begin fault 9-9-9")[0]):
            with pytest.raises(ConfigurationError):
                await panels.play([wrong])


async def test_an_error_ends_the_panels():
    async with panel_centre() as centre:
        with pytest.raises(RuntimeError, match="ours"):
            async with a_panel(centre):
                raise RuntimeError("ours")


async def test_nobody_listens_and_then_somebody_does():
    async with panel_centre() as gone:
        port = gone.port
    with Ledger() as ledger:
        speaker = PanelSpeaker(make_panel("C1", address=ADDRESS, points=1, seed=1), ledger=ledger, manner=MANNER, start=1)
        line = PanelLine(host="127.0.0.1", port=port, backoff_first_seconds=0.02, backoff_most_seconds=0.05)
        panel = Panel(speaker, line, ledger=ledger)
        async with Panels([panel], ledger=ledger, at=0.0) as panels:
            assert not await panels.connected(timeout_seconds=0.1)
            await asyncio.sleep(0)
            panel.switch_off()
            assert not panel.connected
