"""Connections: what is torn does not hold up what comes behind it for longer than it must, and none is kept for nothing."""

import asyncio
import socket

import pytest
from gb26875_world import WAIT_SECONDS, component, enrol_device, line, serving, upload

from ingest.gb26875.channels import PAUSE_SECONDS, TORN_SECONDS, TcpChannel
from signals.gb26875.tables import Command

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


async def test_a_new_connection_of_a_device_replaces_the_old_one(database):
    enrol_device(database)
    async with serving(database) as port, line(port) as first, line(port) as second:
        await first.ask(upload(component(0), serial=1))
        await second.ask(upload(component(0x0002), serial=2))
        assert await first.ended()


async def test_a_connection_that_is_silent_is_ended(database):
    async with serving(database, gb26875_idle_seconds=1) as port, line(port) as device:
        assert await device.ended()


async def test_a_device_that_does_not_take_what_it_is_sent_is_ended(database):
    enrol_device(database)
    loop, asked = asyncio.get_running_loop(), b"".join(upload(serial=serial).encode() for serial in range(1000))
    async with serving(database) as port:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            await loop.sock_connect(deaf, ("127.0.0.1", port))
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(loop.sock_sendall(deaf, asked * 1000), WAIT_SECONDS)


async def test_a_host_has_only_so_many_connections(database):
    async with serving(database, gb26875_host_connections_maximum=1) as port, line(port) as first:
        enrol_device(database)
        await first.ask(upload(component(0)))
        async with line(port) as second:
            assert await second.ended()
        assert (await first.ask(upload(component(0x0002), serial=1))).command == Command.CONFIRM
