"""Book units and base units: exact both ways, what is finer kept apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.chains.units import Booked, rescaled, to_base, to_book
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem

assets = st.sampled_from(["USDT", "USDC"])
books = st.integers(0, 10**15)


def test_49_90_on_six_and_eighteen_decimals() -> None:
    units = from_text("49.90", "USDC", "amount").units
    assert (units, to_base(units, "USDC", 6), to_base(units, "USDC", 18)) == (
        49_900_000,
        49900000,
        49900000000000000000,
    )
    assert (
        to_book(49900000, "USDC", 6)
        == to_book(49900000000000000000, "USDC", 18)
        == Booked(units, 0)
    )


@given(books, assets, st.integers(6, 36))
def test_what_is_asked_for_comes_back(units: int, asset: str, decimals: int) -> None:
    assert to_book(to_base(units, asset, decimals), asset, decimals) == Booked(units, 0)


@given(st.integers(0, 2**256 - 1), assets, st.integers(0, 36))
def test_no_base_unit_is_lost(base: int, asset: str, decimals: int) -> None:
    booked = to_book(base, asset, decimals)
    assert to_base(booked.units, asset, decimals) + booked.dust == base
    assert 0 <= booked.dust < 10 ** max(decimals - 6, 0)


def test_finer_than_the_token_is_refused() -> None:
    assert to_base(49_900_000, "USDC", 2) == 4990
    with pytest.raises(Problem) as refused:
        to_base(49_905_000, "USDC", 2)
    assert (refused.value.field, refused.value.message) == (
        "amount",
        "The amount has more than 2 decimals, which the token does not have.",
    )


def test_dust_is_kept_apart() -> None:
    assert to_book(49_900_000_000_000_000_001, "USDT", 18) == Booked(49_900_000, 1)
    assert to_book(999_999_999_999, "USDT", 18) == Booked(0, 999_999_999_999)


@given(st.integers(0, 2**256 - 1), st.integers(0, 36), st.integers(0, 36))
def test_money_on_another_network_is_worth_the_same(base: int, decimals: int, wanted: int) -> None:
    value = rescaled(base, decimals, wanted)
    if wanted >= decimals:
        assert value == base * 10 ** (wanted - decimals)
    else:
        assert 0 <= base - value * 10 ** (decimals - wanted) < 10 ** (decimals - wanted)
