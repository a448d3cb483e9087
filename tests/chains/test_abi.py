"""Calls and answers as bytes: published selectors and topics, examples of the specification, and
answers that lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains import abi
from recoup.chains.abi import (
    WORD,
    Failed,
    Paid,
    Swept,
    Transfer,
    UnreadableError,
    address_word,
    uint_word,
)
from recoup.stablecoin.rules.addresses import keccak256

A, B, C = b"\xaa" * 20, b"\xbb" * 20, b"\xcc" * 20
TERMS = bytes(range(160))
words = st.integers(0, 2**256 - 1)
raws = st.binary(min_size=20, max_size=20)


def test_published_digests() -> None:
    """The empty text's digest, ERC-20's selectors and its event's topic are as every explorer shows
    them."""
    assert (
        keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    )
    assert keccak256(b"Transfer(address,address,uint256)") == abi.TRANSFER
    assert keccak256(b"Swept(bytes32,address,address,uint256,uint256)") == abi.SWEPT
    assert keccak256(b"Failed(bytes32,address,address)") == abi.FAILED
    assert abi.decimals().hex() == "313ce567"
    assert abi.balance_of(A).hex() == "70a08231" + "00" * 12 + "aa" * 20
    assert (
        abi.transfer(B, 49_900_000).hex()
        == "a9059cbb" + "00" * 12 + "bb" * 20 + f"{49_900_000:064x}"
    )
    # The ABI specification's own example of static values.
    assert (abi.selector("baz(uint32,bool)") + uint_word(69) + uint_word(1)).hex() == (
        "cdcd77c0" + "45".rjust(64, "0") + "1".rjust(64, "0")
    )


def test_calls_with_arrays_point_behind_their_head() -> None:
    call = abi.balances(A, [B, C])
    assert call[4:] == address_word(A) + uint_word(64) + uint_word(2) + address_word(
        B
    ) + address_word(C)
    call = abi.sweep_many([TERMS, TERMS], A)
    assert call[4:] == uint_word(64) + address_word(A) + uint_word(2) + TERMS + TERMS
    assert abi.sweep_many([], A)[4:] == uint_word(64) + address_word(A) + uint_word(0)
    assert abi.sweep(TERMS, A)[4:] == TERMS + address_word(A)
    assert abi.deploy(TERMS)[4:] == abi.address_of(TERMS)[4:] == TERMS
    assert len({abi.deploy(TERMS)[:4], abi.address_of(TERMS)[:4], abi.paid(A, B)[:4]}) == 3


def test_what_cannot_be_encoded() -> None:
    for wrong in (
        lambda: uint_word(-1),
        lambda: uint_word(1 << 256),
        lambda: address_word(b"\x41" + A),
    ):
        with pytest.raises(ValueError, match=r"uint256|address"):
            wrong()
    with pytest.raises(ValueError, match="160 bytes"):
        abi.sweep(TERMS[:-1], A)


@given(words, raws)
def test_words_are_read_back(value: int, raw: bytes) -> None:
    assert abi.read_uint(uint_word(value)) == value
    assert abi.read_address(address_word(raw)) == raw


@given(st.lists(words, max_size=8))
def test_arrays_are_read_back(values: list[int]) -> None:
    data = uint_word(WORD) + uint_word(len(values)) + b"".join(map(uint_word, values))
    assert abi.read_uints(data, len(values)) == tuple(values)
    with pytest.raises(UnreadableError):
        abi.read_uints(data, len(values) + 1)


@given(raws, raws, words)
def test_transfers_are_read(sender: bytes, to: bytes, value: int) -> None:
    topics = [abi.TRANSFER, address_word(sender), address_word(to)]
    assert abi.read_transfer(topics, uint_word(value)) == Transfer(sender, to, value)


def test_events_of_the_factory_are_read() -> None:
    order, both = bytes(16) + b"o" * 16, uint_word(49_650_000) + uint_word(250_000)
    topics = [abi.SWEPT, order, address_word(A), address_word(B)]
    assert abi.read_swept(topics, both) == Swept(order, A, B, 49_650_000, 250_000)
    assert abi.read_failed([abi.FAILED, *topics[1:]], b"") == Failed(order, A, B)
    assert abi.read_paid(both) == Paid(49_650_000, 250_000)


@given(
    st.binary(max_size=5 * WORD),
    st.lists(st.binary(min_size=30, max_size=33) | st.just(abi.TRANSFER), max_size=5),
)
def test_garbage_is_read_as_what_it_says_or_refused_by_name(
    data: bytes, topics: list[bytes]
) -> None:
    """Nothing else is ever raised, whatever a node answers."""
    for read in (
        lambda: abi.read_uint(data),
        lambda: abi.read_address(data),
        lambda: abi.read_decimals(data),
        lambda: abi.read_uints(data, 2),
        lambda: abi.read_paid(data),
        lambda: abi.read_transfer(topics, data),
        lambda: abi.read_swept([abi.SWEPT, *topics], data),
        lambda: abi.read_failed([abi.FAILED, *topics], data),
    ):
        try:
            read()
        except UnreadableError:
            pass


def test_answers_that_are_none() -> None:
    transfer = [abi.TRANSFER, address_word(A), address_word(B)]
    order, asset = bytes(WORD), address_word(A)
    dirty = b"\x01" + address_word(A)[1:]
    refused = {
        "nothing": lambda: abi.read_uint(b""),
        "two words": lambda: abi.read_uint(bytes(64)),
        "an address in a dirty word": lambda: abi.read_address(dirty),
        "decimals beyond a byte": lambda: abi.read_decimals(uint_word(256)),
        "decimals beyond sense": lambda: abi.read_decimals(uint_word(77)),
        "an array that points elsewhere": lambda: abi.read_uints(
            uint_word(64) + uint_word(1) + uint_word(7), 1
        ),
        "an array of another length": lambda: abi.read_uints(
            uint_word(32) + uint_word(2) + uint_word(7), 1
        ),
        "an array with a tail": lambda: abi.read_uints(uint_word(32) + uint_word(1) + bytes(64), 1),
        "more than 128 bits": lambda: abi.read_paid(uint_word(1 << 128) + uint_word(0)),
        "another event": lambda: abi.read_transfer([abi.SWEPT, *transfer[1:]], uint_word(1)),
        "a collectible": lambda: abi.read_transfer([*transfer, uint_word(1)], b""),
        "indexed nothing": lambda: abi.read_transfer(
            transfer[:1], transfer[1] + transfer[2] + uint_word(1)
        ),
        "a dirty recipient": lambda: abi.read_transfer([*transfer[:2], dirty], uint_word(1)),
        "a transfer with a tail": lambda: abi.read_transfer(transfer, bytes(33)),
        "no topics": lambda: abi.read_transfer([], uint_word(1)),
        "a sweep of one sum": lambda: abi.read_swept(
            [abi.SWEPT, order, asset, asset], uint_word(1)
        ),
        "a sweep without its deposit": lambda: abi.read_swept([abi.SWEPT, order, asset], bytes(64)),
        "a failure with data": lambda: abi.read_failed(
            [abi.FAILED, order, asset, asset], bytes(32)
        ),
    }
    believed = []
    for name, read in refused.items():
        try:
            read()
            believed.append(name)
        except UnreadableError:
            pass
    assert not believed
