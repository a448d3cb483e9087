"""Addresses are read with their checksums, and each mistake of a payer or merchant gets its own
sentence."""

import pytest
from base58 import b58encode_check
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.stablecoin.rules.addresses import KINDS, Kind, read_address, shown

# EIP-55's own examples; the first two are all capitals, the next two all small letters, and right
# so.
EIP_55 = (
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
)
# TRON's USDT; the hexadecimal form is the one that TRON's own pages give.
USDT, USDT_HEX = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "a614f803b6fd780986a42c78ec9c7f77e6ded13c"
EVM = EIP_55[4]
raws = st.binary(min_size=20, max_size=20).filter(any)


def test_published_addresses() -> None:
    for text in EIP_55:
        assert shown(read_address(text, "evm", "to"), "evm") == text
    assert read_address(USDT, "tron", "to").hex() == USDT_HEX
    assert shown(bytes.fromhex(USDT_HEX), "tron") == USDT


@given(raws, st.sampled_from(KINDS))
def test_what_is_shown_is_read_again(raw: bytes, kind: Kind) -> None:
    assert read_address(shown(raw, kind), kind, "to") == raw


@given(raws, st.integers(0, 33), st.characters(codec="ascii", categories=["Lu", "Ll", "Nd"]))
def test_a_mistyped_character_is_refused_on_tron(raw: bytes, at: int, other: str) -> None:
    text = shown(raw, "tron")
    typed = text[:at] + other + text[at + 1 :]
    if typed != text:
        with pytest.raises(Problem):
            read_address(typed, "tron", "to")


@given(raws, st.sampled_from(KINDS))
def test_no_address_is_of_both_kinds(raw: bytes, kind: Kind) -> None:
    other: Kind = "tron" if kind == "evm" else "evm"
    with pytest.raises(Problem) as refused:
        read_address(shown(raw, kind), other, "to")
    assert "not on" in refused.value.message


@each(
    ("kind", "text", "words"),
    [
        ("evm", "", "empty"),
        ("evm", f" {EVM}", "blanks"),
        ("evm", f"{EVM}\n", "blanks"),
        ("evm", EVM[:20] + "\u200b" + EVM[20:], "blanks"),
        ("evm", EVM.lower(), "one case"),
        ("evm", "0x" + EVM[2:].upper(), "one case"),
        ("evm", EVM[:-1] + "D", "mistyped"),
        ("evm", EVM[:2] + EVM[2:].swapcase(), "mistyped"),
        ("evm", EVM.replace("0x", "0X"), "no address on an EVM"),
        ("evm", EVM[2:], "no address on an EVM"),
        ("evm", EVM[:-1], "wrong length"),
        ("evm", EVM + "0", "wrong length"),
        ("evm", "0x", "wrong length"),
        ("evm", EVM[:-1] + "g", "no address on an EVM"),
        ("evm", USDT, "on TRON, not on an EVM"),
        ("evm", "0x" + "0" * 40, "zero address"),
        ("evm", "vitalik.eth", "no address on an EVM"),
        ("tron", "", "empty"),
        ("tron", f"{USDT} ", "blanks"),
        ("tron", EVM, "on an EVM network, not on TRON"),
        ("tron", EVM.lower(), "on an EVM network, not on TRON"),
        ("tron", "41" + USDT_HEX, "hexadecimal"),
        ("tron", "0x41" + USDT_HEX, "hexadecimal"),
        ("tron", USDT_HEX, "hexadecimal"),
        ("tron", USDT[:-1] + "u", "mistyped"),
        ("tron", USDT.lower(), "no address on TRON"),
        ("tron", USDT[:-1], "wrong length"),
        ("tron", USDT + "t", "wrong length"),
        ("tron", USDT[:-1] + "0", "no address on TRON"),
        ("tron", "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "no address on TRON"),
        ("tron", "T9yD14Nj9j7xAB4dbGeiX9h8unkKHxuWwb", "zero address"),
        ("tron", "ТR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "no address on TRON"),  # a Cyrillic letter
    ],
)
def test_what_is_no_address(kind: Kind, text: str, words: str) -> None:
    with pytest.raises(Problem) as refused:
        read_address(text, kind, "settlement_address")
    problem = refused.value
    assert words in problem.message
    assert (problem.code, problem.field, bool(problem.cure)) == (
        "invalid",
        "settlement_address",
        True,
    )
    assert text == "" or text not in problem.message


def test_another_coins_address_that_begins_with_t_is_none_of_trons() -> None:
    text = b58encode_check(b"\x42" + b"\x01" * 20).decode()
    assert text.startswith("T")
    with pytest.raises(Problem, match="no address on TRON"):
        read_address(text, "tron", "to")


def test_only_twenty_bytes_are_shown() -> None:
    for kind in KINDS:
        with pytest.raises(ValueError, match="20 bytes"):
            shown(b"\x41" + bytes(20), kind)
