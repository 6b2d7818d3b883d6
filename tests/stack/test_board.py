"""The board as a terminal shows it, and as a line where there is none."""

import io
from datetime import UTC, datetime, timedelta

from rich.console import Console

from registry.ratio import Figures
from signals.topics import MessageClass
from simulator.ledger import Ledger
from simulator.speech import Said
from stack.board import board, line
from stack.board_data import BoardData, OpenAlarm, Totals

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TOTALS = Totals(
    signals=1234,
    telemetry=5678,
    alarms=14,
    open_alarms=12,
    fires=3,
    early_warnings=1,
    notifications_sent=15,
    notifications_due=0,
    waiting=0,
)


def alarm(number, *, age):
    return OpenAlarm(
        alarm_id=number,
        priority=0,
        kind="fire_alarm",
        handling="open",
        transmitter_id="T1",
        point="1-2-3",
        reason="58 °C, and a reason that is much too long for one line of any terminal " * 3,
        village="里春村",
        unit="兴源超市",
        raised_at=NOW - age,
    )


def shown(data, ledger, *, width):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(board(data, rate=56.7, ledger=ledger, at=NOW))
    return console.export_text()


def test_the_board_shows_what_is_stored_what_is_open_and_who_is_connected(tmp_path):
    ages = (timedelta(seconds=7), timedelta(minutes=5), timedelta(hours=3))
    alarms = [alarm(number, age=age) for number, age in enumerate(ages, 1)]
    figures = {"里春村": Figures(units=8, connected=5, online=4), "下埭村": Figures(units=0, connected=0, online=0)}
    data = BoardData(totals=TOTALS, alarms=alarms, villages=figures, stored=0)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        text = shown(data, ledger, width=150)
    assert "57 stored/s; 1,234 signals, 5,678 readings; 14 alarms (3 fires, 1 early warnings), 12 of them open" in text
    assert "the 3 most urgent of 12" in text
    rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in text.splitlines() if "fire_alarm" in row]
    assert [row[:5] for row in rows] == [
        [str(number), age, "fire_alarm", "里春村 兴源超市 T1 1-2-3", "open"]
        for number, age in ((1, "7 s"), (2, "5 min"), (3, "3 h"))
    ]
    ratios = {row.split("│")[1].strip(): row.split("│")[4].strip() for row in text.splitlines() if row.count("│") == 6}
    assert ratios == {"里春村": "62.5%", "下埭村": "–", "township": "62.5%"}


def test_the_line_says_what_is_not_confirmed_yet(tmp_path):
    data = BoardData(totals=TOTALS, alarms=[], villages={}, stored=0)
    with Ledger(tmp_path / "ledger.jsonl") as ledger:
        ledger.said("T1", Said(message_class=MessageClass.SIGNAL, boot=1, seq=1, body=b'{"boot": 1, "seq": 1}'), at=1.0)
        assert line(data, rate=0, ledger=ledger).endswith("ledger: 1 objects said, 1 unconfirmed")
