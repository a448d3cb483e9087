"""What cards add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.upkeep import FORGET
from recoup.store.cards.vault import CVV_KEPT, forget_codes

CARDS: Final = Feature(
    name="cards",
    adds=(FORGET(lambda db, wall: forget_codes(db, wall - CVV_KEPT)),),
)
