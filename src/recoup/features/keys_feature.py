"""What keys add to rooms below."""

from datetime import timedelta
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.upkeep import FORGET
from recoup.store.merchants.key_endings import forget_endings

ENDINGS_KEPT: Final = timedelta(minutes=15)  # longer than an access token lives
KEYS: Final = Feature(
    name="keys",
    adds=(FORGET(lambda db, wall: forget_endings(db, ENDINGS_KEPT)),),
)
