"""Stablecoin payments: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.kit.upkeep import FORGET
from recoup.orders.rules.attention import ATTENTION, DESK, Attention
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

_REASONS: Final = (
    Attention(PAID_LATE, "Paid after its end: the money is there, the order is not open any more."),
    Attention(
        UNAPPLIED,
        "Money arrived that does not pay this order: too little, too much or too late. Return it "
        "or keep it.",
        "Return it, keep it, or mark it as settled by hand, on this page.",
        DESK,
    ),
    Attention(
        SETTLEMENT_STUCK,
        "A settlement is stuck: the channel did not take it. The money is still the merchant's.",
    ),
    Attention(
        SETTLEMENT_DELAYED,
        "A settlement is delayed: the channel does not take it. It is sent until it does.",
    ),
)
STABLECOIN: Final = Feature(
    name="stablecoin",
    adds=(
        READS(read_wallets),
        WAY_BACK(way_back),
        DIALECT(("stable", stable_event_data)),
        FORGET(forget_signatures),
        *map(ATTENTION, _REASONS),
        ACCOUNT(ACCOUNTS),
        *map(RECIPE, (by_hand, kept, settled, payout_requested, payout_paid, payout_returned)),
    ),
)
