"""What stablecoin orders add to rooms below."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.upkeep import FORGET
from recoup.rules.messages.order_events import DIALECT
from recoup.rules.messages.stable_events import stable_event_data
from recoup.store.merchants.signatures import forget_signatures

STABLECOIN: Final = Feature(name="stablecoin", adds=(DIALECT(("stable", stable_event_data)), FORGET(forget_signatures)))
