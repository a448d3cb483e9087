"""Addresses on two kinds of chain, read with their checksums. Inside they are 20 bytes; only people
see text.

A mistyped address is somebody else's or nobody's, and what is sent there is gone: so a form alone
is not enough. Source: EIP-55; TRON's base58check with the prefix 0x41.
"""

import re
from typing import Final, Literal, NoReturn

from base58 import b58decode_check, b58encode_check

from recoup.kernel.cached import cached
from recoup.kernel.problem import invalid

ADDRESS: Final = 20
Kind = Literal["evm", "tron"]
KINDS: Final[tuple[Kind, ...]] = ("evm", "tron")
KEPT: Final = 4_096  # wallets and tokens come again and again
TRON_PREFIX: Final = b"\x41"
_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_HEX: Final = re.compile(r"(?:0[xX])?(?:41)?[0-9a-fA-F]{40}")
_TRON: Final = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}")
_BLANK: Final = re.compile(r"\s|[\u200b-\u200f\u2060\ufeff]")  # and what cannot be seen at all
CURES: Final[dict[Kind, str]] = {
    "evm": "Give an address of 0x and 40 hexadecimal digits, copied with its capitals.",
    "tron": "Give an address of 34 characters that begins with T.",
}
AGAIN: Final = "Copy it again from your wallet."


def keccak256(data: bytes) -> bytes:
    from Crypto.Hash import keccak  # brings a parser of C

    return keccak.new(digest_bits=256, data=data).digest()


@cached(KEPT)
def read_address(text: str, kind: Kind, field: str, *, one_case: bool = False) -> bytes:
    """The 20 bytes of an address whose checksum is right. `one_case`: also of an EVM address
    without one, in letters of one case. Raises: Problem(invalid)."""
    if not text:
        raise invalid("The address is empty.", field, CURES[kind])
    if _BLANK.search(text):
        raise invalid("The address contains blanks.", field, "Remove them.")
    raw = _read_evm(text, field, one_case) if kind == "evm" else _read_tron(text, field)
    if not any(raw):
        raise invalid(
            "This is the zero address, which belongs to no one: what is sent there is lost.",
            field,
            CURES[kind],
        )
    return raw


@cached(KEPT)
def shown(raw: bytes, kind: Kind) -> str:
    """The address with its checksum, as wallets show it. Raises: ValueError for anything but 20
    bytes."""
    if len(raw) != ADDRESS:
        raise ValueError(f"an address has {ADDRESS} bytes, not {len(raw)}")
    if kind == "tron":
        return b58encode_check(TRON_PREFIX + raw).decode()
    digits = raw.hex()
    marks = keccak256(digits.encode()).hex()
    capitals = digits.upper()
    return "0x" + "".join(
        [capitals[at] if marks[at] > "7" else digits[at] for at in range(2 * ADDRESS)]
    )


def _read_evm(text: str, field: str, one_case: bool) -> bytes:
    if not _EVM.fullmatch(text):
        _refuse_evm(text, field)
    raw = bytes.fromhex(text[2:])
    if text == shown(raw, "evm"):
        return raw
    if text[2:] in (text[2:].lower(), text[2:].upper()):
        if one_case:
            return raw
        raise invalid(
            "The address is in letters of one case, which hides a mistyped digit.",
            field,
            "Copy it with its capitals, as your wallet shows it.",
        )
    raise invalid("The address is mistyped: its capitals do not fit its digits.", field, AGAIN)


def _refuse_evm(text: str, field: str) -> NoReturn:
    if _TRON.fullmatch(text):
        raise invalid("This is an address on TRON, not on an EVM network.", field, CURES["evm"])
    if re.fullmatch(r"0x[0-9a-fA-F]*", text):
        raise invalid("The address is of the wrong length.", field, CURES["evm"])
    raise invalid("This is no address on an EVM network.", field, CURES["evm"])


def _read_tron(text: str, field: str) -> bytes:
    if not _TRON.fullmatch(text):
        _refuse_tron(text, field)
    try:
        payload = b58decode_check(text)
    except ValueError:
        raise invalid("The address is mistyped: its checksum does not fit.", field, AGAIN) from None
    if len(payload) != 1 + ADDRESS or payload[:1] != TRON_PREFIX:
        raise invalid("This is no address on TRON.", field, CURES["tron"])
    return payload[1:]


def _refuse_tron(text: str, field: str) -> NoReturn:
    if _EVM.fullmatch(text):
        raise invalid("This is an address on an EVM network, not on TRON.", field, CURES["tron"])
    if _HEX.fullmatch(text):
        raise invalid(
            "This is a TRON address in hexadecimal digits, which have no checksum.",
            field,
            CURES["tron"],
        )
    if re.fullmatch(r"T[1-9A-HJ-NP-Za-km-z]*", text):
        raise invalid("The address is of the wrong length.", field, CURES["tron"])
    raise invalid("This is no address on TRON.", field, CURES["tron"])
