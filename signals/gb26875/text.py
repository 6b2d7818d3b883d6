"""Text of a frame: GB 18030 (6.6), fixed at 31 bytes in descriptions, padded with NUL, spaces or 0xA0 as vendors please."""

from codecs import getincrementaldecoder

DESCRIPTION_BYTES = 31
UNDECODABLE = "undecodable:"
_DECODER = getincrementaldecoder("gb18030")


def read(raw: bytes) -> str:
    """The text up to its first NUL, without padding.

    A character that the end of a full field cuts in two is left out. Bytes that are no GB 18030, or that say so of themselves, come
    back as `undecodable:` and the whole field in hexadecimal.
    """
    part, nul, _ = raw.partition(b"\x00")
    try:
        text = _DECODER("strict").decode(part, final=bool(nul)).strip(" \u00a0\u3000")
    except UnicodeDecodeError:
        text = UNDECODABLE
    return UNDECODABLE + raw.hex() if text.startswith(UNDECODABLE) else text


def encode(text: str) -> bytes:
    """The text's bytes, without padding.

    Raises:
        ValueError: no hexadecimal digits after `undecodable:`.
    """
    if text.startswith(UNDECODABLE):
        return bytes.fromhex(text.removeprefix(UNDECODABLE))
    return text.encode("gb18030", "replace")


def write(text: str) -> bytes:
    """The text as a description, cut between characters, padded with NUL.

    Raises:
        ValueError: as `encode`.
    """
    encoded = encode(text)
    if text.startswith(UNDECODABLE):
        encoded = encoded[:DESCRIPTION_BYTES]
    while len(encoded) > DESCRIPTION_BYTES:
        text = text[:-1]
        encoded = encode(text)
    return encoded.ljust(DESCRIPTION_BYTES, b"\x00")
