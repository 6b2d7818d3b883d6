"""The demo's control room that speaks GB/T 26875.3: captured frames of real ones, a duty check, and what came of it."""

import time
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from registry.enrolment import NewTransmitter
from registry.ratio import TransmitterClass
from runtime.database import Connection
from signals.commands import DUTY_CHECK_SECONDS, Name
from simulator.ledger import Ledger
from simulator.panel import Panel
from simulator.panel_device import make_panel
from simulator.panel_speaker import PanelManner, PanelSpeaker
from simulator.panel_tasks import replay_captured
from simulator.panel_wire import PanelLine
from simulator.village import Township
from sql.queries import load
from stack.board_data import QUERIES
from stack.ports import LOOPBACK
from stack.private import PrivateStack
from stack.township import enrol_panel

COMMANDS = load("alerts_downward")
PANEL = "CR-26875"
ADDRESS = bytes.fromhex("385b01000000")
POINTS = 100
SHARE_OF_FRAMES = 0.5
"""Part of the demo over which the captured frames are spread."""
MANNER = PanelManner(heartbeat_seconds=10, state_on_connect=True, state_seconds=60, duty_answer_seconds=4, operator=1)


async def make(township: Township, stack: PrivateStack, *, ledger: Ledger, seed: int) -> Panel:
    """The panel, enrolled by its address in the township's first village."""
    village_id = township.villages[0].village_id
    known = NewTransmitter(transmitter_id=PANEL, village_id=village_id, transmitter_class=TransmitterClass.CONTROL_ROOM)
    await enrol_panel(known, stack, address=ADDRESS)
    device = make_panel(PANEL, address=ADDRESS, points=POINTS, seed=seed)
    speaker = PanelSpeaker(device, ledger=ledger, manner=MANNER, start=int(time.time()))
    return Panel(speaker, PanelLine(host=LOOPBACK, port=stack.gb26875_port), ledger=ledger)


async def play(panel: Panel, stack: PrivateStack, *, length_seconds: float) -> None:
    """Say the captured frames, while the person on duty is asked whether they are there."""
    await _ask(stack)
    await replay_captured(panel, over_seconds=SHARE_OF_FRAMES * length_seconds)


async def duty_latency(connection: Connection) -> float | None:
    """Seconds from the duty check to its answer; None where there is none."""
    cursor = await connection.execute(QUERIES["duty_latency"], {"transmitter_id": PANEL})
    row = await cursor.fetchone()
    return None if row is None else float(str(row[0]))


async def _ask(stack: PrivateStack) -> None:
    """Ask as an operator does. The check waits in the database until the panel is connected."""
    async with await psycopg.AsyncConnection.connect(stack.database_url("wanghuo_console"), autocommit=True) as connection:
        asked = {
            "request_id": uuid4(),
            "transmitter_id": PANEL,
            "name": Name.DUTY_CHECK,
            "content": Jsonb({"deadline_seconds": DUTY_CHECK_SECONDS}),
            "operator_id": "demo",
            "seconds": DUTY_CHECK_SECONDS,
        }
        await connection.execute(COMMANDS["request_command"], asked)
