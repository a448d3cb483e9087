"""A merchant's bank account: entered, proved by two small amounts, approved by a second person. A
payout on its way there: a second person's approval, intent, call, outcome, the bank's word.

What an answer file of a bank says is done to the payouts it names; what cannot be done is reported,
line by line."""

import json
import secrets
from datetime import timedelta
from hashlib import sha256
from io import BytesIO
from typing import Literal, NamedTuple
from uuid import UUID

from msgspec.structs import replace

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
from recoup.bank.rules.answers import BYTES_MAX, answers_of
from recoup.bank.rules.bank_answers import PayoutReturn
from recoup.bank.rules.bank_payout import check_approval, file_context
from recoup.bank.rules.entries import written
from recoup.bank.store.accounts import (
    AccountRow,
    active_account,
    count_accounts,
    find_account,
    find_payout,
    payout_by_reference,
    payout_file,
)
from recoup.bank.store.payouts import (
    LockedPayout,
    add_account,
    lock_account,
    lock_payout,
    save_account,
)
from recoup.db.operation.standing import awaits_statement
from recoup.db.pool import retrying
from recoup.db.statement import Read, Tx
from recoup.kernel.counterpart_text import SENTENCE_MAX, kept
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime, business_at
from recoup.kit.workbooks import opened
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.sending_stops import standing_stop
from recoup.networks.card_text import masked_numbers
from recoup.orders.flows.external_call import call_with_timeout
from recoup.orders.moves.pace import SEND_WITHIN
from recoup.processors.gateways.bank import Transfer
from recoup.processors.rules.bank_account import (
    TRIES_MAX,
    BankAccount,
    account_context,
    check_currency,
    deposits_context,
    opened_account,
)
from recoup.terms.rules.settlement import check_second
from recoup.terms.store.settlement_terms import account_delay

ACCOUNTS_MAX = 500  # refused and replaced ones too: all are kept, and locked when one is decided on
DEPOSIT_MAX = 99  # of the currency's smallest unit


async def enter_account(world: World, scope: Scope, account: BankAccount, asset: str) -> UUID:
    """The numbers are sealed before they are kept, with the two amounts that its owner will read on
    the statement.

    Raises: Problem(invalid); Problem(conflict) for one too many.
    """
    if asset not in EXPONENTS:
        raise invalid("This currency is not known.", "currency", "Choose one from the list.")
    check_currency(account, asset)
    account_id = new_id()
    deposits = json.dumps([secrets.randbelow(DEPOSIT_MAX) + 1 for _ in range(2)]).encode()
    numbers = world.keys.seal_secret(account_context(account_id), account.numbers)
    amounts = world.keys.seal_secret(deposits_context(account_id), deposits)
    now = await _now(world, scope.merchant_id)
    async with world.db.transaction() as tx:
        if await count_accounts(tx, scope.merchant_id) >= ACCOUNTS_MAX:
            raise Problem(
                "conflict",
                Sentence(
                    "A merchant has at most {0} bank accounts, refused ones included.", ACCOUNTS_MAX
                ),
                "Use one that was entered before.",
            )
        await add_account(
            tx,
            scope.merchant_id,
            account_id,
            asset,
            account.scheme,
            account.holder,
            account.masked,
            numbers,
            amounts,
            scope.actor.text(),
            now,
        )
        details = {"currency": asset, "account": account.masked}
        await note(tx, scope, world.clocks.wall(), "bank_account.entered", account_id, details)
    return account_id


async def prove_account(
    world: World, scope: Scope, account_id: UUID, amounts: tuple[int, int]
) -> bool:
    """Checks that these are the two amounts, in any order. After three wrong answers the account is
    refused.

    Raises: Problem not_found, wrong_state.
    """
    now = await _now(world, scope.merchant_id)
    async with world.db.transaction() as tx:
        row = await _locked_account(tx, scope.merchant_id, account_id, "added")
        right = sorted(amounts) == sorted(deposits_of(world, row))
        if right:
            row = replace(row, state="verified", verified_at=now)
        else:
            row = replace(row, tries=row.tries + 1)
            if row.tries >= TRIES_MAX:
                row = replace(row, state="refused", ended_at=now, reason="three wrong amounts")
        await save_account(tx, row)
        details = (
            {"state": ["added", row.state]}
            if row.state != "added"
            else {"wrong_answers": row.tries}
        )
        await note(
            tx,
            scope,
            world.clocks.wall(),
            f"bank_account.{'proved' if right else 'not_proved'}",
            account_id,
            details,
        )
    return right


async def approve_account(world: World, scope: Scope, account_id: UUID) -> None:
    """The second person's word. From here on it is the one of its currency; the one before takes no
    more payouts.

    Raises: Problem not_found, wrong_state, forbidden.
    """
    now = await _now(world, scope.merchant_id)
    async with world.db.transaction() as tx:
        row = await _locked_account(tx, scope.merchant_id, account_id, "verified")
        check_second(row.added_by, scope.actor.text(), "A new bank account")
        old = await active_account(tx, scope.merchant_id, row.asset)
        if old:
            before = await _locked_account(tx, scope.merchant_id, old.account_id, "active")
            await save_account(tx, replace(before, state="replaced", ended_at=now))
        await save_account(
            tx, replace(row, state="active", approved_by=scope.actor.text(), active_at=now)
        )
        details = {"currency": row.asset, "account": [old.masked if old else None, row.masked]}
        await note(tx, scope, world.clocks.wall(), "bank_account.approved", account_id, details)


async def refuse_account(world: World, scope: Scope, account_id: UUID, reason: str) -> None:
    """Refuses an account that is not active yet. Raises: Problem not_found, wrong_state,
    invalid."""
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise invalid(
            "Give a reason for refusing the account.",
            "reason",
            "Enter the reason beside the button.",
        )
    now = await _now(world, scope.merchant_id)
    async with world.db.transaction() as tx:
        row = await _locked_account(tx, scope.merchant_id, account_id, "added", "verified")
        await save_account(tx, replace(row, state="refused", ended_at=now, reason=reason))
        details = {"state": [row.state, "refused"]}
        await note(tx, scope, world.clocks.wall(), "bank_account.refused", account_id, details)


def deposits_of(world: World, row: AccountRow) -> list[int]:
    """The two amounts, in the currency's smallest unit."""
    sealed: bytes = world.keys.open_secret(deposits_context(row.account_id), row.deposits)
    amounts: list[int] = json.loads(sealed)
    return amounts


def shown_deposits(world: World, row: AccountRow) -> list[int] | None:
    """Deposits that a twin's account statement shows; None where only its owner can read it."""
    return deposits_of(world, row) if world.bank.shows_deposits and row.state == "added" else None


async def _locked_account(tx: Tx, merchant_id: UUID, account_id: UUID, *states: str) -> AccountRow:
    row = await lock_account(tx, merchant_id, account_id)
    if row is None:
        raise Problem("not_found", "There is no such bank account.", "Check the id.")
    if row.state not in states:
        raise Problem(
            "wrong_state",
            Sentence("This bank account is {0}; this action is not possible.", row.state),
            "Reload the page: somebody may have acted first.",
        )
    return row


async def _now(world: World, merchant_id: UUID) -> BusinessTime:
    now: BusinessTime = world.clocks.business(await known_offset(world.db, merchant_id))
    return now


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
                    "Switch it on first.",
                    detail="merchant_suspended",
                )
            now = business_at(wall, row.offset_us)
            account = await active_account(tx, scope.merchant_id, row.asset)
            since = account.active_at if account else now
            delay_days = await account_delay(tx, scope.merchant_id, since, now)
            check_approval(row, account, scope.actor.text(), now, delay_days)
            assert account
            if reviewed not in (None, account.account_id):
                message = "The bank account was replaced since the payout was reviewed."
                raise Problem("conflict", message, "Review the payout again.")
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
        raise Problem("conflict", message, cure)
    row = await payout_file(world.db, merchant_id, payout_id)
    if row is None:
        raise Problem(
            "not_found",
            "The bank file of this payout does not exist yet.",
            "Approve the payout first.",
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
    assert row.account_id, "it is approved"
    account = await lock_account(tx, row.merchant_id, row.account_id)
    return account is not None and account.state == "active"


async def _ask(world: World, merchant_id: UUID, row: LockedPayout) -> None:
    bank = world.bank
    async with world.db.connection() as connection:
        transfer = await _transfer(world, connection, row)
    answer = await bank.answer(transfer)
    if answer:
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
                if recorded_by:
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
    assert row.account_id, "it is approved"
    assert row.approved_at
    account = await find_account(connection, row.merchant_id, row.account_id)
    assert account
    numbers = world.keys.open_secret(account_context(account.account_id), account.sealed)
    to = opened_account(account.scheme, account.holder, numbers)
    return Transfer(row.payout_id, to, row.units, row.asset, row.reference, row.approved_at)


async def _locked(tx: Tx, merchant_id: UUID, payout_id: UUID) -> LockedPayout:
    row = await lock_payout(tx, merchant_id, payout_id)
    if row is None:
        raise Problem("not_found", "There is no such payout.", "Check the id.")
    return row


class AnswerTaken(NamedTuple):
    """A row with what was done; `known`: it was said before; `told`: it changes nothing. `why`:
    nothing was done."""

    payout_return: PayoutReturn
    done: Literal["paid", "returned", "known", "told", "not_done"]
    why: str = ""


async def take_answers(world: World, scope: Scope, content: bytes) -> list[AnswerTaken]:
    """A second time changes nothing.

    Raises: Problem invalid, too_large for what is no such file.
    """
    async with opened(BytesIO(content)) as plain:
        answers = answers_of(plain.read(BYTES_MAX + 1))
    return [
        AnswerTaken(payout_return, "not_done", payout_return.wrong)
        if payout_return.wrong
        else await _take(world, scope, payout_return)
        for payout_return in answers
    ]


async def _take(world: World, scope: Scope, payout_return: PayoutReturn) -> AnswerTaken:
    payout_id = parse_id(payout_return.payout) or await payout_by_reference(
        world.db, scope.merchant_id, payout_return.payout
    )
    payout = await find_payout(world.db, scope.merchant_id, payout_id) if payout_id else None
    if payout is None:
        return AnswerTaken(payout_return, "not_done", "there is no such payout")
    if payout_return.outcome == "notice":
        return AnswerTaken(payout_return, "told", payout_return.reason)
    if payout_return.units is not None and (payout_return.units, payout_return.asset) != (
        payout.units,
        payout.asset,
    ):
        theirs = f"{written(payout_return.units, payout_return.asset)} {payout_return.asset}"
        ours = f"{written(payout.units, payout.asset)} {payout.asset}"
        return AnswerTaken(
            payout_return,
            "not_done",
            Sentence("the file says {0}, but the payout is {1}", theirs, ours),
        )
    if payout.state == payout_return.outcome:
        return AnswerTaken(payout_return, "known")
    try:
        await tell_outcome(
            world, scope, payout.payout_id, payout_return.outcome, payout_return.reason
        )
    except Problem as problem:
        return AnswerTaken(payout_return, "not_done", problem.message)
    return AnswerTaken(payout_return, "paid" if payout_return.outcome == "paid" else "returned")
