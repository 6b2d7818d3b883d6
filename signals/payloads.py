"""A payload taken apart into JSON objects, or a `Rejected` where one is due: before anything is known of their members."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from signals.messages import INTEGER_MAXIMUM, OBJECTS_MAXIMUM, PAYLOAD_BYTES_MAXIMUM, Reason, Rejected


def canonical(value: object) -> bytes:
    """JSON with sorted members and no spaces: equal for member-identical objects, however they were written.

    Raises:
        RecursionError: nested deeper than the interpreter's limit.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def objects(payload: bytes) -> Iterator[tuple[int, dict[str, Any] | Rejected]]:
    """The payload's objects with their index; a payload without any yields one `Rejected`."""
    if len(payload) > PAYLOAD_BYTES_MAXIMUM:
        detail = f"payload of {len(payload)} bytes is above the limit of {PAYLOAD_BYTES_MAXIMUM}"
        yield 0, Rejected(reason=Reason.TOO_LARGE, detail=detail, raw=payload)
        return
    try:
        document = json.loads(payload.decode())
        canonical(document)
    except UnicodeDecodeError as error:
        yield 0, Rejected(reason=Reason.ENCODING, detail=f"not UTF-8 at byte {error.start}", raw=payload)
        return
    except (ValueError, RecursionError) as error:
        detail = "nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        yield 0, Rejected(reason=Reason.JSON, detail=f"not JSON: {detail}", raw=payload)
        return
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
