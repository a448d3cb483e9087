"""API keys: what they add to places below them."""

from datetime import timedelta
from typing import Final

from recoup.db.partitions import DAILY
from recoup.db.upkeep import RETAIN, Retention
from recoup.kernel.feature import Feature
from recoup.keys.store.api_calls import forget_gaps
from recoup.keys.store.key_endings import forget_endings
from recoup.keys.store.merchant_keys import forget_expired_tokens
from recoup.kit.upkeep import FORGET
from recoup.merchants.store.partners import forget_handovers

ENDINGS_KEPT: Final = timedelta(minutes=15)  # longer than an access token lives
KEYS: Final = Feature(
    name="keys",
    adds=(
        FORGET(lambda db, wall: forget_endings(db, ENDINGS_KEPT)),
        FORGET(forget_expired_tokens),
        FORGET(forget_handovers),
        RETAIN(Retention(forget_gaps, timedelta(days=DAILY["api_calls"]))),
    ),
)
