"""A card that is known under several prints: a number of the vault, methods of several accounts,
before and after a reissue. What is sent of one counts for all, in every limit.

Only a processor's word joins them: the account behind the card (PAR), or its own fingerprint of it.
Each such name is a card as well, one that is never sent: what has the name is joined to it.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

from recoup.cards.store.joined_cards import are_joined, join_cards
from recoup.db.pool import retrying
from recoup.kit.world import World
from recoup.orders.rules.snapshot import Order
from recoup.processors.gateways.credential import CredentialNews
from recoup.processors.gateways.describing import account_of
from recoup.processors.gateways.port import Processor

_ACCOUNT_REFERENCE: Final = re.compile(r"[0-9A-Z]{29}")


async def join_by_answer(
    world: World, order: Order, processor: Processor, news: CredentialNews | None
) -> None:
    """Joins cards before the outcome is closed: a process that dies meanwhile hears it again when
    it inquires.

    Raises: Problem(unavailable).
    """
    # A test card that has an identity of its own in each order has nothing in common with itself.
    if news is not None and order.card_id is not None and order.card_id == order.pan_id:
        names = names_of(world, processor, news.account_reference, news.fingerprint)
        if news.id and order.card is not None and order.card.stored is not None:
            names = (*names, method_named(world, processor, order.card.stored.route, news.id))
        await join(world, order.card_id, names)


def names_of(
    world: World, processor: Processor, account_reference: str | None, fingerprint: str | None
) -> tuple[UUID, ...]:
    """Names that a processor's words for a card stand for. A reference of another form than a PAR's
    says nothing."""
    return tuple(_names(world, processor, account_reference, fingerprint))


def _names(
    world: World, processor: Processor, account_reference: str | None, fingerprint: str | None
) -> Iterator[UUID]:
    yield from account_named(world, account_reference)
    if fingerprint:
        yield fingerprinted(world, processor, fingerprint)


def account_named(world: World, account_reference: str | None) -> tuple[UUID, ...]:
    """The card of an account (PAR); none for a reference of another form."""
    account = (account_reference or "").strip().upper()
    return (
        (world.keys.derived_id("card-account", account),)
        if _ACCOUNT_REFERENCE.fullmatch(account)
        else ()
    )


def fingerprinted(world: World, processor: Processor, fingerprint: str) -> UUID:
    """The same card has another fingerprint at another account."""
    made: UUID = world.keys.derived_id(
        "stored-card", processor.kind, account_of(processor), "card", fingerprint
    )
    return made


def method_named(world: World, processor: Processor, route: str, id: str) -> UUID:
    """The card of a method whose fingerprint nobody says."""
    made: UUID = world.keys.derived_id("stored-card", processor.kind, route, "method", id)
    return made


async def join(world: World, card_id: UUID, names: Sequence[UUID]) -> None:
    """Raises: Problem(unavailable)."""
    same = sorted({card_id, *names})
    if len(same) < 2:
        return
    if await are_joined(world.db, same):
        return

    async def once() -> None:
        async with world.db.transaction() as tx:
            await join_cards(tx, same, world.clocks.wall())

    await retrying(once)
