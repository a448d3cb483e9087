"""A mail with a link to pay, about to be sent: inside the budget, by day, to an address that has not unsubscribed."""

from datetime import timedelta
from uuid import UUID

from recoup.kernel.time import BusinessTime
from recoup.rules.rescue.contacts import LINK, WITHIN, by_day, why_withheld
from recoup.store.messages.contacts import contacted, lock_address, save_contact
from recoup.store.messages.mails import MailFacts, change_mail, lock_mail
from recoup.store.orders.changes import Rows, write
from recoup.store.orders.rows import DueKey
from recoup.store.statement import Tx

_SOONEST = timedelta(minutes=1)


async def claim_contact(
    tx: Tx, merchant_id: UUID, mail_id: UUID, address_id: UUID, facts: MailFacts, now: BusinessTime
) -> bool:
    """Whether it may be sent now; if not, it is withheld for good or waits for the day. After `open_mail`, in its
    transaction. A mail that is sent again counts once."""
    await lock_address(tx, merchant_id, address_id)
    before = await contacted(tx, merchant_id, address_id, mail_id, facts.order_id, now - WITHIN)
    why = why_withheld(facts.notice, before, waits=facts.waits)
    day = by_day(facts.country, now) if facts.notice == LINK else now
    if why is None and day <= now:
        await save_contact(tx, merchant_id, mail_id, facts.order_id, address_id, now)
        return True
    row = await lock_mail(tx, merchant_id, mail_id)
    assert row is not None
    rows, key = Rows(), DueKey(merchant_id, "mail", mail_id)
    if why is not None:
        rows.due_done.append(key)
        await change_mail(tx, merchant_id, mail_id, state="withheld", tries=row.tries - 1, why=why)
    else:
        rows.due_work.append(key.at(max(day, now + _SOONEST), wall=False))
        await change_mail(tx, merchant_id, mail_id, state="owed", tries=row.tries - 1, why=row.why)
    await write(tx, rows)
    return False
