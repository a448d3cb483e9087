"""What keys add to rooms below."""

from datetime import timedelta
from typing import Final

from recoup.kernel.feature import Feature
from recoup.keys.store.key_endings import forget_endings
from recoup.kit.upkeep import FORGET

ENDINGS_KEPT: Final = timedelta(minutes=15)  # longer than an access token lives
KEYS: Final = Feature(
    name="keys",
    adds=(FORGET(lambda db, wall: forget_endings(db, ENDINGS_KEPT)),),
)
