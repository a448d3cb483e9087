"""A merchant's balances, in the merchant's words: + is in its favour."""

from typing import Final, NamedTuple
from uuid import UUID

from recoup.kit.as_of import NOW, Cut
from recoup.kit.world import World
from recoup.orders.rules.ledger import WALLET
from recoup.settlement.store import balances as store

BALANCES: Final = ("card", "wallet", "reserve", "scheduled", "payouts")
_NAMES: Final = {"reserve": "reserve", "settlement_due": "scheduled", "payout_due": "payouts"}


class Balance(NamedTuple):
    """`units` by BALANCES: `card`, what settlements pay next; `wallet`, stablecoins; `reserve`,
    held back; `scheduled`, settled and not yet sent to the bank; `payouts`, stablecoins on their
    way."""

    asset: str
    units: dict[str, int]

    @property
    def total(self) -> int:
        """All that is owed."""
        return sum(self.units.values())


async def read_balances(world: World, merchant_id: UUID, cut: Cut = NOW) -> list[Balance]:
    """Balances by currency; empty where nothing is due on any account."""
    rows = await store.balances(world.db, merchant_id, cut)
    by_asset: dict[str, Balance] = {}
    for row in rows:
        balance = by_asset.setdefault(row.asset, Balance(row.asset, dict.fromkeys(BALANCES, 0)))
        payable = "wallet" if row.place == WALLET else "card"
        balance.units[_NAMES.get(row.account, payable)] -= row.units
    return list(by_asset.values())
