"""Stablecoin payments: what they add to places below them."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.locked import READS
from recoup.flows.stable.payouts import read_wallets
from recoup.flows.upkeep import FORGET
from recoup.moves.order.ending import WAY_BACK
from recoup.rules.messages.order_events import DIALECT
from recoup.rules.messages.stable_events import stable_event_data
from recoup.rules.stable.refunds import way_back
from recoup.store.merchants.signatures import forget_signatures

STABLECOIN: Final = Feature(
    name="stablecoin",
    adds=(
        READS(read_wallets),
        WAY_BACK(way_back),
        DIALECT(("stable", stable_event_data)),
        FORGET(forget_signatures),
    ),
)
