"""Calls of a contract and its answers, as bytes. An answer is never trusted: length, padding and
range are checked before it is believed.

Source: Solidity's contract ABI specification; ERC-20; `Deposits.sol`.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

from recoup.stablecoin.rules.addresses import ADDRESS, keccak256

WORD: Final = 32
DECIMALS_MAX: Final = 36  # of a token: more than any real one has
_TERMS: Final = "(bytes32,address,address,uint256,uint256)"  # order, merchant, treasury, net, fee
TERMS_BYTES: Final = 5 * WORD


class UnreadableError(Exception):
    """Bytes that are no answer to this call, or no event of this kind."""


def to_hex(raw: bytes) -> str:
    """Bytes as JSON-RPC and explorers write them."""
    return "0x" + raw.hex()


def from_hex(text: str) -> bytes:
    """Raises: ValueError."""
    return bytes.fromhex(text.removeprefix("0x"))


@cache
def selector(signature: str) -> bytes:
    """The first four bytes of a call."""
    return keccak256(signature.encode())[:4]


TRANSFER: Final = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
SWEPT: Final = bytes.fromhex("4485f26d702eb51fa1e6b0b4c3a0dfd1ade3ef40b7432748d078162be70090b5")
FAILED: Final = bytes.fromhex("4d40ae435ccd0bdc34a76edb3a1389e2dea6240f66a64d831474d1b10ee824ad")


def uint_word(value: int) -> bytes:
    """Raises: ValueError for less than zero or more than 256 bits."""
    if not 0 <= value < 1 << 256:
        raise ValueError(f"no uint256: {value}")
    return value.to_bytes(WORD, "big")


def address_word(raw: bytes) -> bytes:
    """Raises: ValueError for anything but 20 bytes."""
    if len(raw) != ADDRESS:
        raise ValueError(f"an address has {ADDRESS} bytes, not {len(raw)}")
    return raw.rjust(WORD, b"\0")


def sweep(terms: bytes, asset: bytes) -> bytes:
    """`terms`: as `Terms.encoded` writes them, here and below."""
    return selector(f"sweep({_TERMS},address)") + _checked(terms) + address_word(asset)


def sweep_many(terms: Sequence[bytes], asset: bytes) -> bytes:
    words = uint_word(2 * WORD) + address_word(asset) + _array([_checked(term) for term in terms])
    return selector(f"sweepMany({_TERMS}[],address)") + words


def deploy(terms: bytes) -> bytes:
    return selector(f"deploy({_TERMS})") + _checked(terms)


def address_of(terms: bytes) -> bytes:
    return selector(f"addressOf({_TERMS})") + _checked(terms)


def balances(asset: bytes, at: Sequence[bytes]) -> bytes:
    words = [address_word(owner) for owner in at]
    return (
        selector("balances(address,address[])")
        + address_word(asset)
        + uint_word(2 * WORD)
        + _array(words)
    )


def paid(deposit: bytes, asset: bytes) -> bytes:
    return selector("paid(address,address)") + address_word(deposit) + address_word(asset)


def balance_of(owner: bytes) -> bytes:
    return selector("balanceOf(address)") + address_word(owner)


def decimals() -> bytes:
    return selector("decimals()")


def transfer(to: bytes, value: int) -> bytes:
    return selector("transfer(address,uint256)") + address_word(to) + uint_word(value)


def _checked(terms: bytes) -> bytes:
    if len(terms) != TERMS_BYTES:
        raise ValueError(f"terms have {TERMS_BYTES} bytes, not {len(terms)}")
    return terms


def _array(items: Sequence[bytes]) -> bytes:
    """An array of items that contain no arrays."""
    return uint_word(len(items)) + b"".join(items)


def read_uint(data: bytes, bits: int = 256) -> int:
    """Raises: UnreadableError, as everything that reads does."""
    if len(data) != WORD:
        raise UnreadableError(f"{len(data)} bytes where one word is due")
    value = int.from_bytes(data, "big")
    if value >> bits:
        raise UnreadableError(f"more than {bits} bits")
    return value


def read_address(data: bytes) -> bytes:
    if len(data) != WORD or any(data[: WORD - ADDRESS]):
        raise UnreadableError("no address, which is 20 bytes behind 12 of zero")
    return data[WORD - ADDRESS :]


def read_decimals(data: bytes) -> int:
    value = read_uint(data, bits=8)
    if value > DECIMALS_MAX:
        raise UnreadableError(f"{value} decimals")
    return value


def read_uints(data: bytes, count: int) -> tuple[int, ...]:
    """An array of exactly so many numbers: the answer to `balances`."""
    if len(data) != (2 + count) * WORD:
        raise UnreadableError(f"{len(data)} bytes where {count} numbers are due")
    offset, length, *values = _words(data)
    if (read_uint(offset), read_uint(length)) != (WORD, count):
        raise UnreadableError(f"not an array of {count} numbers")
    return tuple(map(read_uint, values))


class Paid(NamedTuple):
    """Payment out of one deposit address by the factory, in a token's base units."""

    merchant: int
    treasury: int


def read_paid(data: bytes) -> Paid:
    return Paid(*_two(data, bits=128))


class Transfer(NamedTuple):
    sender: bytes
    to: bytes
    value: int


class Swept(NamedTuple):
    """Sweep of a deposit address by the factory. Only `deposit` says whose it was: a caller chooses
    the terms, and with them the 32 bytes of `order`."""

    order: bytes
    asset: bytes
    deposit: bytes
    to_merchant: int
    to_treasury: int


class Failed(NamedTuple):
    """A sweep of a batch that did not go."""

    order: bytes
    asset: bytes
    deposit: bytes


def read_transfer(topics: Sequence[bytes], data: bytes) -> Transfer:
    """A token's own: that of a collectible (a fourth topic, no data) is none."""
    sender, to = _indexed(topics, TRANSFER, 2)
    return Transfer(read_address(sender), read_address(to), read_uint(data))


def read_swept(topics: Sequence[bytes], data: bytes) -> Swept:
    order, asset, deposit = _indexed(topics, SWEPT, 3)
    return Swept(order, read_address(asset), read_address(deposit), *_two(data))


def read_failed(topics: Sequence[bytes], data: bytes) -> Failed:
    order, asset, deposit = _indexed(topics, FAILED, 3)
    if data:
        raise UnreadableError(f"{len(data)} bytes where none are due")
    return Failed(order, read_address(asset), read_address(deposit))


def _indexed(topics: Sequence[bytes], first: bytes, count: int) -> Sequence[bytes]:
    """The topics behind the first."""
    if (
        len(topics) != 1 + count
        or topics[0] != first
        or any(len(topic) != WORD for topic in topics)
    ):
        raise UnreadableError("another event")
    return topics[1:]


def _two(data: bytes, bits: int = 256) -> tuple[int, int]:
    if len(data) != 2 * WORD:
        raise UnreadableError(f"{len(data)} bytes where two numbers are due")
    first, second = _words(data)
    return read_uint(first, bits), read_uint(second, bits)


def _words(data: bytes) -> list[bytes]:
    return [data[at : at + WORD] for at in range(0, len(data), WORD)]
