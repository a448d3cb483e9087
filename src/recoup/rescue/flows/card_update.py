"""Due work `card_update`: the account updater is queried about an order's card, and the order goes
on by its answer.

Intent: the query's row and id, at most one for a card in `EVERY`; then the call; then the new card
is sealed under an id that is made of the query's, so that a repeat seals nothing new; then the
order moves. A process that dies in between queries again under the same id.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from recoup.cards.flows.joined_cards import join
from recoup.cards.flows.method_facts import described
from recoup.cards.store.stored_methods import close_method, renew_method
from recoup.cards.store.vault import expiry_of_card
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.networks.card import is_expired
from recoup.networks.magic import identity_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.snapshot import Order
from recoup.orders.rules.typed_card import CardIds
from recoup.orders.store.due_work import Due
from recoup.orders.store.locks import mark_replaced
from recoup.processors.gateways.credential import Card, Stored
from recoup.processors.gateways.describing import describes
from recoup.processors.gateways.updater import UNKNOWN, CardUpdate, UpdateInquiry
from recoup.rescue.flows.charge import open_card, stored_of
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.flows.tokenize import CardGiven, Vault, check_number
from recoup.rescue.moves.card_update import take_update, waits_for_update
from recoup.rescue.rules.card_update import NEW, Answer
from recoup.rescue.store.card_updates import CardUpdateRow, claim_update, find_update, keep_answer
from recoup.rescue.store.evaluate import find_token

EVERY: Final = timedelta(days=7)
UNKNOWN_EVERY: Final = timedelta(days=1)
TRIES_MAX: Final = 3
TIMEOUT_SECONDS: Final = 10.0


async def update_card(world: World, orders: Orders, due: Due) -> None:
    """Raises: Problem(unavailable) while the updater does not answer: a few times, then the order
    goes on."""
    key = (due.merchant_id, due.subject_id)
    waiting: tuple[Order, BusinessTime] | None = await orders.run(_waiting, key)
    if waiting is None:
        return
    order, now = waiting
    row = await _claimed(world, order, now)
    if row.answer is None:
        row = await _answered(world, order, row, now, may_wait=due.tries < TRIES_MAX)
    answer, card = await _for_order(world, order, row)
    if answer == "new_number" and card is not None:
        await _join(world, order, card.card_id)
    goes = await orders.run(
        lambda change: take_update(change, order.token_id, answer, card), key, cards=True
    )
    if goes:
        await send_attempt(world, orders, key, update_first=False)


def _waiting(change: Change) -> tuple[Order, BusinessTime] | None:
    order = waits_for_update(change)
    return (order, change.now) if order is not None else None


async def _claimed(world: World, order: Order, now: BusinessTime) -> CardUpdateRow:
    assert order.token_id is not None
    assert order.pan_id is not None
    key = (order.merchant_id, order.pan_id)
    async with world.db.transaction() as tx:
        row = await claim_update(
            tx, *key, order.token_id, new_id(), now, now - EVERY, now - UNKNOWN_EVERY
        )
        row = row or await find_update(tx, *key)
    assert row is not None
    return row


async def _answered(
    world: World, order: Order, row: CardUpdateRow, now: BusinessTime, *, may_wait: bool
) -> CardUpdateRow:
    answer, new_token_id = await (_of_method if stored_of(order.card) else _of_number)(
        world, order, row
    )
    if answer == "unknown" and may_wait:
        raise Problem(
            "unavailable", "The account updater does not answer.", cure="It is queried again."
        )
    assert order.pan_id is not None
    async with world.db.transaction() as tx:
        await keep_answer(
            tx, order.merchant_id, order.pan_id, row.update_id, answer, new_token_id, now
        )
    return CardUpdateRow(row.update_id, row.token_id, row.requested_at, answer, new_token_id)


async def _of_number(world: World, order: Order, row: CardUpdateRow) -> tuple[Answer, UUID | None]:
    """The answer, and the new card's token, which is sealed by now."""
    assert world.updater is not None
    try:
        card = open_card(world, order, "")
        said = await world.updater.update_of(_inquiry(world, order, row, card))
        pan = said.pan or card.pan
        answer = _read(
            said,
            (card.pan, card.exp_month, card.exp_year),
            order.merchant.business(world.clocks.wall()),
        )
        if answer not in NEW:
            return answer, None
        check_number(world, order.merchant_id, pan, "card.number")
    except Problem:  # the card does not open, or what came is no card that may be here
        return "unknown", None
    token_id: UUID = world.keys.derived_id("card-update", row.update_id.bytes)
    given = CardGiven(order.merchant_id, token_id, pan, said.exp_month or 0, said.exp_year or 0)
    await Vault(world).store(given)
    return answer, token_id


def _inquiry(world: World, order: Order, row: CardUpdateRow, card: Card | Stored) -> UpdateInquiry:
    route = next(
        (attempt.route for attempt in reversed(order.attempts) if attempt.sent_at is not None), None
    )
    acceptor_id = world.routes.acceptor_of(route, order.merchant.acceptor_id)
    return UpdateInquiry(
        row.update_id, order.merchant_id, acceptor_id, card, TIMEOUT_SECONDS, route
    )


def _read(said: CardUpdate, before: tuple[str, int, int], now: BusinessTime) -> Answer:
    if said.state != "updated":
        return said.state
    month, year = said.exp_month, said.exp_year
    if (
        month is None
        or year is None
        or not (1 <= month <= 12 and 2000 <= year <= 2100)
        or is_expired(month, year, now)
    ):
        return "unknown"
    if said.pan not in (None, before[0]):
        return "new_number"
    return "new_expiry" if (month, year) != before[1:] else "unchanged"


async def _of_method(world: World, order: Order, row: CardUpdateRow) -> tuple[Answer, UUID | None]:
    """Updates a card from the processor that keeps it: the method stays, its facts are renewed."""
    known, card, now = stored_of(order.card), order.card, world.clocks.wall()
    if known is None or card is None:
        return "unknown", None
    said, method = await _said_of_method(world, order, row, known)
    key = (order.merchant_id, card.token_id)
    if said.state == "closed":
        async with world.db.transaction() as tx:
            await close_method(tx, *key, now)
    answer = _read(said, ("", card.exp_month, card.exp_year), order.merchant.business(now))
    if answer == "new_expiry":
        async with world.db.transaction() as tx:
            month, year = said.exp_month, said.exp_year
            await renew_method(
                tx, *key, month, year, method.last4, None, method.fingerprint, None, None, now
            )
    return ("unchanged" if answer == "unknown" and said.state == "updated" else answer), None


async def _said_of_method(
    world: World, order: Order, row: CardUpdateRow, known: Stored
) -> tuple[CardUpdate, Stored]:
    """The answer in an updater's words, and the method as its processor describes it where that was
    queried."""
    processor = world.processors.get(known.route)
    if world.updater is not None and world.updater.keeps(known.route):
        said = await world.updater.update_of(_inquiry(world, order, row, known))
        return (replace(said, pan=None), known)  # a method stays under its own id
    if processor is None or not describes(processor):
        return UNKNOWN, known
    try:
        method = await described(world, processor, known)
    except Problem:
        return UNKNOWN, known
    if method is None:
        return CardUpdate("closed"), known
    if not method.exp_year:
        return CardUpdate("unchanged"), method
    return CardUpdate("updated", None, method.exp_month, method.exp_year), method


async def _for_order(
    world: World, order: Order, row: CardUpdateRow
) -> tuple[Answer, CardIds | None]:
    """An answer may have come for another order of the card: what that one has already is nothing
    new to it."""
    answer = row.answer or "unknown"
    if answer not in NEW or row.new_token_id is None:
        return answer, None
    token = await find_token(world.db, order.merchant_id, row.new_token_id)
    expiry = await expiry_of_card(world.db, order.merchant_id, row.new_token_id)
    if token is None or expiry is None or order.card is None:
        return "unknown", None
    same = (order.pan_id, order.card.exp_month, order.card.exp_year)
    if (expiry.pan_id, expiry.exp_month, expiry.exp_year) == same:
        return "unchanged", None
    card_id = identity_of(order.order_id, token.pan_id, token.magic)
    return answer, CardIds(row.new_token_id, card_id, token.pan_id)


async def _join(world: World, order: Order, card_id: UUID) -> None:
    """The new number is the same card to every limit; only what was said of the old number itself
    stays with that."""
    if order.card_id is not None and order.card_id != card_id:
        await join(world, order.card_id, (card_id,))
        async with world.db.transaction() as tx:
            await mark_replaced(tx, order.card_id, card_id)
