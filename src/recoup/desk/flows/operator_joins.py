"""The operator's word that two prints are one card: one person proposes it with a reason and
evidence, another decides.

A join is for good, and takes allowance from both cards; see decision 60. Merchants have no word in
it: prints that look alike are only listed.
"""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.audit.moves import note
from recoup.cards.store.card_joins import (
    Alike,
    CardJoin,
    Print,
    add_join,
    close_join,
    count_waiting,
    join_of_pair,
    joins_of_order,
    list_alike,
    list_joins,
    lock_join,
    print_of,
)
from recoup.cards.store.joined_cards import are_joined, join_cards, last_joined_at
from recoup.db.pool import retrying
from recoup.db.statement import Read
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.networks.card_text import masked_numbers
from recoup.terms.rules.settlement import check_second

TEXT_MAX: Final = 300
WAITING_MAX: Final = 100


@frozen
class CardPage:
    """The card of an order. `joined_at`: when it last became one with another print, by whoever's
    word; wall time. `joins`: those of the operator's."""

    card: Print
    joined_at: datetime | None
    joins: list[CardJoin]


async def propose_join(
    world: World, scope: Scope, orders: tuple[UUID, UUID], reason: str, evidence: str
) -> CardJoin:
    """The cards of two orders of the merchant are said to be one; a second person decides. Once for
    each pair, however often and in whichever order it is said: then the one that waits or holds is
    answered.

    Raises: Problem(invalid) without reason or evidence, for orders without a card, for one print,
    for cards of two brands; Problem(not_found); Problem(conflict) for prints that are one already
    or too many proposals.
    """
    reason, evidence = _text(reason, "reason"), _text(evidence, "evidence")

    async def once() -> CardJoin:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            await known_offset(tx, scope.merchant_id)
            first, second = await _pair(tx, scope.merchant_id, orders)
            join = await join_of_pair(tx, scope.merchant_id, first.card_id, second.card_id)
            if join is not None:
                return join
            await _check_new(tx, scope.merchant_id, first, second)
            made = await add_join(
                tx,
                scope.merchant_id,
                new_id(),
                first.card_id,
                second.card_id,
                first.order_id,
                second.order_id,
                reason,
                evidence,
                scope.actor.text(),
                wall,
            )
            if made is not None:  # otherwise somebody was quicker
                facts = {
                    "orders": [str(first.order_id), str(second.order_id)]
                }  # words are erased with their person
                await note(tx, scope, wall, "card_join.proposed", made, facts)
            kept = await join_of_pair(tx, scope.merchant_id, first.card_id, second.card_id)
            if kept is None:
                raise Problem(
                    "conflict", "This proposal was just refused.", cure="Reload the page."
                )
            return kept

    return await retrying(once)


async def decide_join(world: World, scope: Scope, join_id: UUID, *, join: bool) -> CardJoin:
    """The second person joins the two for good, or anybody of the operator refuses. What was
    decided so stays so, and may be said again.

    Raises: Problem not_found, wrong_state; Problem(forbidden) for a join by the person who proposed
    it.
    """
    state: Literal["joined", "refused"] = "joined" if join else "refused"

    async def once() -> CardJoin:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await lock_join(tx, scope.merchant_id, join_id)
            if row is None:
                raise Problem(
                    "not_found",
                    "There is no such proposal.",
                    cure="Check the id in the list of cards.",
                )
            if row.state != "waiting" and row.state != state:
                raise Problem(
                    "wrong_state", "This proposal is decided already.", cure="Reload the page."
                )
            if row.state == "waiting":
                if join:
                    check_second(row.made_by, scope.actor.text(), "A join of two cards")
                    await join_cards(tx, [row.first_card, row.second_card], wall)
                await close_join(tx, scope.merchant_id, join_id, state, scope.actor.text(), wall)
                facts = {"orders": [str(row.first_order), str(row.second_order)]}
                await note(tx, scope, wall, f"card_join.{state}", join_id, facts)
            closed = await lock_join(tx, scope.merchant_id, join_id)
            assert closed is not None
            return closed

    return await retrying(once)


async def joins_of(world: World, merchant_id: UUID) -> list[CardJoin]:
    """The newest first. Raises: Problem(not_found)."""
    await known_offset(world.db, merchant_id)
    return await list_joins(world.db, merchant_id)


async def alike_prints(db: Read, merchant_id: UUID) -> list[Alike]:
    """Pairs worth a look, each once: never joined by themselves. Many cards have the same brand,
    digits and date."""
    alike: dict[tuple[UUID, UUID], Alike] = {}
    for row in await list_alike(db, merchant_id):
        pair = (min(row.first_card, row.second_card), max(row.first_card, row.second_card))
        if pair not in alike and not await are_joined(db, pair):
            alike[pair] = row
    return list(alike.values())


async def alike_prints_of(world: World, merchant_id: UUID) -> list[Alike]:
    """Alike fingerprints, as `alike_prints`."""
    async with world.db.connection() as connection:
        return await alike_prints(connection, merchant_id)


async def read_card(world: World, merchant_id: UUID, order_id: UUID) -> CardPage:
    """Raises: Problem(not_found) for an order without a card."""
    card = await _print(world.db, merchant_id, order_id)
    joins = await joins_of_order(world.db, merchant_id, order_id)
    return CardPage(card, await last_joined_at(world.db, card.card_id), joins)


async def _print(db: Read, merchant_id: UUID, order_id: UUID) -> Print:
    card = await print_of(db, merchant_id, order_id)
    if card is None:
        raise Problem(
            "not_found",
            Sentence("The merchant has no order {0} with a card.", str(order_id)),
            field="order",
            cure="Check the id of the order.",
        )
    return card


async def _pair(db: Read, merchant_id: UUID, orders: tuple[UUID, UUID]) -> tuple[Print, Print]:
    """The lower card first."""
    prints = [await _print(db, merchant_id, order_id) for order_id in orders]
    first, second = sorted(prints, key=lambda card: card.card_id)
    return first, second


async def _check_new(db: Read, merchant_id: UUID, first: Print, second: Print) -> None:
    if first.card_id == second.card_id:
        raise invalid(
            "Both orders have the same fingerprint of the card: there is nothing to join.",
            "order",
            "Name two orders whose cards came in differently.",
        )
    if first.own_identity or second.own_identity:
        raise invalid(
            "A test card that is another card in each order cannot be joined.",
            "order",
            "Use test cards that count; see `recoup sandbox inputs`.",
        )
    if first.scheme != second.scheme:
        raise invalid("Cards of two brands are not one card.", "order", "Check the evidence.")
    if await are_joined(db, [first.card_id, second.card_id]):
        raise Problem(
            "conflict",
            "These fingerprints are known as one card already.",
            cure="Nothing has to be done.",
        )
    if await count_waiting(db, merchant_id) >= WAITING_MAX:
        raise Problem(
            "conflict",
            Sentence("{0} proposals of this merchant wait already.", WAITING_MAX),
            cure="Decide some of them first.",
        )


def _text(given: str, field: str) -> str:
    """The text on one line; no card number is kept. Raises: Problem(invalid)."""
    text = masked_numbers(" ".join(given.split()))[:TEXT_MAX]
    if not text:
        raise invalid(
            "A join needs a reason and the evidence for it.",
            field,
            "Say why, and where the evidence is kept.",
        )
    return text
