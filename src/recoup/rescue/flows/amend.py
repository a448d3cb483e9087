"""The merchant changes an open order: another card, another expiry, its notes, no further attempts
or on with them."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from recoup.kernel.problem import invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.networks.magic import identity_of
from recoup.orders.moves.change import Change
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.typed_card import CardIds
from recoup.rescue.flows.due import start
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.pick_route import check_other_card
from recoup.rescue.moves.amendment import check_open, move_expiry, note, replace_card, want_attempts
from recoup.rescue.store.evaluate import Token, find_token, order_outcome

NOTES_MAX = 50


@dataclass(frozen=True, slots=True)
class Amended:
    """The requested changes; None and empty leave things as they are."""

    token_id: UUID | None = None
    expires_at: datetime | None = None
    metadata: dict[str, str | None] = field(default_factory=dict)
    do_not_retry: bool | None = None


async def amend(
    world: World, orders: Orders, scope: Scope, order_id: UUID, amendment: Amended
) -> tuple[str, ...]:
    """All of it or nothing. A repeat changes nothing. Answers warnings.

    Raises: Problem not_found, wrong_state, conflict, invalid.
    """
    key = (scope.merchant_id, order_id)
    token = await _token(world, orders, key, amendment.token_id) if amendment.token_id else None

    def work(change: Change) -> tuple[str, ...]:
        check_open(change)
        warnings: tuple[str, ...] = ()
        if amendment.do_not_retry:
            want_attempts(change, wanted=False)
        if amendment.expires_at is not None:
            warnings = move_expiry(change, amendment.expires_at, world.policy)
        if amendment.token_id is not None and token is not None:
            check_other_card(world, change.order, token.scheme, token.bin, token.route)
            card_id = identity_of(order_id, token.pan_id, token.magic)
            replace_card(change, CardIds(amendment.token_id, card_id, token.pan_id))
        if amendment.do_not_retry is False:
            want_attempts(change, wanted=True)
        note(change, amendment.metadata, NOTES_MAX)
        return warnings

    return await orders.run(work, key, scope, door="rescue")


async def _token(
    world: World, orders: Orders, key: tuple[UUID, UUID], token_id: UUID
) -> Token | None:
    """The new card. An order that nobody looked at yet is picked up first: the decline that came in
    counts on the card that it was of."""
    order = await order_outcome(world.db, *key)
    token = await find_token(world.db, key[0], token_id)
    if order is None or order.kind == "stable":
        return None  # there is no such order here
    if token is None:
        message = "The card token is not known for this merchant."
        raise invalid(message, "CardToken", "Tokenize the card first.")
    if order.stage == Stage.RECEIVED:
        await start(orders, key)
    return token
