"""Messages about to be sent: a mail or SMS with a link to pay, inside one budget, by day, to nobody
who has unsubscribed; and events once more, step by step through the feed."""

from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.time import BusinessTime, WallTime
from recoup.mail.rules.contacts import LINK, WITHIN, Channel, by_day, way_of, why_withheld
from recoup.mail.store.contacts import contacted, lock_addresses, save_contact
from recoup.mail.store.mails import MailFacts, change_mail, choose_channel, lock_mail
from recoup.notifications.store.alerts import lock_feed
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey, DueWork
from recoup.webhooks.store.replays import add_replay, add_replay_of_one, not_before, open_lanes

_SOONEST = timedelta(minutes=1)


class Addresses(NamedTuple):
    """Keyed hashes; None: nothing can go there, or nothing may."""

    mail: UUID | None
    number: UUID | None

    @property
    def known(self) -> list[UUID]:
        return [address for address in self if address is not None]


async def claim_contact(
    tx: Tx,
    merchant_id: UUID,
    mail_id: UUID,
    addresses: Addresses,
    facts: MailFacts,
    now: BusinessTime,
) -> Channel | None:
    """Claims the way by which a message may be sent now; if by none, it is withheld for good or
    waits for the day. After `open_mail`, in its transaction. What is sent again counts once and
    goes the same way. At least one address is known."""
    await lock_addresses(tx, merchant_id, addresses.known)
    before = await contacted(
        tx, merchant_id, addresses.known, mail_id, facts.order_id, now - WITHIN
    )
    why = why_withheld(facts.notice, before, waits=facts.waits)
    day = by_day(facts.country, now) if facts.notice == LINK else now
    if why is None and day <= now:
        channel = facts.channel if facts.contacted else _way(addresses, before.of_order)
        address_id = addresses.number if channel == "sms" else addresses.mail
        assert address_id is not None
        await choose_channel(tx, merchant_id, mail_id, channel)
        await save_contact(tx, merchant_id, mail_id, facts.order_id, address_id, now)
        return channel
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
    return None


def _way(addresses: Addresses, earlier: int) -> Channel:
    way = way_of(
        address=addresses.mail is not None, number=addresses.number is not None, earlier=earlier
    )
    assert way is not None
    return way


NUMBERS_A_STEP: Final = 1_000


async def begin_replay(
    tx: Tx,
    row: dict[str, Any],
    owner_id: UUID,
    numbers: tuple[int, int],
    *,
    partner: bool,
    stable: bool,
    wall: WallTime,
) -> None:
    """`row` as the table's, without the merchant and the numbers of its feed. Raises: KeyTaken for
    a key that came."""
    rows = Rows()
    for merchant_id in await add_replay(tx, row, owner_id, numbers, partner=partner, stable=stable):
        rows.due_work.append(DueWork(merchant_id, "replay", row["replay_id"], wall, wall=True))
    await write(tx, rows)


async def begin_one(
    tx: Tx, row: dict[str, Any], merchant_id: UUID, subject_id: UUID, seq: int, *, wall: WallTime
) -> None:
    """Begins a replay of one event, as `begin_replay` does. Raises: KeyTaken for a key that
    came."""
    rows = Rows()
    if await add_replay_of_one(tx, row, merchant_id, subject_id, seq):
        rows.due_work.append(DueWork(merchant_id, "replay", row["replay_id"], wall, wall=True))
    await write(tx, rows)


async def step_replay(tx: Tx, merchant_id: UUID, replay_id: UUID, wall: WallTime) -> bool:
    """Sends lanes back for what stands next in the feed; answers whether there is more. One event
    waits until its lane is through with its earlier replay: a lane goes back for one replay at a
    time."""
    rows = Rows()
    await lock_feed(tx, merchant_id)
    later = await not_before(tx, merchant_id, replay_id, wall)
    more = later is not None or await open_lanes(tx, merchant_id, replay_id, NUMBERS_A_STEP, wall)
    due = DueKey(merchant_id, "replay", replay_id)
    if more:
        rows.due_work.append(due.at(later or wall, wall=True))
    else:
        rows.due_done.append(due)
    await write(tx, rows)
    return more
