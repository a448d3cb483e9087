"""Amounts between the book and a chain: whole units of an asset here, base units of a token there.

USDT and USDC have six decimals in the book and on most chains, eighteen on BNB.
"""

from typing import NamedTuple

from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence


class Booked(NamedTuple):
    """An amount of a chain in book units. `dust`: base units finer than the book, which only the
    chain holds."""

    units: int
    dust: int


def to_base(units: int, asset: str, decimals: int) -> int:
    """Exact. Raises: Problem(invalid) for an amount that is finer than the token."""
    finer = EXPONENTS[asset] - decimals
    if finer <= 0:
        return units * _power(-finer)
    base, rest = divmod(units, _power(finer))
    if rest:
        raise Problem(
            "invalid",
            Sentence(
                "The amount has more than {0} decimals, which the token does not have.", decimals
            ),
            Sentence("Round it to {0} decimals.", decimals),
            field="amount",
            detail="invalid_amount",
        )
    return base


def to_book(base: int, asset: str, decimals: int) -> Booked:
    """`base`: never negative."""
    finer = decimals - EXPONENTS[asset]
    return Booked(*divmod(base, _power(finer))) if finer > 0 else Booked(base * _power(-finer), 0)


def cent(decimals: int) -> int:
    """A cent in base units: less makes no case of an order, and no sweep."""
    return _power(max(decimals - 2, 0))


def rescaled(base: int, decimals: int, wanted: int) -> int:
    """Base units of one token in those of another of the same asset, rounded down."""
    return (
        base * _power(wanted - decimals)
        if wanted >= decimals
        else base // _power(decimals - wanted)
    )


def _power(places: int) -> int:
    return int(10**places)
