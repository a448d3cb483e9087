"""Expected cost of each answer to a waiting customer. Whole units of the order's currency. Pure.

Fraud costs the amount and the fee of a chargeback; a customer who is declined, or leaves when their
bank asks them to confirm, costs the margin. A chargeback fee of 15 to 25 USD is usual; how many
leave, and how much fraud passes all the same, are this project's own assumptions until an
installation has counted its own.
"""

from collections.abc import Mapping
from typing import Final, Literal

from recoup.kernel.frozen import frozen
from recoup.kernel.stored import Stored

MILLION: Final = 1_000_000
MARGIN: Final = 30  # percent, unless a merchant says otherwise
LEAVE: Final = 10  # percent of genuine customers that a confirmation loses
PASSES: Final = 10  # percent of fraud that passes one
FEES: Final[Mapping[str, int]] = {
    "USD": 2_000, "EUR": 2_000, "GBP": 1_500, "CAD": 2_500, "AUD": 2_500, "CHF": 2_000,
    "JPY": 3_000, "BRL": 10_000, "MXN": 40_000, "SEK": 20_000, "NOK": 20_000, "DKK": 15_000,
    "PLN": 8_000, "CNY": 14_000, "INR": 150_000,
}  # fmt: skip
Answer = Literal["approve", "challenge", "decline"]


@frozen
class Costs(Stored):
    """`fee`: of one chargeback, in units. In percent: `margin` of the amount, `leave` and `passes`
    as above."""

    fee: int
    margin: int = MARGIN
    leave: int = LEAVE
    passes: int = PASSES


def usual_costs(currency: str, margin: int | None = None) -> Costs:
    """A fee that is not known for a currency counts as nothing: no rate of exchange is guessed."""
    return Costs(FEES.get(currency, 0), MARGIN if margin is None else margin)


def expected(costs: Costs, risk: int, units: int) -> dict[Answer, int]:
    """`risk` in millionths."""
    fraud = risk * (units + costs.fee)
    lost = (MILLION - risk) * units * costs.margin
    return {
        "approve": fraud // MILLION,
        "challenge": (fraud * costs.passes + lost * costs.leave // 100) // (100 * MILLION),
        "decline": lost // (100 * MILLION),
    }
