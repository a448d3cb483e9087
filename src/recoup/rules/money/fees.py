"""What the operator keeps of an approved order."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple


class Tariff(NamedTuple):
    """`basis_points` of the amount plus `fixed_units`, at least `minimum_units`; never more than the amount."""

    basis_points: int = 0
    fixed_units: int = 0
    minimum_units: int = 0


def fee_units(units: int, tariff: Tariff) -> int:
    """Rounded half up to a whole unit; the remainder stays with the merchant."""
    share = (Decimal(units) * tariff.basis_points / 10_000).to_integral_value(ROUND_HALF_UP)
    return min(units, max(tariff.minimum_units, int(share) + tariff.fixed_units))


def share_units(units: int, basis_points: int) -> int:
    """A share, rounded half up to a whole unit."""
    return int((Decimal(units) * basis_points / 10_000).to_integral_value(ROUND_HALF_UP))
