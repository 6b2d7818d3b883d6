"""A payload taken apart into JSON objects, or a `Rejected` where one is due: before anything is known of their members.

Whatever comes out of here can be written, printed and read again without care: it is at most `LEVELS_MAXIMUM` deep.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from signals.messages import INTEGER_MAXIMUM, OBJECTS_MAXIMUM, PAYLOAD_BYTES_MAXIMUM, Reason, Rejected

LEVELS_MAXIMUM = 64
"""Levels of nesting that are kept; null stands for what lies deeper. The profile needs 4."""


def canonical(value: object) -> bytes:
    """JSON with sorted members and no spaces: equal for member-identical objects, however they were written."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def objects(payload: bytes) -> Iterator[tuple[int, dict[str, Any] | Rejected]]:
    """The payload's objects with their index; a payload without any yields one `Rejected`."""
    if len(payload) > PAYLOAD_BYTES_MAXIMUM:
        detail = f"payload of {len(payload)} bytes is above the limit of {PAYLOAD_BYTES_MAXIMUM}"
        yield 0, Rejected(reason=Reason.TOO_LARGE, detail=detail, raw=payload)
        return
    try:
        document = _DECODER.decode(payload.decode())
    except UnicodeDecodeError as error:
        yield 0, Rejected(reason=Reason.ENCODING, detail=f"not UTF-8 at byte {error.start}", raw=payload)
        return
    except (ValueError, RecursionError) as error:
        detail = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        yield 0, Rejected(reason=Reason.JSON, detail=f"not JSON: {detail}", raw=payload)
        return
    if payload.count(b"[") + payload.count(b"{") > LEVELS_MAXIMUM:
        document = _shallow(document, LEVELS_MAXIMUM)
    members = document if isinstance(document, list) else [document]
    if not 1 <= len(members) <= OBJECTS_MAXIMUM:
        detail = f"array of {len(members)} objects, allowed are 1…{OBJECTS_MAXIMUM}"
        yield 0, Rejected(reason=Reason.SHAPE, detail=detail, raw=payload)
        return
    for item, member in enumerate(members):
        if isinstance(member, dict):
            yield item, member
        else:
            detail = f"a {type(member).__name__} stands where an object is due"
            yield item, Rejected(reason=Reason.SHAPE, detail=detail, raw=canonical(member), item=item)


def _integer(text: str) -> int | str:
    """An integer; its digits, where they are more than the interpreter converts (4,300): no other member is lost to them."""
    try:
        return int(text)
    except ValueError:
        return text


_DECODER = json.JSONDecoder(parse_int=_integer)


def _shallow(value: object, levels: int) -> object:
    """The value without what lies deeper than `levels`: an object can be read without it, and everything after copes."""
    if isinstance(value, dict):
        return {name: _shallow(member, levels - 1) for name, member in value.items()} if levels else None
    if isinstance(value, list):
        return [_shallow(member, levels - 1) for member in value] if levels else None
    return value


def counter(found: Mapping[str, Any], name: str) -> int | None:
    value = found.get(name)
    return value if type(value) is int and 0 <= value <= INTEGER_MAXIMUM else None


def refuse(found: Mapping[str, Any], item: int, *, reason: Reason = Reason.MEMBER, detail: str) -> Rejected:
    return Rejected(
        reason=reason,
        detail=detail[:500],
        raw=canonical(found),
        item=item,
        boot=counter(found, "boot"),
        seq=counter(found, "seq"),
    )


def plain(text: str) -> str:
    """Text that every UTF-8 store takes, cut to 200 characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()[:200]
