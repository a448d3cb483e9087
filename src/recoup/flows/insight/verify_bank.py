"""What only the keys can show: the account behind each mask, and the file that was kept for the bank."""

import json
from hashlib import sha256
from uuid import UUID

from recoup.flows.world import World
from recoup.gateways.bank.files import says
from recoup.gateways.bank.port import Transfer
from recoup.kernel.problem import Problem
from recoup.rules.money.bank_account import BankAccount, account_context, deposits_context, opened_account
from recoup.rules.money.bank_payout import file_context
from recoup.store.insight.proofs.bank import PayoutFile, SealedAccount, accounts, files
from recoup.store.insight.proofs.walk import Difference
from recoup.store.statement import Read

Wrong = tuple[str, str, str]  # field, expected, found


async def bank(world: World, connection: Read, merchant_id: UUID) -> list[Difference]:
    judged = [
        (f"bank account {row.account_id}", _account(world, row)) async for row in accounts(connection, merchant_id)
    ]
    judged += [(f"bank payout {row.payout_id}", _file(world, row)) async for row in files(connection, merchant_id)]
    return [Difference(merchant_id, None, f"{wrong[0]} of {name}", *wrong[1:]) for name, wrong in judged if wrong]


def _account(world: World, row: SealedAccount) -> Wrong | None:
    """The numbers themselves are never shown."""
    account = _opened(world, row)
    if account is None:
        return "sealed numbers", "open", "do not open"
    if account.masked != row.masked:
        return "mask", account.masked, row.masked
    try:
        json.loads(world.keys.open_secret(deposits_context(row.account_id), row.deposits))
    except (Problem, ValueError):
        return "sealed deposits", "open", "do not open"
    return None


def _file(world: World, row: PayoutFile) -> Wrong | None:
    if row.file is None or row.file_hash is None or row.file_name is None:
        return "file", "name, content and hash", "not all of them"
    try:
        content = world.keys.open_secret(file_context(row.payout_id), row.file)
    except Problem:
        return "file", "opens", "does not open"
    if (found := sha256(content).digest()) != row.file_hash:
        return "hash of the file", found.hex(), row.file_hash.hex()
    account = _opened(world, row)
    if account is None or row.approved_at is None:
        return "account of the file", "opens", "does not open"
    transfer = Transfer(row.payout_id, account, row.units, row.asset, row.reference, row.approved_at)
    if not says(content, transfer) or row.file_name.partition(".")[0] != row.reference:
        return "file", "pays the payout's amount to its account under its reference", "says something else"
    return None


def _opened(world: World, row: SealedAccount | PayoutFile) -> BankAccount | None:
    if row.account_id is None or row.scheme is None or row.holder is None or row.sealed is None:
        return None
    try:
        numbers = world.keys.open_secret(account_context(row.account_id), row.sealed)
        return opened_account(row.scheme, row.holder, numbers)
    except (Problem, ValueError, KeyError, TypeError):
        return None
