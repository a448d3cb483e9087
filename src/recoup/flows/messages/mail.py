"""A mail to a payer: intent, call, outcome. Sent again with the same Message-ID when nobody knows whether it left."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from recoup.flows.hosted_link import checkout_token
from recoup.gateways.web.mail.port import Mail, Message, Posted
from recoup.kernel.money import Money, apart
from recoup.kernel.world import World
from recoup.moves.mails import close_mail, open_mail
from recoup.rules.messages.notices import NoticeFacts, is_address, words_of
from recoup.rules.network.descriptor import statement_text
from recoup.store.pool import retrying
from recoup.store.read.mails import mail_facts

log = structlog.get_logger()
SCHEMES = {"visa": "Visa card", "mastercard": "Mastercard", "amex": "American Express card", "discover": "card"}
LEASE = timedelta(seconds=30)  # beyond the call's own time-out


async def send_mail(world: World, merchant_id: UUID, mail_id: UUID) -> None:
    wait = world.policy.webhook_timeout

    async def intent() -> Any:
        async with world.db.transaction() as tx:
            if not await open_mail(tx, merchant_id, mail_id, world.clocks.wall() + wait + LEASE):
                return None
            return await mail_facts(tx, merchant_id, mail_id)

    row = await retrying(intent)
    if row is None:
        return
    posted = await _post(world, merchant_id, mail_id, row, wait / timedelta(seconds=1))
    state = "no_address" if posted is None else posted.state

    async def outcome() -> None:
        async with world.db.transaction() as tx:
            await close_mail(tx, merchant_id, mail_id, state, posted.why if posted else "", world.clocks.wall())

    await retrying(outcome)


async def _post(world: World, merchant_id: UUID, mail_id: UUID, row: Any, seconds: float) -> Posted | None:
    """None: the payer left no address that a mail can go to."""
    mail: Mail | None = world.mail
    if not is_address(row["email"]):
        return None
    if mail is None:
        return Posted("later", "no mail server is set up")
    try:
        words = words_of(_facts(world, merchant_id, row))
        support = row["support"] if is_address(row["support"]) else ""
        message = Message(mail_id, row["email"], row["shop"], support, words.subject, words.text, words.html)
        async with asyncio.timeout(seconds + 1):
            return await mail.send(message, seconds)
    except TimeoutError:
        return Posted("later", "no answer in time")
    except Exception as error:  # noqa: BLE001 - it counts as a try: backed off, shown, and at last given up
        log.warning("mail not sent", mail=str(mail_id), error=type(error).__name__)
        return Posted("later", type(error).__name__)


def _facts(world: World, merchant_id: UUID, row: Any) -> NoticeFacts:
    base = str(world.extra.get("url", ""))
    card = f"{SCHEMES.get(row['scheme'], 'card')} ending in {row['last4']}" if row["last4"] else "card"
    amount = apart(Money(row["units"], row["asset"]).text())
    return NoticeFacts(
        notice=row["notice"], shop=row["shop"], amount=f"{amount} {row['asset']}", card=card,
        statement=statement_text(row["descriptor"], row["scheme"]), order=row["external_id"],
        day=f"{row['business_at']:%-d %B %Y}", contact=row["support"] or row["url"], charge_page=f"{base}/charge",
        link=f"{base}/checkout/{checkout_token(world, merchant_id, row['order_id'])}", netted=row["netted"],
    )  # fmt: skip
