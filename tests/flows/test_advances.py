"""Approved before it was collected: within the limits under any race, charged once, never more than what is due."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.flows.cards.amend import Amended, amend
from recoup.flows.cards.cancel import cancel
from recoup.flows.cards.taken import Person
from recoup.flows.insight.verify import verify
from recoup.flows.money.treasurer import Terms, agree_exposure, allot_due, exposure_of
from recoup.flows.refunds.refund import RefundAsked, refund
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.world import Policy
from recoup.rules.network.magic import APPROVE_CARDS, FAULT_CARDS, script_card
from recoup.store.server import ServerAddress

POLICY = Policy(
    call_timeout=timedelta(seconds=0.8), settled_after=timedelta(seconds=0.2), cit_deadline=timedelta(seconds=0.6)
)
OPERATOR = Actor("operator", "test")
FAULTY = FAULT_CARDS["visa"]
SILENT_YES, SILENT_NO, LOST, HIDDEN = 80_001, 80_002, 80_003, 80_011
LATER, NEVER, HARD_LATER = script_card("visa", "51", 1), script_card("visa", "51", 99), script_card("visa", "51", 2)
PLENTY = 10**7
Story = Callable[[Shop], Awaitable[None]]


def run(server: ServerAddress, story: Story, policy: Policy = POLICY, **terms: Any) -> None:
    async def whole() -> None:
        async with sandbox_world(server, policy=policy) as made:
            shop = await make_shop(*made, fee_basis_points=290)
            await agree(shop, **terms)
            await story(shop)
            await judge(shop)
            proved = await verify(made[0])
            assert proved.difference is None, proved.difference

    asyncio.run(whole())


async def agree(shop: Shop, **terms: Any) -> None:
    usual: dict[str, Any] = {
        "limit_units": PLENTY, "order_max_units": PLENTY, "customer_max_units": PLENTY, "chunk_units": PLENTY // 8,
        "allowed_loss_basis_points": 10_000, "advance_on": "both", "operator_limit_units": PLENTY,
    }  # fmt: skip
    await agree_exposure(shop.world, shop.merchant_id, "USD", Terms(**(usual | terms)), OPERATOR)
    shop.merchants.forget(shop.merchant_id)


async def waiting(shop: Shop, **more: Any) -> Any:
    """One CIT of a customer at the checkout, each another one unless said."""
    number = more.pop("customer", None) or f"{more.get('units', 0)}-{id(more)}"
    person = Person(first_name="Ana", last_name="Roe", email=f"ana-{number}@example.test")
    usual = {"is_mit": False, "days": None, "pan": LATER, "code": "05", "cvv": "123", "payer": person}
    return await shop.ask(**(usual | more))


async def advanced(shop: Shop, **more: Any) -> UUID:
    word = await waiting(shop, **more)
    assert (word.evaluate, word.outcome) == ("APPROVED", "APPROVED")
    assert "advanced" in await shop.happenings(word.order_id)
    return UUID(str(word.order_id))


async def due(shop: Shop, order_id: UUID) -> tuple[str, int]:
    async with shop.world.db.connection() as connection:
        row = await connection.fetchrow("SELECT state, due_units FROM advances WHERE order_id = $1", order_id)
    return row["state"], row["due_units"]


async def balances(shop: Shop, order_id: UUID) -> dict[str, int]:
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT account, sum(units)::bigint AS units FROM entries JOIN postings USING (merchant_id, posting_id)"
            " WHERE order_id = $1 GROUP BY account HAVING sum(units) <> 0", order_id,
        )  # fmt: skip
    return {r["account"]: r["units"] for r in rows}


async def kept(shop: Shop, order_id: UUID) -> tuple[int, int]:
    """By the issuer's own book: approved charges, and what the customer has paid in the end."""
    async with owner(shop.world) as connection:
        row = await connection.fetchrow(
            "SELECT count(*) AS n, coalesce(sum(s.units), 0)::bigint - coalesce(sum((SELECT sum(r.units) FROM"
            " issuer.reversals r WHERE r.charge_id = s.id AND r.decision = 'approved' AND r.kind <> 'capture')), 0)"
            "::bigint AS units FROM issuer.sends s WHERE s.order_id = $1 AND s.decision = 'approved'", order_id,
        )  # fmt: skip
    return row["n"], row["units"]


async def judge(shop: Shop) -> None:
    """Nobody charged twice, nobody charged more than units less refunds; nothing above the limit."""
    async with shop.world.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT order_id, units, refunded_units, stage FROM orders JOIN order_heads USING (merchant_id, order_id,"
            " units)"
        )
        used = await connection.fetchval("SELECT coalesce(sum(used), 0)::bigint FROM exposure_allotments")
        out = await connection.fetchval("SELECT coalesce(sum(due_units), 0)::bigint FROM advances")
    assert used == out
    await shop.settle()
    for row in rows:
        count, units = await kept(shop, row["order_id"])
        assert count <= 1
        assert units <= (row["units"] - row["refunded_units"] if row["stage"] == "completed" else 0)


async def give_back(shop: Shop, order_id: UUID, amount: str | None = None) -> Any:
    asked = RefundAsked(amount=amount, all=amount is None)
    return await refund(shop.world, shop.orders, shop.scope, order_id, asked)


# what is advanced ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [SILENT_YES, SILENT_NO, LOST, HIDDEN])
def test_what_is_out_at_the_deadline_is_advanced_and_collected(server: ServerAddress, units: int) -> None:
    async def story(shop: Shop) -> None:
        order_id = await advanced(shop, pan=FAULTY, units=units)
        await shop.settle()
        await shop.advance(timedelta(days=31))
        state, left = await due(shop, order_id)
        assert (state, left) == ("charged" if units != SILENT_NO else "uncollected", 0)
        held = await balances(shop, order_id)
        assert ("bad_debt" in held) is (units == SILENT_NO)
        assert (await kept(shop, order_id))[1] == (0 if units == SILENT_NO else units)

    run(server, story)
