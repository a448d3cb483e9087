"""A payout on its way to the merchant's bank: a second person's approval, intent, call, outcome,
the bank's word."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

from recoup.audit.moves import note
from recoup.audit.rules import amount
from recoup.bank.moves import (
    approve_payout,
    ask_again,
    close_payout,
    close_sending,
    open_payout,
    stop_payout,
    wait_payout,
)
from recoup.bank.rules.bank_payout import check_approval, file_context
from recoup.bank.store.accounts import active_account, find_account, payout_file
from recoup.bank.store.payouts import LockedPayout, lock_account, lock_payout
from recoup.db.operation.standing import awaits_statement
from recoup.db.pool import retrying
from recoup.db.statement import Read, Tx
from recoup.kernel.counterpart_text import SENTENCE_MAX, kept
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import business_at
from recoup.kit.world import World
from recoup.merchants.store.sending_stops import standing_stop
from recoup.networks.card_text import masked_numbers
from recoup.orders.flows.external_call import call_with_timeout
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.processors.gateways.bank import Transfer
from recoup.processors.rules.bank_account import account_context, opened_account
from recoup.terms.store.settlement_terms import account_delay

REPLACED = "the bank account was replaced after the approval: approve it for the new one"


async def approve(
    world: World, scope: Scope, payout_id: UUID, reviewed: UUID | None = None
) -> None:
    """The second person's word; the caller has made sure that it decides for the operator.
    `reviewed`: the account that they saw.

    Raises: Problem not_found, wrong_state (also: account_changed), forbidden, conflict.
    """

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await _locked(tx, scope.merchant_id, payout_id)
            if row.killed:
                raise Problem(
                    "forbidden",
                    "Payouts of this merchant are switched off.",
                    cure="Switch it on first.",
                    detail="merchant_suspended",
                )
            now = business_at(wall, row.offset_us)
            account = await active_account(tx, scope.merchant_id, row.asset)
            since = account.active_at if account else now
            delay_days = await account_delay(tx, scope.merchant_id, since, now)
            check_approval(row, account, scope.actor.text(), now, delay_days)
            assert account is not None
            if reviewed not in (None, account.account_id):
                message = "The bank account was replaced since the payout was reviewed."
                raise Problem("conflict", message, cure="Review the payout again.")
            await approve_payout(
                tx, row, account.account_id, scope.actor.text(), now=now, wall=wall
            )
            details = {"amount": amount(row.units, row.asset)}
            await note(tx, scope, wall, "payout.approved", payout_id, details)

    await retrying(once)


async def tell_outcome(
    world: World, scope: Scope, payout_id: UUID, state: str, reason: str | None
) -> None:
    """Somebody read the bank's statement: `state` paid or returned.

    Raises: Problem not_found, wrong_state; Problem(invalid) for a return without a reason.
    """
    reason = " ".join((reason or "").split())[:200] or None
    if state not in ("paid", "returned"):
        raise invalid(
            "A payout is either paid or returned.", "outcome", "Use one of the two buttons."
        )
    if state == "returned" and reason is None:
        raise invalid("Enter why the bank returned it.", "reason", "Copy it from the statement.")
    await _close(world, scope.merchant_id, payout_id, state, reason, recorded_by=scope)


async def read_file(world: World, merchant_id: UUID, payout_id: UUID) -> tuple[str, bytes]:
    """Name and content of the file as it was made. Raises: Problem(not_found) before that;
    Problem(conflict) while the bank may have it from before a restore, and Problem(unavailable) in
    quarantine."""
    world.standing.check()
    if await awaits_statement(world.db.reader, merchant_id):
        message = (
            "After a restore, files for banks wait for a bank statement of the time that was lost."
        )
        cure = "Upload it on the page Reconciliation: it shows what the bank has paid already."
        raise Problem("conflict", message, cure=cure)
    row = await payout_file(world.db, merchant_id, payout_id)
    if row is None:
        raise Problem(
            "not_found",
            "The bank file of this payout does not exist yet.",
            cure="Approve the payout first.",
        )
    return row.file_name, world.keys.open_secret(file_context(payout_id), row.file)


async def go_on(world: World, merchant_id: UUID, payout_id: UUID) -> None:
    """Due work `bank_payout`: gives an approved one to the bank; asks what became of one that was
    sent."""
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, payout_id)
    if row.state == "approved":
        await _send(world, merchant_id, payout_id)
    elif row.state == "sent":
        await _ask(world, merchant_id, row)


async def _send(world: World, merchant_id: UUID, payout_id: UUID) -> None:
    bank, wall = world.bank, world.clocks.wall()
    timeout: timedelta = world.policy.call_timeout
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, payout_id)
        if row.state != "approved":
            return
        waits = row.killed or await standing_stop(tx)
        if waits or row.file is None and await awaits_statement(tx, merchant_id):
            await wait_payout(tx, row, wall)
            return
        if row.file is None and not await _still_active(tx, row):
            await stop_payout(tx, row, REPLACED, wall)
            return
        transfer = await _transfer(world, tx, row)
        file = bank.file(transfer)
        sealed = world.keys.seal_secret(file_context(payout_id), file.content)
        kept = (file.name, sealed, sha256(file.content).digest())
        row = await open_payout(tx, row, kept, wall + SEND_WITHIN + timeout)
        if row.file_hash != kept[2]:  # made before by another version of us: that one is the file
            assert row.file is not None
            content = world.keys.open_secret(file_context(payout_id), row.file)
            file = file._replace(name=row.file_name or "", content=content)
    outcome = await call_with_timeout(bank.send(transfer, file), timeout / timedelta(seconds=1))
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, payout_id)
        if row.state != "approved":
            return
        wall = world.clocks.wall()
        now = business_at(wall, row.offset_us)
        reason = outcome.own_code or outcome.text
        await close_sending(tx, row, outcome.state, reason, bank.asks_after, now=now, wall=wall)


async def _still_active(tx: Tx, row: LockedPayout) -> bool:
    """Its account is locked: nobody replaces it before the file is kept. Of a file that is made the
    bank may know."""
    assert row.account_id is not None, "it is approved"
    account = await lock_account(tx, row.merchant_id, row.account_id)
    return account is not None and account.state == "active"


async def _ask(world: World, merchant_id: UUID, row: LockedPayout) -> None:
    bank = world.bank
    async with world.db.connection() as connection:
        transfer = await _transfer(world, connection, row)
    answer = await bank.answer(transfer)
    if answer is not None:
        reason = kept(answer.reason, SENTENCE_MAX)
        await _close(world, merchant_id, row.payout_id, answer.state, reason, only_from="sent")
        return
    async with world.db.transaction() as tx:
        row = await _locked(tx, merchant_id, row.payout_id)
        now = business_at(world.clocks.wall(), row.offset_us)
        if row.state == "sent":
            await ask_again(tx, row, now + (bank.asks_after or timedelta(days=1)))


async def _close(
    world: World,
    merchant_id: UUID,
    payout_id: UUID,
    state: str,
    reason: str | None,
    *,
    only_from: str | None = None,
    recorded_by: Scope | None = None,
) -> None:
    """`reason`: the bank's words, or a file's of them: a card number in them is masked."""
    reason = masked_numbers(reason) if reason else None

    async def once() -> None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            row = await _locked(tx, merchant_id, payout_id)
            if only_from in (None, row.state):
                await close_payout(
                    tx, row, state, reason, now=business_at(wall, row.offset_us), wall=wall
                )
                if recorded_by is not None:
                    await note(
                        tx,
                        recorded_by,
                        wall,
                        f"payout.{state}",
                        payout_id,
                        {"state": [row.state, state]},
                    )

    await retrying(once)


async def _transfer(world: World, connection: Read, row: LockedPayout) -> Transfer:
    assert row.account_id is not None, "it is approved"
    assert row.approved_at is not None
    account = await find_account(connection, row.merchant_id, row.account_id)
    assert account is not None
    numbers = world.keys.open_secret(account_context(account.account_id), account.sealed)
    to = opened_account(account.scheme, account.holder, numbers)
    return Transfer(row.payout_id, to, row.units, row.asset, row.reference, row.approved_at)


async def _locked(tx: Tx, merchant_id: UUID, payout_id: UUID) -> LockedPayout:
    row = await lock_payout(tx, merchant_id, payout_id)
    if row is None:
        raise Problem("not_found", "There is no such payout.", cure="Check the id.")
    return row
