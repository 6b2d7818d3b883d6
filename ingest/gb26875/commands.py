"""`wanghuo gb26875 decode`, `encode` and `send`: frames for people and programs."""

import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(no_args_is_help=True, help="Frames of GB/T 26875.3: read, written, sent.")
    for command in (decode, encode, send):
        group.command()(command)
    app.add_typer(group, name="gb26875")


def decode(
    *,
    profile: Annotated[str | None, typer.Option("--profile", metavar="NAME", help="Tell departures by this profile.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="The same as --profile strict: nothing is forgiven.")] = False,
    binary: Annotated[bool, typer.Option("--binary", help="Standard input is bytes, whatever it looks like.")] = False,
) -> None:
    """Read hexadecimal lines or a binary capture on standard input; write one JSON a line for every frame.

    What is no frame is a line too: `error`, `detail`, where it is, how many bytes. Exit status 1 when there was any, or when a
    frame departs from the profile in what it does not forgive.
    """
    from ingest.gb26875 import shell

    sys.exit(shell.decode(profile="strict" if strict else profile, binary=binary))


def encode() -> None:
    """Read JSON lines as `decode` writes them on standard input; write hexadecimal lines.

    A line that cannot be a frame is named on standard error; the others are written all the same. Exit status 1 when there was any.
    """
    from ingest.gb26875 import shell

    sys.exit(shell.encode())


def send(
    server: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where to.")],
    *,
    udp: Annotated[bool, typer.Option("--udp", help="As datagrams instead of one TCP connection.")] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0.1, metavar="SECONDS", help="How long each reply is waited for.")
    ] = 10.0,
) -> None:
    """Send the frames on standard input, hexadecimal or JSON lines, one after another; write every reply as a JSON line.

    Each frame is sent when the one before was answered; `latency_seconds` says after how long. Exit status 1 when one was not.
    """
    from ingest.gb26875 import shell

    sys.exit(shell.send(shell.Line.read(server, udp=udp), timeout_seconds=timeout))
