"""Cards on file: what they add to places below them."""

from typing import Final

from recoup.cards.store.vault import CVV_KEPT, NUMBERS_KEPT, forget_codes, forget_numbers
from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import FORGET

CARDS: Final = Feature(
    name="cards",
    adds=(
        FORGET(lambda db, wall: forget_codes(db, wall - CVV_KEPT)),
        RETAIN(Retention(forget_numbers, NUMBERS_KEPT)),
    ),
)
