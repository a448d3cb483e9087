"""Cards of a day's calls. Ids of their tokens and numbers count up, as those of prepared orders do:
so pgbench can draw any of them."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from recoup.cards.store.vault import add_prints
from recoup.kit.world import World
from recoup.networks.magic import script_card
from recoup.rescue.flows.tokenize import CardGiven, Vault
from recoup_lab.bench.pgbench import NUMBER, Mark, prefix_of

CARDS: Final = 48


@dataclass(frozen=True, slots=True)
class Cards:
    """Prefixes of the ids of all tokens, and of all numbers."""

    token: str
    number: str

    def tokens(self) -> list[UUID]:
        return [_id(self.token, n) for n in range(CARDS)]

    def prefixes(self) -> dict[str, str]:
        """Prefixes by the ids of the first card."""
        return {str(_id(one, 0)): one for one in (self.token, self.number)}

    def marks(self) -> dict[str, Mark]:
        """Marks of the first card for pgbench: `:card` is the number of the card in its place."""
        return {one: Mark(prefix, ":card") for one, prefix in self.prefixes().items()}


def card_of(number: str) -> str:
    """Expression of the card whose turn is at `number`, in SQL as in pgbench."""
    return f"{NUMBER} + ({number}) % {CARDS}"


def turn_of(number: str) -> str:
    """The \\set line of that card."""
    return f"\\set card {card_of(number)}\n"


async def store_cards(world: World, merchant_id: UUID) -> Cards:
    """Stores the cards, which approve at their first try."""
    cards, vault = Cards(prefix_of(0), prefix_of(1)), Vault(world)
    pans = [script_card("visa", "51", 0, serial) for serial in range(CARDS)]
    async with world.db.transaction() as tx:
        for n, pan in enumerate(pans):
            number = _id(cards.number, n)
            await add_prints(tx, [(*one, number) for one in world.keys.print_of(pan)])
    given = zip(cards.tokens(), pans, strict=True)
    await asyncio.gather(
        *(vault.store(CardGiven(merchant_id, token, pan, 9, 2031)) for token, pan in given)
    )
    return cards


def _id(prefix: str, n: int) -> UUID:
    return UUID(f"{prefix}{NUMBER + n}")
