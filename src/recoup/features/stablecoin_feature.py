"""Stablecoin payments: what they add to places below them."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.locked import READS
from recoup.flows.stable.payouts import read_wallets
from recoup.moves.order.ending import WAY_BACK
from recoup.rules.stable.refunds import way_back

STABLECOIN: Final = Feature(name="stablecoin", adds=(READS(read_wallets), WAY_BACK(way_back)))
