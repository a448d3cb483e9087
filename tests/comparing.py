"""What tests of reconciliation need: a shop that sold, the sandbox's statement of it, edits, and
what came of them."""

import io
from collections import Counter
from typing import Any

from tests.worlds import Shop

from recoup.bank.rules.reading import Reading
from recoup.kernel.scope import Actor, Scope
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.reconciliation.flows.reconcile import File, Ran, reconcile
from recoup.reconciliation.flows.sandbox_statement import sandbox_statement
from recoup.reconciliation.store.reconciliation import run_lines
from recoup.refunds.flows.refund import RefundRequest, refund

YES = APPROVE_CARDS[2]


def person(shop: Shop, name: str = "olga") -> Scope:
    return Scope(shop.merchant_id, Actor("user", name), "test")


async def sold(shop: Shop, count: int = 3, refunds: int = 1) -> list[Any]:
    orders = await shop.admit_many(count, pan=YES, days=None, code="05")
    for order_id in orders[:refunds]:
        await refund(shop.world, shop.orders, shop.scope, order_id, RefundRequest(amount="10.00"))
    await shop.settle()
    return orders


async def statement(shop: Shop, book: str = "processor") -> list[str]:
    """The header and its lines."""
    return [row.rstrip("\n") async for row in sandbox_statement(shop.world, shop.merchant_id, book)]


async def compare(
    shop: Shop, lines: list[str] | bytes, reading: Reading | None = None, **more: Any
) -> Ran:
    content = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
    file = File("statement.csv", io.BytesIO(content))
    return await reconcile(shop.world, person(shop), file, reading or Reading(), **more)


async def verdicts(shop: Shop, ran: Ran) -> list[Any]:
    async with shop.world.db.connection() as connection:
        return await run_lines(connection, shop.merchant_id, ran.run.run_id, limit=1_000_000)


async def outcomes(shop: Shop, ran: Ran) -> Counter[str]:
    """As the lines say, which is what the run counts."""
    found = Counter(row.outcome for row in await verdicts(shop, ran))
    assert found == Counter(ran.run.counts)
    return found


async def books(shop: Shop) -> tuple[int, int]:
    """Postings from files, and what waits in suspense."""
    count = (
        "SELECT count(*) FROM postings WHERE merchant_id = $1 AND source_kind = 'reconciliation'"
    )
    waits = (
        "SELECT coalesce(sum(units), 0) FROM entries WHERE merchant_id = $1 AND account = "
        "'suspense'"
    )
    return await shop.value(count, shop.merchant_id), int(await shop.value(waits, shop.merchant_id))
