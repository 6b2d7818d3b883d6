"""Addresses of GB/T 26875.3: six bytes, low byte first, as people write them."""

import re

BYTES = 6
DIGITS = 2 * BYTES
NUMBERS = 1 << 8 * BYTES

_BYTEWISE = re.compile(rf"[0-9a-f]{{2}}(?:([:\- ])[0-9a-f]{{2}})(?:\1[0-9a-f]{{2}}){{{BYTES - 2}}}")


def read_address(text: str) -> str:
    """The bytes as on the wire, hexadecimal: of 12 hexadecimal digits, six pairs with `:`, `-` or spaces between, or a number.

    Raises:
        ValueError: none of these. 12 digits are always bytes.
    """
    word = text.strip().lower()
    if _BYTEWISE.fullmatch(word):
        return re.sub(r"[:\- ]", "", word)
    if re.fullmatch(rf"[0-9a-f]{{{DIGITS}}}", word):
        return word
    if re.fullmatch(r"[0-9]{1,15}", word) and int(word) < NUMBERS:
        return int(word).to_bytes(BYTES, "little").hex()
    raise ValueError(
        f"{text!r} is no address of GB/T 26875.3: write its six bytes as on the wire, 385b01000000, or the number that they are,"
        f" 88888 (below {NUMBERS})"
    )


def number_of(address: str) -> int:
    """The number that the bytes are."""
    return int.from_bytes(bytes.fromhex(address), "little")
