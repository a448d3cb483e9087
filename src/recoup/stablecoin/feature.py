"""Stablecoin payments: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.kit.upkeep import FORGET
from recoup.orders.rules.order_events import DIALECT
from recoup.rescue.flows.locked import READS
from recoup.rescue.moves.ending import WAY_BACK
from recoup.stablecoin.flows.payouts import read_wallets
from recoup.stablecoin.rules.refunds import way_back
from recoup.stablecoin.rules.stable_events import stable_event_data
from recoup.stablecoin.store.signatures import forget_signatures

STABLECOIN: Final = Feature(
    name="stablecoin",
    adds=(
        READS(read_wallets),
        WAY_BACK(way_back),
        DIALECT(("stable", stable_event_data)),
        FORGET(forget_signatures),
    ),
)
