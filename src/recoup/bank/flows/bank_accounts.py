"""A merchant's bank account: entered, proved by two small amounts, approved by a second person."""

import json
import secrets
from uuid import UUID

from msgspec.structs import replace

from recoup.audit.moves import note
from recoup.bank.store.accounts import AccountRow, active_account, count_accounts
from recoup.bank.store.payouts import add_account, lock_account, save_account
from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.processors.rules.bank_account import (
    TRIES_MAX,
    BankAccount,
    account_context,
    check_currency,
    deposits_context,
)
from recoup.terms.rules.settlement import check_second

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
                cure="Use one that was entered before.",
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
        row = await _locked(tx, scope.merchant_id, account_id, "added")
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
        row = await _locked(tx, scope.merchant_id, account_id, "verified")
        check_second(row.added_by, scope.actor.text(), "A new bank account")
        old = await active_account(tx, scope.merchant_id, row.asset)
        if old is not None:
            before = await _locked(tx, scope.merchant_id, old.account_id, "active")
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
        row = await _locked(tx, scope.merchant_id, account_id, "added", "verified")
        await save_account(tx, replace(row, state="refused", ended_at=now, reason=reason))
        details = {"state": [row.state, "refused"]}
        await note(tx, scope, world.clocks.wall(), "bank_account.refused", account_id, details)


def deposits_of(world: World, row: AccountRow) -> list[int]:
    """The two amounts, in the currency's smallest unit."""
    sealed: bytes = world.keys.open_secret(deposits_context(row.account_id), row.deposits)
    found: list[int] = json.loads(sealed)
    return found


def shown_deposits(world: World, row: AccountRow) -> list[int] | None:
    """Deposits that a twin's account statement shows; None where only its owner can read it."""
    return deposits_of(world, row) if world.bank.shows_deposits and row.state == "added" else None


async def _locked(tx: Tx, merchant_id: UUID, account_id: UUID, *states: str) -> AccountRow:
    row = await lock_account(tx, merchant_id, account_id)
    if row is None:
        raise Problem("not_found", "There is no such bank account.", cure="Check the id.")
    if row.state not in states:
        raise Problem(
            "wrong_state",
            Sentence("This bank account is {0}; this action is not possible.", row.state),
            cure="Reload the page: somebody may have acted first.",
        )
    return row


async def _now(world: World, merchant_id: UUID) -> BusinessTime:
    now: BusinessTime = world.clocks.business(await known_offset(world.db, merchant_id))
    return now
