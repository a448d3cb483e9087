"""Stablecoin payments: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.kit.upkeep import FORGET
from recoup.orders.rules.attention import ATTENTION
from recoup.orders.rules.ledger import ACCOUNT, RECIPE
from recoup.orders.rules.order_events import DIALECT
from recoup.rescue.flows.locked import READS
from recoup.rescue.moves.ending import WAY_BACK
from recoup.stablecoin.flows.payouts import read_wallets
from recoup.stablecoin.moves.late_payment import UNAPPLIED, by_hand, kept
from recoup.stablecoin.moves.payment import PAID_LATE
from recoup.stablecoin.moves.sweep import SETTLEMENT_DELAYED, SETTLEMENT_STUCK, settled
from recoup.stablecoin.moves.wallet import ACCOUNTS, payout_paid, payout_requested, payout_returned
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
        *map(ATTENTION, (PAID_LATE, UNAPPLIED, SETTLEMENT_STUCK, SETTLEMENT_DELAYED)),
        ACCOUNT(ACCOUNTS),
        *map(RECIPE, (by_hand, kept, settled, payout_requested, payout_paid, payout_returned)),
    ),
)
