"""What is hammered: merchants whose clocks stand apart, and the cards that they share."""

import random
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kit.world import World
from recoup.networks.magic import script_card
from recoup.onboarding.flows.make_merchant import NewSite, make_merchant
from recoup.outside.keys.material import Material

DAYS_APART_MAX = 15


@dataclass(frozen=True)
class Merchant:
    """`behind`: how far its clock stands behind the wall at first."""

    merchant_id: UUID
    site_id: UUID
    acceptor: str
    behind_us: int


@dataclass(frozen=True)
class Plan:
    """What one process hammers. Picklable: processes of the operating system take it too.

    `sends`: until so many have been answered: beside other load some are too late to arrive.
    """

    dsn: str
    material: Material
    merchants: tuple[Merchant, ...]
    cards: tuple[str, ...]
    seed: int
    sends: int
    orders_at_once: int = 200
    tasks: int = 48
    sends_in_a_window: int = 40  # of a card in 30 days, roughly: what the clocks' pace is made of
    journal: str | None = None  # a file to add to


def cards(visa: int, mastercard: int, amex: int) -> tuple[str, ...]:
    """So many numbers of each scheme."""
    wanted = (("visa", "51", visa), ("mastercard", "51", mastercard), ("amex", "116", amex))
    return tuple(
        script_card(name, code, 99, serial + 1)
        for name, code, count in wanted
        for serial in range(count)
    )


async def make_merchants(world: World, count: int, dice: random.Random) -> tuple[Merchant, ...]:
    """Of two acceptors, with clocks that stand apart by up to DAYS_APART_MAX days."""
    made = []
    for number in range(count):
        merchant_id, site_id = new_id(), new_id()
        behind = timedelta(days=20 + dice.uniform(0, DAYS_APART_MAX))
        site = NewSite(site_id, "https://leaf.example.test", "Leaf", "LEAF")
        await make_merchant(
            world, merchant_id, f"Merchant {number}", (site,), partner_id=None, clock_behind=behind
        )
        acceptor = ("acceptor one", "acceptor two")[number % 2]
        await world.db.execute(
            "UPDATE merchants SET acceptor_id = $2 WHERE merchant_id = $1", merchant_id, acceptor
        )
        made.append(
            Merchant(merchant_id, site_id, acceptor, round(behind / timedelta(microseconds=1)))
        )
    return tuple(made)
