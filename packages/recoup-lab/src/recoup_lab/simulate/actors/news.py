"""News of the day: merchants, operators and card holders learn from the feed what was completed."""

from collections.abc import Iterable
from typing import Final

from recoup_lab.simulate.sim import TICKS, Deed, Sim

_COMPLETED: Final = """
SELECT o.external_id FROM feed f JOIN orders o ON o.merchant_id = f.merchant_id
  AND o.order_id = f.subject_id
WHERE f.merchant_id = $1 AND f.feed_no > $2 AND f.event = 'order.completed'
"""


async def news(sim: Sim, tick: int) -> Iterable[Deed]:
    """Reads the feed and answers no deeds: `sim.completed` says what the others act on."""
    sim.completed = []
    if tick % TICKS:
        return ()
    for shop in sim.shops:
        merchant_id = shop.scope.merchant_id
        last = await sim.owner.fetchval(
            "SELECT feed_no FROM closers WHERE merchant_id = $1", merchant_id
        )
        rows = await sim.owner.fetch(_COMPLETED, merchant_id, sim.read[shop.number])
        sim.completed += sorted(
            (sim.deals[row["external_id"]] for row in rows), key=lambda deal: deal.name
        )
        sim.read[shop.number] = last
    return ()
