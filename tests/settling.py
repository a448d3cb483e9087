"""What tests of settlement need: a shop with approved orders, people who decide, an account that
takes payouts."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.worlds import Shop

from recoup.bank.flows import (
    approve_account,
    deposits_of,
    enter_account,
    prove_account,
)
from recoup.bank.store.accounts import find_account
from recoup.kernel.scope import Actor, Scope
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.processors.rules.bank_account import read_account
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.settlement.flows.settlement_terms import set_terms

YES = APPROVE_CARDS[2]
ROUTING, ACCOUNT = "011000015", "000123456789"
DAY = timedelta(days=1)


def person(shop: Shop, name: str) -> Scope:
    return Scope(shop.merchant_id, Actor("user", name), "test")


async def terms(shop: Shop, **change: Any) -> datetime:
    return await set_terms(shop.world, person(shop, "olga"), change)


async def rows(shop: Shop, sql: str, *args: Any) -> list[dict[str, Any]]:
    async with shop.world.db.connection() as connection:
        return [dict(r) for r in await connection.fetch(sql, shop.merchant_id, *args)]


async def batches(shop: Shop) -> list[dict[str, Any]]:
    return await rows(
        shop, "SELECT * FROM settlement_batches WHERE merchant_id = $1 ORDER BY period_to, asset"
    )


async def lines(shop: Shop, batch_id: UUID) -> list[dict[str, Any]]:
    sql = (
        "SELECT * FROM settlement_lines WHERE merchant_id = $1 AND batch_id = $2 ORDER BY "
        "posting_id, line_no"
    )
    return await rows(shop, sql, batch_id)


async def payouts(shop: Shop) -> list[dict[str, Any]]:
    return await rows(
        shop, "SELECT * FROM bank_payouts WHERE merchant_id = $1 ORDER BY created_at, payout_no"
    )


async def sold(shop: Shop, count: int = 1, **more: Any) -> list[UUID]:
    """Orders that are approved, now."""
    made = await shop.admit_many(count, **({"pan": YES, "days": None, "code": "05"} | more))
    await shop.settle()
    return made


async def give_back(shop: Shop, order_id: UUID, amount: str | None = None) -> None:
    await refund(
        shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount=amount, all=not amount)
    )
    await shop.settle()


async def with_account(
    shop: Shop, account: str = ACCOUNT, *, asset: str = "USD", by: str = "maya"
) -> UUID:
    """Entered by one, approved by another, and old enough to take payouts."""
    details = read_account("Brightleaf Tea LLC", routing=ROUTING, account=account)
    account_id = await enter_account(shop.world, person(shop, by), details, asset)
    async with shop.world.db.connection() as connection:
        row = await find_account(connection, shop.merchant_id, account_id)
    assert row is not None
    first, second = deposits_of(shop.world, row)
    assert await prove_account(shop.world, person(shop, by), account_id, (first, second))
    await approve_account(shop.world, person(shop, "olga"), account_id)
    return account_id
