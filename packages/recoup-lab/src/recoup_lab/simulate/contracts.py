"""Contracts of each simulated merchant with the operator: fees, settlement, disputes, advances, a
bank account."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

RESERVE_DAYS: Final = 10
DELAY_DAYS: Final = 1


@dataclass(frozen=True, slots=True)
class Contract:
    """`points` basis points of the amount; `fixed` and `minimum` in the asset's units. `bank`:
    whether payouts arrive, come back, or have nowhere to go. `liable`: the merchant bears service
    disputes and `dispute_fee` of each case."""

    assets: tuple[str, ...]
    points: int
    refund: Literal["keep", "pro_rata", "full"]
    fixed: dict[str, int] = field(default_factory=dict)
    minimum: dict[str, int] = field(default_factory=dict)
    period: Literal["day", "week"] = "week"
    anchor: int = 1
    reserve_points: int = 0
    bank: Literal["", "paid", "returned"] = "paid"
    advance: bool = False
    liable: bool = False
    dispute_fee: int = 0

    @property
    def settles_days(self) -> int:
        """Days from the last entry until it is settled, released from the reserve, and paid or
        given back by the bank."""
        period = {"day": 1, "week": 7}[self.period]
        return 2 * period + DELAY_DAYS + 3 + (RESERVE_DAYS if self.reserve_points else 0)


_CONTRACTS: Final = (
    Contract(("USD",), 290, "keep", fixed={"USD": 30}, period="day", advance=True),
    Contract(("JPY",), 333, "pro_rata", reserve_points=500),
    Contract(
        ("KWD",),
        175,
        "full",
        minimum={"KWD": 250},
        anchor=3,
        liable=True,
        dispute_fee=1500,
        advance=True,
    ),
    Contract(("CLF",), 0, "keep", bank=""),
    Contract(
        ("EUR", "USD"),
        999,
        "pro_rata",
        fixed={"EUR": 25},
        bank="returned",
        liable=True,
        dispute_fee=1500,
    ),
)


def contract_of(shop: int) -> Contract:
    return _CONTRACTS[shop % len(_CONTRACTS)]


def fee_of(shop: int, units: int, asset: str) -> int:
    """The fee by the contract alone: the share half up, more for the fixed part and the minimum,
    never more than the amount."""
    contract = contract_of(shop)
    share = (Decimal(units) * contract.points / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
    return min(
        units, max(contract.minimum.get(asset, 0), int(share) + contract.fixed.get(asset, 0))
    )


def fee_returned(shop: int, units: int, asset: str, refunded: int) -> int:
    """The part of the fee that goes back to the merchant when `refunded` of `units` went back to
    the customer."""
    fee, policy = fee_of(shop, units, asset), contract_of(shop).refund
    if policy == "keep" or not refunded:
        return 0
    if refunded >= units:
        return fee
    return (
        int((Decimal(fee) * refunded / units).quantize(Decimal(1), ROUND_HALF_UP))
        if policy == "pro_rata"
        else 0
    )
