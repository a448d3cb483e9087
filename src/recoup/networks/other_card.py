"""Another card of the same customer and merchant, for an order whose own card no further try
brings. Pure.

Only a card whose payment by the same merchant was approved without its customer there, for a
customer whom the merchant names by a key of its own. The card's own limits are asked about when it
is sent.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.kernel.frozen import frozen
from recoup.networks.challenge import link_asks_of
from recoup.networks.codes import Reading

SWITCH: Final = "other_card"  # what the merchant switches on
RULE: Final = "other_card"
CARDS_MAX: Final = 2  # of other cards, for one order
# a rough prior: of ten payments by a card on file, published figures see one or two declined
CHANCE: Final = 0.7


@frozen
class CardOnFile:
    """Card on file that may be charged for the customer. `card_id` is what its limits count by."""

    token_id: UUID
    card_id: UUID
    pan_id: UUID
    exp_month: int
    exp_year: int

    def is_valid(self, at: datetime) -> bool:
        return (self.exp_year, self.exp_month) >= (at.year, at.month)


def is_cure(reading: Reading) -> bool:
    """True when another card may pay what this one did not: never after a theft, or an agreement
    that was ended."""
    dead = reading.terminal or reading.retry == "after_data_change"
    return dead and link_asks_of(reading) == "card"
