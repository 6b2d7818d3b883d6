"""A connection's bytes: what is torn does not hold up what comes behind it for longer than it must."""

import pytest
from gb26875_world import component, upload

from ingest.gb26875.channels import PAUSE_SECONDS, TORN_SECONDS, TcpChannel

FIRE = upload(component(0x0002), serial=2)
LONG = upload(*(component(0, point=(1, number)) for number in range(22)), serial=1).encode()


@pytest.mark.parametrize(
    ("stream", "silent", "serials"),
    [
        (LONG[:500] + FIRE.encode(), PAUSE_SECONDS / 2, []),
        (LONG[:500] + FIRE.encode(), PAUSE_SECONDS * 2, [2]),
        (LONG[:500], PAUSE_SECONDS * 2, []),
        (LONG[:500] + FIRE.encode()[:-1], TORN_SECONDS / 2, []),
        (LONG + FIRE.encode(), 0.0, [1, 2]),
    ],
)
def test_a_whole_frame_behind_a_torn_one_waits_for_a_pause_only(stream, silent, serials):
    taken = []
    channel = TcpChannel(lambda frame, _: taken.append(frame.serial), opened=lambda _: True, ended=lambda _: None)
    channel.data_received(stream)
    channel.tear(at=channel.last_heard + silent)
    assert taken == serials


def test_what_is_slow_is_not_torn():
    taken = []
    channel = TcpChannel(lambda frame, _: taken.append(frame.serial), opened=lambda _: True, ended=lambda _: None)
    for place in range(0, len(LONG), 100):
        channel.data_received(LONG[place : place + 100])
        channel.tear(at=channel.last_heard + TORN_SECONDS / 2)
    assert taken == [1]
