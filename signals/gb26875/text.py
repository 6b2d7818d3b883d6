"""Text of a frame: GB 18030 (6.6), fixed at 31 bytes in descriptions, padded with NUL, spaces or 0xA0 as vendors please."""

from codecs import getincrementaldecoder

DESCRIPTION_BYTES = 31
UNDECODABLE = "undecodable:"
_DECODER = getincrementaldecoder("gb18030")


def read(raw: bytes) -> str:
    """The text up to its first NUL, without padding.

    A character that the end of a full field cuts in two is left out. Bytes that are no GB 18030 come back as `undecodable:` and
    the whole field in hexadecimal.
    """
    part, nul, _ = raw.partition(b"\x00")
    try:
        return _DECODER("strict").decode(part, final=bool(nul)).strip(" \u00a0\u3000")
    except UnicodeDecodeError:
        return UNDECODABLE + raw.hex()


def write(text: str, *, length: int = DESCRIPTION_BYTES) -> bytes:
    """The text in `length` bytes at most, cut between characters, padded with NUL."""
    if text.startswith(UNDECODABLE):
        return bytes.fromhex(text.removeprefix(UNDECODABLE))[:length].ljust(length, b"\x00")
    encoded = text.encode("gb18030", "replace")
    while len(encoded) > length:
        text = text[:-1]
        encoded = text.encode("gb18030", "replace")
    return encoded.ljust(length, b"\x00")
