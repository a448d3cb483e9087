"""A mail to a payer, or an SMS, in the language of their billing country: intent, call, outcome.
Sent again with the same id when nobody knows whether it left."""

from datetime import timedelta
from uuid import UUID

from recoup.db.pool import retrying
from recoup.kernel.money import money
from recoup.kernel.time import business_at
from recoup.kit.languages.catalogues import language_in
from recoup.kit.languages.locale import Locale
from recoup.kit.world import World
from recoup.mail.flows.post_mail import post_mail
from recoup.mail.flows.post_sms import post_sms
from recoup.mail.moves import close_mail, open_mail
from recoup.mail.rules.contacts import CONTACTS, LINK, Channel, sms_number
from recoup.mail.rules.payer_words import NoticeFacts, card_of, sms_of, words_of
from recoup.mail.store.mails import MailFacts, mail_facts
from recoup.networks.descriptor import statement_text
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.rules.notices import is_address
from recoup.outside.mail.port import Message, Posted
from recoup.outside.sms.port import Sms
from recoup.webhooks.flows.contacts import addresses_of, one_click, stop_link
from recoup.webhooks.moves import Addresses, claim_contact

LEASE = timedelta(seconds=30)  # beyond the call's own time-out


async def send_mail(world: World, merchant_id: UUID, mail_id: UUID) -> None:
    wait = world.policy.webhook_timeout

    async def intent() -> tuple[MailFacts, Channel] | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            if not await open_mail(tx, merchant_id, mail_id, wall + wait + LEASE):
                return None
            row = await mail_facts(tx, merchant_id, mail_id)
            if row is None:
                return None
            addresses = _addresses(world, merchant_id, row)
            if row.notice not in CONTACTS or not addresses.known:
                return row, row.channel
            now = business_at(wall, row.offset_us)
            channel = await claim_contact(tx, merchant_id, mail_id, addresses, row, now)
            return (row, channel) if channel else None

    claimed = await retrying(intent)
    if claimed is None:
        return
    row, channel = claimed
    post = _post_sms if channel == "sms" else _post
    posted = await post(world, merchant_id, mail_id, row, wait / timedelta(seconds=1))
    state = "no_address" if posted is None else posted.state

    async def outcome() -> None:
        async with world.db.transaction() as tx:
            await close_mail(
                tx, merchant_id, mail_id, state, posted.why if posted else "", world.clocks.wall()
            )

    await retrying(outcome)


def _addresses(world: World, merchant_id: UUID, row: MailFacts) -> Addresses:
    """Addresses that a message may go to: by SMS only what the merchant switched on; what was
    attempted, the same way again."""
    addresses = addresses_of(world, merchant_id, row.email, row.phone)
    if row.contacted:
        return (
            addresses._replace(mail=None)
            if row.channel == "sms"
            else addresses._replace(number=None)
        )
    by_sms = row.by_sms and row.notice == LINK and world.sms is not None
    return addresses if by_sms else addresses._replace(number=None)


async def _post_sms(
    world: World, merchant_id: UUID, mail_id: UUID, row: MailFacts, seconds: float
) -> Posted | None:
    """Posts an SMS; None: the payer left no number that it can go to."""
    number = sms_number(row.phone)
    if not number:
        return None
    to = Locale(language_in(row.country))
    sms = Sms(mail_id, number, row.shop, sms_of(_facts(world, merchant_id, row, to), to))
    return await post_sms(world, sms, seconds)


async def _post(
    world: World, merchant_id: UUID, mail_id: UUID, row: MailFacts, seconds: float
) -> Posted | None:
    """Posts a mail; None: the payer left no address that it can go to."""
    if not is_address(row.email):
        return None

    def compose() -> Message:
        to = Locale(language_in(row.country))
        words = words_of(_facts(world, merchant_id, row, to), to)
        support = row.support if is_address(row.support) else ""
        headers = one_click(world, merchant_id, row.order_id) if row.notice in CONTACTS else ()
        return Message(
            mail_id, row.email, row.shop, support, words.subject, words.text, words.html, headers
        )

    return await post_mail(world, compose, seconds, "mail", mail=str(mail_id))


def _facts(world: World, merchant_id: UUID, row: MailFacts, to: Locale) -> NoticeFacts:
    base = world.url
    return NoticeFacts(
        notice=row.notice,
        shop=row.shop,
        amount=f"{money(row.units, row.asset)} {row.asset}",
        card=card_of(row.scheme, row.last4, to),
        statement=statement_text(row.descriptor, row.scheme),
        order=row.external_id,
        day=to.day(row.business_at),
        contact=row.support or row.url,
        charge_page=f"{base}/charge",
        link=f"{base}/checkout/{checkout_token(world, merchant_id, row.order_id)}",
        stop=stop_link(world, merchant_id, row.order_id) if row.notice in CONTACTS else "",
        netted=row.netted,
    )
