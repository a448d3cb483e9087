"""Cards on file: what they add to places below them."""

from typing import Final

from recoup.cards.store.vault import CVV_KEPT, forget_codes
from recoup.kernel.feature import Feature
from recoup.kit.upkeep import FORGET

CARDS: Final = Feature(
    name="cards",
    adds=(FORGET(lambda db, wall: forget_codes(db, wall - CVV_KEPT)),),
)
