"""What became of the payments that the risk check judged: fraud, where a dispute, a warning or the bank's code said so
within 60 days; genuine, where it was paid and nobody did. Payments that are younger, or were never paid, teach nothing.

A payment that the check itself declined is among the latter: what it declines is seen in the comparison group alone.
"""

from typing import Final, NamedTuple
from uuid import UUID

from recoup.flows.world import World
from recoup.kernel.ids import first_id_of
from recoup.kernel.time import WallTime
from recoup.rules.risk.trial import MATURE, WINDOW, Outcome
from recoup.store.insight.past import Learner, merchants_to_learn
from recoup.store.insight.risk_weights import judged_payments
from recoup.store.statement import Read

PAYMENTS_MAX: Final = 300_000  # of all merchants, about a hundred megabytes
PAYMENTS_LEAST: Final = 2_000  # of each, however many merchants there are
PAGES_MAX: Final = 200  # of a merchant's decisions
BASE: Final = "base"


class Outcomes(NamedTuple):
    """`owners`: ids, as the payments number them; a partner with all its merchants is one."""

    payments: tuple[Outcome, ...]
    owners: tuple[UUID, ...]


async def gather_outcomes(world: World) -> Outcomes:
    """In the order of merchants and time."""
    found, owners, alike = list[Outcome](), dict[UUID, int](), dict[tuple[str, ...], tuple[str, ...]]()
    async with world.db.connection() as connection:
        merchants = await merchants_to_learn(connection)
        most = max(PAYMENTS_LEAST, PAYMENTS_MAX // max(1, len(merchants)))
        for merchant in merchants:
            owner = owners.setdefault(merchant.owner, len(owners))
            found += await _of_merchant(connection, world, merchant, owner, min(most, PAYMENTS_MAX - len(found)), alike)
    return Outcomes(tuple(found), tuple(owners))


async def _of_merchant(
    connection: Read,
    world: World,
    merchant: Learner,
    owner: int,
    most: int,
    alike: dict[tuple[str, ...], tuple[str, ...]],
) -> list[Outcome]:
    """`alike`: the terms that were met before, each kept once."""
    wall = world.clocks.wall()
    until = world.clocks.business(merchant.offset_us) - MATURE
    after, before = first_id_of(wall - WINDOW), first_id_of(min(wall, WallTime(until)))
    found, pages = list[Outcome](), 0
    async for page in judged_payments(connection, merchant.merchant_id, after, before, until, MATURE):
        for one in page:
            if one.fraud or one.paid:
                terms = tuple(sorted(term for term in one.terms if term != BASE))
                found.append(Outcome(owner, one.at, alike.setdefault(terms, terms), one.fraud))
        pages += 1
        if len(found) >= most or pages >= PAGES_MAX:
            break
    return sorted(found[:most], key=lambda one: (one.at, one.terms, one.fraud))
