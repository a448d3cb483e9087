"""A network token in a charge: opened from the vault, with a cryptogram for this one charge; and what the charge's
answer says of the token itself."""

import asyncio
import json
from contextlib import suppress
from typing import Final

from recoup.flows.world import World
from recoup.gateways.cards.credential import NetworkToken
from recoup.gateways.cards.outcome import Outcome
from recoup.gateways.cards.token_service import CryptogramRequest
from recoup.gateways.keys.sealing import Sealed
from recoup.kernel.problem import Problem
from recoup.rules.order.card_facts import TokenFacts
from recoup.rules.order.snapshot import Attempt, Order
from recoup.rules.rescue.network_token import UNUSABLE
from recoup.store.cards.network_tokens import set_standing

CRYPTOGRAM_SECONDS_MAX: Final = 1.0
CRYPTOGRAM_SHARE: Final = 4  # of a charge's time at most a quarter is waited for it
CRYPTOGRAM_MAX: Final = 128
NOT_USABLE: Final = Outcome("not_sent", processor_code=UNUSABLE, text="not sent: the network token cannot be used")


async def token_credential(world: World, order: Order, attempt: Attempt) -> NetworkToken | None:
    """What the attempt goes by; None where its token cannot be used: then nothing leaves. A charge whose customer is
    there needs a cryptogram, the merchant's own may go without."""
    token = order.network_token
    if token is None or token.network_token_id != attempt.network_token_id or token.sealed is None:
        return None
    try:
        plain = world.keys.open_card(world.name, order.merchant_id, token.network_token_id, Sealed(*token.sealed))
    except Problem:
        return None
    cryptogram = await _cryptogram(world, order, attempt, token)
    if cryptogram is None and attempt.initiator == "customer":
        return None
    scheme = order.card.scheme if order.card else "generic"
    number = json.loads(plain)["pan"]
    return NetworkToken(number, token.exp_month, token.exp_year, scheme, token.requestor_id, cryptogram)


async def _cryptogram(world: World, order: Order, attempt: Attempt, token: TokenFacts) -> str | None:
    service = world.token_services.get(token.service)
    if service is None:
        return None
    seconds = min(CRYPTOGRAM_SECONDS_MAX, (attempt.call_timeout_ms or 0) / 1000 / CRYPTOGRAM_SHARE)
    request = CryptogramRequest(
        attempt.attempt_id,
        token.network_token_id,
        order.merchant_id,
        attempt.units,
        attempt.asset,
        max(1, attempt.sends),
        seconds,
    )
    found = None
    with suppress(Exception):  # whatever became of it, there is none
        async with asyncio.timeout(seconds):
            found = await service.cryptogram(request)
    given = found is not None and 0 < len(found) <= CRYPTOGRAM_MAX and found.isascii() and found.isprintable()
    return found if given else None


async def keep_token_news(world: World, order: Order, attempt: Attempt, outcome: Outcome) -> None:
    """Before the outcome is closed: a process that dies meanwhile hears it again when it inquires. Raises:
    Problem(unavailable)."""
    news = outcome.credential_news
    if attempt.network_token_id is None or news is None:
        return
    expiry = expiry_of(news.exp_month, news.exp_year)
    if news.standing is None and expiry is None:
        return
    async with world.db.transaction() as tx:
        now = world.clocks.wall()
        await set_standing(tx, order.merchant_id, attempt.network_token_id, news.standing, expiry, now)


def expiry_of(month: int | None, year: int | None) -> tuple[int, int] | None:
    """Only what a token can have."""
    if month is None or year is None or not (1 <= month <= 12 and 2000 <= year <= 2100):
        return None
    return month, year
