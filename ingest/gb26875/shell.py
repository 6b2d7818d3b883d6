"""What `wanghuo gb26875 …` does. Memory is bounded on an endless input; a bad line never stops the good ones."""

import json
import re
import socket
import sys
import time
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from typing import Any, NamedTuple, cast

from runtime.errors import ConfigurationError, Unavailable
from signals.gb26875 import meaning
from signals.gb26875.frames import Frame, Receiver
from signals.gb26875.profiles import PROFILES, Profile
from signals.gb26875.tables import Command

LINE_BYTES_MAXIMUM = 1024 * 1024
CHUNK_BYTES = 64 * 1024
_SEPARATORS = re.compile(rb"0[xX]|\\x|[\s\x1a:,;\"'\[\]-]")
"""What people, programs and DOS (its end of a file) put between, before and behind hexadecimal digits."""
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x19\x1b-\x1f]")
_ANSWERED = frozenset({Command.CONTROL, Command.SEND_DATA, Command.REQUEST})


class NumberedLine(NamedTuple):
    """A line of the input; `problem` where it is none that can be read."""

    number: int
    text: bytes
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Where frames are sent to."""

    host: str
    port: int
    udp: bool

    @classmethod
    def read(cls, text: str, *, udp: bool) -> "Line":
        """Of `HOST:PORT`.

        Raises:
            ConfigurationError: not of that form.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise ConfigurationError(f"{text!r}: HOST:PORT is due, as in 127.0.0.1:26875")
        return cls(host=host.strip("[]"), port=int(port), udp=udp)

    def connect(self, *, timeout_seconds: float) -> socket.socket:
        """A connection, or a socket that sends there.

        Raises:
            Unavailable: nobody listens there, or the name is unknown.
        """
        kind = socket.SOCK_DGRAM if self.udp else socket.SOCK_STREAM
        failure = "the name has no address"
        try:
            found = socket.getaddrinfo(self.host, self.port, type=kind)
        except OSError as error:
            found, failure = [], str(error)
        for family, _, _, _, address in found:
            made = socket.socket(family, kind)
            made.settimeout(timeout_seconds)
            try:
                made.connect(address)
            except OSError as error:
                made.close()
                failure = str(error)
            else:
                return made
        raise Unavailable(f"{self.host}:{self.port} cannot be reached: {failure}")


def decode(*, profile: str | None, binary: bool) -> int:
    """Print what standard input holds; returns the exit status.

    Raises:
        ConfigurationError: no such profile.
    """
    if profile is not None and profile not in PROFILES:
        raise ConfigurationError(f"there is no profile {profile!r}: {', '.join(PROFILES)}")
    known = None if profile is None else PROFILES[profile]
    stream = _input()
    first = stream.peek(CHUNK_BYTES)
    found = _of_capture(stream, known) if binary or _BINARY.search(first) else _of_lines(stream, known)
    status = 0
    for members in found:
        status |= "error" in members or "refused" in members
        _print(members)
    return status


def encode() -> int:
    """Print standard input's frames in hexadecimal; returns the exit status."""
    status = 0
    for line in _lines(_input()):
        try:
            frame = _of_json(line)
        except ValueError as error:
            _complain(line, error)
            status = 1
        else:
            _write(frame.encode().hex())
    return status


def send(line: Line, *, timeout_seconds: float) -> int:
    """Send standard input's frames and print the replies; returns the exit status."""
    status = 0
    with line.connect(timeout_seconds=timeout_seconds) as connection:
        receiver = Receiver()
        for given in _lines(_input()):
            try:
                raw = _of_json(given).encode() if given.text.lstrip().startswith(b"{") else _of_hexadecimal(given)
                _exchange(connection, receiver, raw=raw, timeout_seconds=timeout_seconds)
            except (ValueError, OSError) as error:
                _complain(given, error)
                status = 1
    return status


def _exchange(connection: socket.socket, receiver: Receiver, *, raw: bytes, timeout_seconds: float) -> None:
    """Send, and print what comes until the answer; of several frames in one line, until the answer to the last.

    Raises:
        OSError: the connection ended, or no answer came in time.
    """
    frames = [part for part in Receiver().feed(raw) if isinstance(part, Frame)]
    owed = frames[-1].serial if frames and frames[-1].command in _ANSWERED else None
    began = time.monotonic()
    connection.sendall(raw)
    while owed is not None or not frames:
        left = began + timeout_seconds - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"no answer within {timeout_seconds:g} s")
        connection.settimeout(left)
        try:
            heard = connection.recv(CHUNK_BYTES)
        except TimeoutError:
            raise TimeoutError(f"no answer within {timeout_seconds:g} s") from None
        if not heard:
            raise ConnectionError("the server ended the connection")
        for part in receiver.feed(heard):
            if isinstance(part, Frame):
                answers = part.command not in _ANSWERED and part.serial == owed
                latency = {"latency_seconds": round(time.monotonic() - began, 6)} if answers else {}
                _print({**meaning.of(part), **latency})
                owed = None if answers else owed


def _of_lines(stream: BufferedReader, profile: Profile | None) -> Iterator[Mapping[str, Any]]:
    for line in _lines(stream):
        try:
            raw = _of_hexadecimal(line)
        except ValueError as error:
            yield {"error": "line", "detail": str(error), "line": line.number}
            continue
        for part in meaning.parts(raw):
            place = {} if part.frame is not None else {"line": line.number, "offset": part.offset}
            yield {**part.members, **place, **_judged(part.frame, profile)}


def _of_capture(stream: BufferedReader, profile: Profile | None) -> Iterator[Mapping[str, Any]]:
    receiver, offset = Receiver(), 0
    while data := stream.read1(CHUNK_BYTES):
        for part in meaning.told(receiver.feed(data), offset=offset):
            offset = part.end
            yield {**part.members, **({} if part.frame else {"offset": part.offset}), **_judged(part.frame, profile)}
    for part in meaning.told(receiver.tear(), offset=offset):
        yield {**part.members, **({} if part.frame else {"offset": part.offset}), **_judged(part.frame, profile)}


def _judged(frame: Frame | None, profile: Profile | None) -> Mapping[str, Any]:
    if frame is None or profile is None:
        return {}
    departures = profile.departures(frame)
    refused = [departure for departure in departures if departure not in profile.accepts]
    return {**({"departures": departures} if departures else {}), **({"refused": refused} if refused else {})}


def _lines(stream: BufferedReader) -> Iterator[NumberedLine]:
    """Lines that are not empty, without their comments (from `#` on)."""
    number = 0
    while line := stream.readline(LINE_BYTES_MAXIMUM):
        number += 1
        problem, line = None, line.removeprefix(BOM_UTF8) if number == 1 else line
        if len(line) == LINE_BYTES_MAXIMUM and not line.endswith(b"\n"):
            problem = f"longer than the limit of {LINE_BYTES_MAXIMUM} bytes"
            while (rest := stream.readline(LINE_BYTES_MAXIMUM)) and not rest.endswith(b"\n"):
                pass
        text = line if line.lstrip().startswith(b"{") else line.partition(b"#")[0]
        if text.strip():
            yield NumberedLine(number, text, problem)


def _of_hexadecimal(line: NumberedLine) -> bytes:
    if line.problem:
        raise ValueError(line.problem)
    digits = _SEPARATORS.sub(b"", line.text)
    try:
        return bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        odd = " (an odd number of digits)" if len(digits) % 2 else ""
        raise ValueError(f"not hexadecimal{odd}: {line.text.strip()[:40]!r}") from None


def _of_json(line: NumberedLine) -> Frame:
    if line.problem:
        raise ValueError(line.problem)
    try:
        members = json.loads(line.text)
        if not isinstance(members, dict):
            raise ValueError("a JSON object with a frame's members is due")  # noqa: TRY004
        if "error" in members:
            raise ValueError("this line tells of bytes that are no frame")
        return meaning.frame(members)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _print(members: Mapping[str, Any]) -> None:
    _write(json.dumps(members, ensure_ascii=False))


def _write(text: str) -> None:
    sys.stdout.buffer.write(text.encode() + b"\n")  # UTF-8 whatever the locale says
    sys.stdout.flush()


def _complain(line: NumberedLine, error: Exception) -> None:
    sys.stderr.write(f"line {line.number}: {error}\n")


def _input() -> BufferedReader:
    if sys.stdin is None:
        raise ConfigurationError("standard input is closed: frames are due there")
    return cast("BufferedReader", sys.stdin.buffer)
