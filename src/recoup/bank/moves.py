"""Changes of a payout to a bank: its row, the book, its events, the work that looks after it."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from recoup.bank.rules.bank_payout import check_step, reference_of, word_of
from recoup.bank.store.payouts import LockedPayout, add_payout, add_payout_state, save_payout
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.time import BusinessTime, WallTime, business_at
from recoup.notifications.moves import alert
from recoup.orders.moves.event import add_event
from recoup.orders.moves.pace import pause_after
from recoup.orders.moves.postings import book
from recoup.orders.rules import ledger
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import DueKey

PAUSE_KILLED: Final = timedelta(minutes=1)
SCHEDULED: Final = 0  # the step of the alert that comes before every event
NO_ANSWER: Final = "the bank did not answer"


async def begin_payout(
    tx: Tx,
    merchant_id: UUID,
    batch_id: UUID,
    asset: str,
    units: int,
    requested_by: str,
    *,
    period_to: datetime,
    now: BusinessTime,
    wall: WallTime,
    payout_no: int = 1,
) -> UUID:
    """Schedules a payout: it waits for its approval, and nothing was sent. `version` counts its
    events. `period_to`: of its settlement."""
    payout_id, rows = new_id(), Rows()
    reference = reference_of(merchant_id, asset, period_to, payout_no)
    await add_payout(
        tx, merchant_id, payout_id, batch_id, payout_no, asset, units, reference, requested_by, now
    )
    await add_payout_state(tx, merchant_id, payout_id, "created", now, wall)
    alert(rows, merchant_id, "payout", payout_id, SCHEDULED, {}, wall)
    await write(tx, rows)
    return payout_id


async def approve_payout(
    tx: Tx, row: LockedPayout, account_id: UUID, approver: str, *, now: BusinessTime, wall: WallTime
) -> None:
    """Approves a payout to this account and no other. From here on it is sent as soon as it can
    be."""
    rows = Rows()
    rows.due_work.append(_key(row).at(wall, wall=True))
    await _save(
        tx,
        replace(
            row,
            state="approved",
            account_id=account_id,
            approved_by=approver,
            approved_at=now,
            reason=None,
        ),
        row.state,
        wall,
    )
    await write(tx, rows)


async def wait_payout(tx: Tx, row: LockedPayout, wall: WallTime) -> None:
    """Postpones a payout: nothing leaves while the merchant is killed."""
    await write(tx, Rows(due_work=[_key(row).at(wall + PAUSE_KILLED, wall=True)]))


async def stop_payout(tx: Tx, row: LockedPayout, reason: str, wall: WallTime) -> None:
    """Stops a payout before its file is made: it waits for an approval again. For the merchant it
    was pending all the time."""
    rows = Rows()
    facts = {
        "payout_id": row.payout_id,
        "batch_id": row.batch_id,
        "units": row.units,
        "asset": row.asset,
        "status": "waits_again",
    }
    alert(rows, row.merchant_id, "payout", row.payout_id, -int(wall.timestamp()), facts, wall)
    rows.due_done.append(_key(row))
    await _save(
        tx,
        replace(
            row, state="created", account_id=None, approved_by=None, approved_at=None, reason=reason
        ),
        row.state,
        wall,
    )
    await write(tx, rows)


async def open_payout(
    tx: Tx, row: LockedPayout, file: tuple[str, bytes, bytes], again_at: datetime
) -> LockedPayout:
    """Transaction A. `file`: name, sealed content, hash; kept the first time. It may be given to
    the bank now."""
    rows = Rows()
    if row.file is None:
        row = replace(row, file_name=file[0], file=file[1], file_hash=file[2])
    row = replace(row, tries=row.tries + 1, reason=None)
    rows.due_work.append(_key(row).at(again_at, wall=True))
    await save_payout(tx, row)
    await write(tx, rows)
    return row


async def close_sending(
    tx: Tx,
    row: LockedPayout,
    state: str,
    reason: str | None,
    asks_after: timedelta | None,
    *,
    now: BusinessTime,
    wall: WallTime,
) -> None:
    """Transaction B. `state`: approved, the bank has it; declined, it does not take it; whatever
    else is sent again, under the same id, more and more seldom."""
    rows, before = Rows(), row.state
    if state == "approved":
        row = replace(row, state="sent", sent_at=now, reason=None)
        if row.version == 0:  # the release before sent the event when the payout was scheduled
            row = replace(row, version=1)
            _tell(rows, row, "payout.created", "pending", now, wall)
        _post(rows, row, ledger.paid_out(row.units), now, wall)
        rows.due_work.append(
            _key(row).at(now + asks_after, wall=False)
        ) if asks_after is not None else rows.due_done.append(_key(row))
    elif state == "declined":
        row = _end(rows, row, "returned", reason or "the bank did not take the file", now, wall)
    else:
        rows.due_work.append(_key(row).at(wall + pause_after(row.tries), wall=True))
        row = replace(row, reason=reason or NO_ANSWER)
    await _save(tx, row, before, wall)
    await write(tx, rows)


async def close_payout(
    tx: Tx, row: LockedPayout, state: str, reason: str | None, *, now: BusinessTime, wall: WallTime
) -> None:
    """Closes a payout as the bank said: paid, or returned, which makes it due again. Raises:
    Problem(wrong_state), also while it is being given to the bank, which may take it yet."""
    check_step(row.state, state)
    if row.state == "approved" and row.tries and row.reason is None:
        raise Problem(
            "wrong_state",
            "This payout is being given to the bank at this moment.",
            "Wait until the bank has answered.",
        )
    rows, before = Rows(), row.state
    if state == "returned" and row.state in ("sent", "paid"):
        _post(rows, row, ledger.payout_bounced(row.units), now, wall)
    row = _end(rows, row, state, reason, now, wall)
    await _save(tx, row, before, wall)
    await write(tx, rows)


async def ask_again(tx: Tx, row: LockedPayout, at: datetime) -> None:
    await write(tx, Rows(due_work=[_key(row).at(at, wall=False)]))


async def _save(tx: Tx, row: LockedPayout, before: str, wall: WallTime) -> None:
    """Saves a payout, with the state that it came into, if it is another one."""
    await save_payout(tx, row)
    if row.state != before:
        await add_payout_state(
            tx, row.merchant_id, row.payout_id, row.state, business_at(wall, row.offset_us), wall
        )


def _end(
    rows: Rows, row: LockedPayout, state: str, reason: str | None, now: BusinessTime, wall: WallTime
) -> LockedPayout:
    state_word = word_of(state, row.state)
    row = replace(row, state=state, reason=reason, ended_at=now, version=row.version + 1)
    _tell(rows, row, "payout.updated", state_word, now, wall)
    rows.due_done.append(_key(row))
    return row


def _tell(
    rows: Rows, row: LockedPayout, event: str, status: str, now: BusinessTime, wall: WallTime
) -> None:
    add_event(
        rows,
        row.merchant_id,
        "payout",
        row.payout_id,
        event,
        now=now,
        wall=wall,
        seq=row.version,
        payout_id=row.payout_id,
        settlement_id=row.batch_id,
        status=status,
        amount=row.units,
        currency=row.asset,
    )


def _post(
    rows: Rows, row: LockedPayout, posting: ledger.Posting, now: BusinessTime, wall: WallTime
) -> None:
    book(
        rows,
        row.merchant_id,
        row.asset,
        "bank_payout",
        row.payout_id,
        [posting],
        now=now,
        wall=wall,
    )


def _key(row: LockedPayout) -> DueKey:
    return DueKey(row.merchant_id, "bank_payout", row.payout_id)
