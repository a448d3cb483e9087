"""Changes that a payout makes: the wallet is debited at the request, and credited again when the
payout fails."""

from datetime import datetime, timedelta
from typing import Final

from recoup.db.statement import Tx
from recoup.kernel.time import BusinessTime, WallTime, business_at
from recoup.orders.moves.pace import pause_after
from recoup.orders.moves.postings import book
from recoup.orders.rules.ledger import PAYABLE, Recipe
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import AnsweredKey, DueKey
from recoup.stablecoin.store.payouts import LockedPayout, NewPayout, add_payout, change_payout

ACCOUNTS: Final = {"payout_due": "Payouts owed"}
payout_requested: Final = Recipe("payout_requested", PAYABLE, "payout_due", "payout", wallet=True)
payout_paid: Final = Recipe(
    "payout_paid", "payout_due", "bank", "payout", files={"chain": "payout"}
)
# Rejected or failed: it is the merchant's again.
payout_returned: Final = Recipe("payout_returned", "payout_due", PAYABLE, "payout", wallet=True)
PAUSE = timedelta(minutes=1)


async def request_payout(
    tx: Tx, row: NewPayout, *, now: BusinessTime, wall: WallTime, answer: AnsweredKey | None
) -> None:
    """`answer`: the row of `requests` that remembers the caller's key, or None. The caller holds
    the wallet's lock."""
    rows = Rows()
    await add_payout(tx, row)
    posting = payout_requested(row.units)
    book(rows, row.merchant_id, row.asset, "payout", row.payout_id, [posting], now=now, wall=wall)
    rows.due_work.append(_key(row).at(wall, wall=True))
    if answer:
        rows.requests.append(answer)
    await write(tx, rows)


async def wait_payout(tx: Tx, row: LockedPayout, wall: WallTime) -> None:
    """Keeps a payout waiting while the merchant is killed, or nobody has approved it: nothing
    leaves; the money stays where it is."""
    await write(tx, Rows(due_work=[_key(row).at(wall + PAUSE, wall=True)]))


async def approve_payout(tx: Tx, row: LockedPayout, wall: WallTime) -> None:
    """A second person has agreed: it leaves now."""
    await change_payout(
        tx, row.merchant_id, row.payout_id, state="approved", reference=None, reason=None, tries=0
    )
    await write(tx, Rows(due_work=[_key(row).at(wall, wall=True)]))


async def open_payout(tx: Tx, row: LockedPayout, again_at: datetime) -> None:
    """Transaction A: it may be sent now, under its own id; looked at again if nobody says what
    became of it."""
    await change_payout(
        tx,
        row.merchant_id,
        row.payout_id,
        state="executing",
        reference=None,
        reason=None,
        tries=row.tries + 1,
    )
    await write(tx, Rows(due_work=[_key(row).at(again_at, wall=True)]))


async def close_payout(
    tx: Tx,
    row: LockedPayout,
    state: str,
    wall: WallTime,
    *,
    reference: str | None = None,
    reason: str | None,
) -> None:
    """Transaction B. `state`: paid, failed, rejected, or executing when it is not known yet: then
    the same id is sent again."""
    rows, key = Rows(), (row.merchant_id, row.payout_id)
    if state == "executing":
        rows.due_work.append(_key(row).at(wall + pause_after(row.tries), wall=True))
    else:
        posting = payout_paid(row.units) if state == "paid" else payout_returned(row.units)
        now = business_at(wall, row.offset_us)
        book(rows, key[0], row.asset, "payout", key[1], [posting], now=now, wall=wall)
        rows.due_done.append(_key(row))
        await change_payout(
            tx, *key, state=state, reference=reference, reason=reason, tries=row.tries
        )
    await write(tx, rows)


def _key(row: NewPayout | LockedPayout) -> DueKey:
    return DueKey(row.merchant_id, "payout", row.payout_id)
