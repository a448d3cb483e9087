"""Facts that a processor gives of a card that it keeps: as the method comes for the first time,
with an answer, and once more when what is known is old."""

import asyncio
import re
from contextlib import suppress
from datetime import timedelta
from typing import Final

from recoup.cards.flows.joined_cards import join, names_of
from recoup.cards.rules.method_gone import METHOD_GONE, is_closed
from recoup.cards.store.stored_methods import claim_description, close_method, renew_method
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.networks.card import luhn
from recoup.orders.rules.snapshot import Order
from recoup.processors.gateways.credential import CredentialNews, Stored
from recoup.processors.gateways.describing import Describing, describes
from recoup.processors.gateways.port import Outcome

OLD: Final = timedelta(days=30)
AGAIN: Final = timedelta(days=1)  # where the processor did not say
_ID: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:=-]{0,254}")


async def described(world: World, processor: Describing, given: Stored) -> Stored | None:
    """Describes a method within half of the time that a waiting customer has. Raises:
    Problem(unavailable)."""
    try:
        async with asyncio.timeout(world.policy.cit_deadline / timedelta(seconds=2)):
            return await processor.describe(given)
    except TimeoutError:
        message = "The card processor did not say in time what this payment method is."
        raise Problem(
            "unavailable", message, cure="Send the same call again.", retry_after_seconds=1
        ) from None


async def keep_news(world: World, order: Order, outcome: Outcome) -> None:
    """Keeps what an answer says of a stored method, for its next send and its other orders. Where
    storing it fails, they find out by themselves."""
    news, card = outcome.credential_news or CredentialNews(), order.card
    if card is None or card.stored is None or is_closed(order):
        return
    gone = outcome.own_code == METHOD_GONE or news.is_closed
    month, year = _expiry(news.exp_month, news.exp_year)
    id = news.id if news.id and _ID.fullmatch(news.id) and not luhn(news.id) else None
    if not (gone or month or id):
        return
    now, key = world.clocks.wall(), (order.merchant_id, card.token_id)
    with suppress(Problem):
        async with world.db.transaction() as tx:
            if gone:
                await close_method(tx, *key, now)
            else:
                await renew_method(tx, *key, month, year, None, id, None, None, None, now)


async def look_again(world: World, order: Order, known: Stored | None) -> None:
    """The facts of a method that are older than 30 days, read anew. Nobody waits for it; never
    raises."""
    processor = world.processors.get(known.route) if known else None
    if (
        known is None
        or processor is None
        or order.card is None
        or not describes(processor)
        or is_closed(order)
    ):
        return
    now, key = world.clocks.wall(), (order.merchant_id, order.card.token_id)
    with suppress(Problem):
        async with world.db.transaction() as tx:
            if await claim_description(tx, *key, now - OLD + AGAIN, now - OLD) is None:
                return
        method = await described(world, processor, known)
        if method is None:  # its next send says so
            return
        if order.card_id is not None and order.card_id == order.pan_id:
            names = names_of(world, processor, method.account_reference, method.fingerprint)
            await join(world, order.card_id, names)
        month, year = _expiry(method.exp_month, method.exp_year)
        async with world.db.transaction() as tx:
            await renew_method(
                tx,
                *key,
                month,
                year,
                method.last4,
                None,
                method.fingerprint,
                method.funding,
                method.country,
                now,
            )


def _expiry(month: int | None, year: int | None) -> tuple[int | None, int | None]:
    """The expiry, both parts or neither, and only what a card can have."""
    if month is None or year is None or not (1 <= month <= 12 and 2000 <= year <= 2100):
        return None, None
    return month, year
