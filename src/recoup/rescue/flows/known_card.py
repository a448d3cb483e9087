"""The gate's knowledge of an order's card, for people to read."""

from typing import NamedTuple
from uuid import UUID

from recoup.kit.world import World
from recoup.networks.limits import Tally
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import OPEN
from recoup.rescue.flows.locked import Orders
from recoup.rescue.moves.send import gate_input
from recoup.rescue.rules.gate import GateInput


class KnownCard(NamedTuple):
    """`mit`: about one more payment without the customer, `cit`: about one that they start. `own`:
    rules that an answer to the merchant itself has brought into force; which others did is not its
    to know. An order that is over shows its own alone: whoever once had a card does not follow it
    for ever."""

    mit: GateInput
    cit: GateInput
    own: frozenset[str]
    is_open: bool

    def bans(self) -> list[Tally]:
        now = self.mit.now
        standing = [
            tally
            for tally in self.mit.tallies
            if tally.ban and (tally.free_at is None or tally.free_at > now)
        ]
        return [tally for tally in standing if self.is_open or tally.rule_id in self.own]

    def counts(self) -> list[Tally]:
        counting = [tally for tally in self.mit.tallies if not tally.ban and self.is_open]
        return sorted(counting, key=lambda tally: tally.window_hours or 0)


async def known_card(world: World, orders: Orders, merchant_id: UUID, order_id: UUID) -> KnownCard:
    """Raises: Problem not_found, unavailable."""
    visa_limit = world.policy.visa_limit

    def look(change: Change) -> KnownCard:
        order, now = change.order, change.now
        mit = gate_input(order, now, visa_limit, "merchant")
        cit = gate_input(order, now, visa_limit, "customer")
        order.sends = [send for send in order.sends if send.send.merchant_id == str(merchant_id)]
        own = gate_input(order, now, visa_limit, "merchant").tallies
        return KnownCard(
            mit, cit, frozenset(tally.rule_id for tally in own if tally.ban), order.stage in OPEN
        )

    return await orders.run(look, (merchant_id, order_id), cards=True)
