"""The largest amount of one payment, by what its currency is worth: coarse, for bounds alone, never
for money.

Source: `worth.toml`. A rate that is off by three moves a bound by three, and the bound is generous.
"""

import tomllib
from pathlib import Path
from typing import Final

from recoup.kernel.cached import cached
from recoup.kernel.money import EXPONENTS

DOLLARS_MAX: Final = 1_000_000  # of one payment
UNITS_LEAST: Final = 100_000_000  # a bound is never lower
# Units of a currency for a dollar, of those that are worth far less than one; of others the lowest
# bound is enough.
PER_DOLLAR: Final[dict[str, int]] = tomllib.loads(
    Path(__file__).with_name("worth.toml").read_text("utf-8")
)


@cached(1_024)
def amount_max(asset: str) -> int:
    """The most of one payment, in the smallest unit: a million dollars' worth, and never less than
    `UNITS_LEAST`."""
    return max(
        UNITS_LEAST, DOLLARS_MAX * PER_DOLLAR.get(asset, 1) * int(10 ** EXPONENTS.get(asset, 2))
    )


AMOUNT_MAX: Final = max(map(amount_max, EXPONENTS))  # of any currency
