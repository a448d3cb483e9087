"""Terms and the address they open: published vectors of both prefixes, JSON both ways."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains.terms import SUM_MAX, Terms, create2, deposit_address, from_json, salt, to_json
from recoup.kernel.problem import Problem
from recoup.stablecoin.rules.addresses import KINDS, Kind, keccak256, shown

ORDER = UUID("018f2f6e-7c1b-7c3d-9a00-0123456789ab")
M, T, FACTORY, CODE = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20, b"\x44" * 20
TERMS = Terms(ORDER, M, T, 49_650_000, 250_000)

# The examples of EIP-1014: deployer, salt, creation code, address.
EIP_1014 = (
    ("", "", "00", "0x4D1A2e2bB4F88F0250f26Ffff098B0b30B26BF38"),
    ("deadbeef" + "00" * 16, "", "00", "0xB928f69Bb1D91Cd65274e3c79d8986362984fDA3"),
    (
        "deadbeef" + "00" * 16,
        "feed" + "00" * 18,
        "00",
        "0xD04116cDd17beBE565EB2422F2497E06cC1C9833",
    ),
    ("", "", "deadbeef", "0x70f2b2914A2a4b783FaEFb75f459A580616Fcb5e"),
    ("deadbeef", "cafebabe", "deadbeef", "0x60f3f640a8508fC6a86d45DF051962668E1e8AC7"),
    ("deadbeef", "cafebabe", "deadbeef" * 11, "0x1d8bfDC5D46DC4f61D6b6115972536eBE6A8854C"),
    ("", "", "", "0xE33C0C7F7df4809055C3ebA6c09CFe4BaF1BD9e0"),
)
# Eight of tronweb's 128 (test/testcases/create2, random-0.0 to random-7.0), which all agree:
# deployer, salt, code's hash, address.
TRONWEB = (
    (
        "1f4428123047f51a0e76a4b3f2da904a7855208c",
        "8b0e2c2f2d68d6511892c7881e5e21ac528b18be0f55cedce98321cd4a562be5",
        "87349194cae9decae62f99480120f8015304b923cf0673e13e6456ea606264f2",
        "TYeJXEmbomUcf9HYTe4mdedu7xgFq6Sbtn",
    ),
    (
        "4480a9013f0a167134e7bf6d7b507d0cbc6ce285",
        "cbe8eef5b96ecd6dbb40390c494211de693401d41ae66fc22895e086cd09afd2",
        "4c4bd78948e4c43cb4ce3f3b7934f4184070e738d01d0d7daf5f9df1d795349b",
        "TQHnj8havc8P9VQ56fnZM1vRXCAmBx2SnS",
    ),
    (
        "94383ea13364a4798e029d25c75483fcb884ee11",
        "0be0ae091f5a2ca2a955f48e3a166e16bdacec9ad3b5c5756e34607ee2c120b2",
        "dc32570eb722c16557236214a43cd604c35015770d722cb68f1393758373477f",
        "TY715jpXQqg4caA3RjRzaR7rGCzJtU9gDS",
    ),
    (
        "08e2b63565266c3193bb26e402d7d005e6c56bfc",
        "abd3a2ea4e82c1b33ffceaf0ac938d037d3cecc5615795ef9ef5f066eb85e66d",
        "cba0356438cb902298d4b69f89518d50d072a71e2bbe81ee961501ace814386f",
        "TJH6qXbGCzvUow626fHTsJbT9cw6QhdNtn",
    ),
    (
        "d8c71a6c7b2bfc8a3f2221082cb0b4f572a25289",
        "b2279b47c46f8d6129f3a7de5b40e85a778f1e0c17fb7316bffdc75aee802860",
        "8b4fa604e02c2d6634b2c8a325a9bb6e696a3d8b1442bb9ae9f65525430ab3b7",
        "TNTVUehihvtUxZzztnCSdWaZDHGeXvfYxj",
    ),
    (
        "bb3ff6ca2714798ac6a4c1d7eed16f7e70385871",
        "ac15831f9e61dd871dd9c068a3e8978b16e64d132eeb4e3c4caee3aa988d93c9",
        "fb20ea7bcfd1467d14c372b484f3fadd15488710f057f41688d3c908aba1f98e",
        "TZ9skmAv3zsvWByzB4aiauncCuXi99pMcv",
    ),
    (
        "4a10813e14b856765a2d2658dd6e721231f872db",
        "6a818c638e38430b2cf76e2a9901d4e5039f536aa61173b23e6694772c41c7ca",
        "a8f056b3dd7401c5c070dfd6095aefd2d6b3974fb7988c1a675c9fb43d5052a8",
        "TRhbmKPm4f1BGpRFedL7btGjHmadGTDsyy",
    ),
    (
        "5e1334bb10db6e6a11e713278dfc696adb1d6eee",
        "27a31339e485cb7effd78ffe0fffef91b3a40ea4fca3b98c810d8992ce17b80c",
        "f247dcce28e03f7452a50e0d29514da624a65167c8bd400f3d8591dd95ec1020",
        "TAzv4BgLvpRQKY39u37cPu4ipMBdh38Atb",
    ),
)

raws = st.binary(min_size=20, max_size=20).filter(any)
sums = st.integers(0, SUM_MAX // 2)
terms = st.builds(Terms, st.uuids(), raws, raws, sums, sums)


def test_published_vectors() -> None:
    for deployer, salted, code, address in EIP_1014:
        sender, mark = bytes.fromhex(deployer.rjust(40, "0")), bytes.fromhex(salted.rjust(64, "0"))
        assert shown(create2("evm", sender, mark, keccak256(bytes.fromhex(code))), "evm") == address
    for deployer, salted, code_hash, address in TRONWEB:
        raw = create2(
            "tron", bytes.fromhex(deployer), bytes.fromhex(salted), bytes.fromhex(code_hash)
        )
        assert shown(raw, "tron") == address


def test_an_address_hangs_on_each_of_its_terms_and_places() -> None:
    other = b"\x55" * 20
    variants = [
        TERMS,
        replace(TERMS, order=UUID(int=1)),
        replace(TERMS, merchant=other),
        replace(TERMS, treasury=other),
        replace(TERMS, merchant=T, treasury=M),
        replace(TERMS, net=TERMS.fee, fee=TERMS.net),
        replace(TERMS, net=TERMS.net + 1, fee=TERMS.fee - 1),
    ]
    made = {deposit_address(kind, FACTORY, CODE, one) for one in variants for kind in KINDS}
    made |= {
        deposit_address("evm", other, CODE, TERMS),
        deposit_address("evm", FACTORY, other, TERMS),
    }
    assert len(made) == 2 * len(variants) + 2


def test_the_derivation_stays_what_it_was() -> None:
    """Addresses that were given out must be found again by every release."""
    clone = bytes.fromhex(
        "3d602d80600a3d3981f3363d3d373d3d3d363d73" + "44" * 20 + "5af43d82803e903d91602b57fd5bf3"
    )
    words = bytes(16) + ORDER.bytes + bytes(12) + M + bytes(12) + T
    words += (49_650_000).to_bytes(32, "big") + (250_000).to_bytes(32, "big")
    assert TERMS.encoded() == words
    assert salt(TERMS) == keccak256(words)
    for kind, prefix in (("evm", b"\xff"), ("tron", b"\x41")):
        expected = keccak256(prefix + FACTORY + keccak256(words) + keccak256(clone))[12:]
        assert deposit_address(kind, FACTORY, CODE, TERMS) == expected


@given(terms, st.sampled_from(KINDS))
def test_terms_come_back_from_json(one: Terms, kind: Kind) -> None:
    told = to_json(one, kind)
    assert from_json(told, kind) == one
    assert all(isinstance(value, str) for value in told.values())


def test_terms_that_are_none() -> None:
    right = to_json(TERMS, "evm")
    cases: dict[str, tuple[Any, str]] = {
        "a list": ([], "terms"),
        "a member less": ({k: v for k, v in right.items() if k != "fee"}, "terms"),
        "a member more": (right | {"tip": "1"}, "terms"),
        "a number": (right | {"net": 49650000}, "terms.net"),
        "a negative amount": (right | {"fee": "-1"}, "terms.fee"),
        "an exponent": (right | {"net": "1e6"}, "terms.net"),
        "a leading zero": (right | {"net": "01"}, "terms.net"),
        "too large together": (right | {"net": str(SUM_MAX)}, "terms.net"),
        "too large alone": (right | {"net": "9" * 39}, "terms.net"),
        "another chain's address": (right | {"merchant": shown(M, "tron")}, "terms.merchant"),
        "a mistyped treasury": (right | {"treasury": "0x" + "ab" * 20}, "terms.treasury"),
        "an order by its public id": (right | {"order": "ord_01k"}, "terms.order"),
        "an order of someone else": (right | {"order": "0x" + "1" * 64}, "terms.order"),
    }
    wrong = []
    for name, (value, field) in cases.items():
        try:
            from_json(value, "evm")
            wrong.append(name)
        except Problem as refused:
            if (refused.code, refused.field) != ("invalid", field) or not refused.cure:
                wrong.append(f"{name}: {refused.field} {refused.message}")
    assert not wrong


def test_terms_that_no_contract_could_hold() -> None:
    for change in (
        {"net": -1},
        {"fee": -1},
        {"net": SUM_MAX},
        {"merchant": b""},
        {"treasury": b"\x41" + T},
    ):
        with pytest.raises(ValueError, match="terms|bytes"):
            replace(TERMS, **change)
