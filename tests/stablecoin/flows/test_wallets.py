"""A wallet never goes below nothing: charges, payouts, refunds, reversals and sweeps, in any order
and at once."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.refunds.flows.test_refund_requests import agree, ask, limit, refused
from tests.stablecoin.flows.deciding import give_back
from tests.stablecoin.flows.test_give_back import the_channel_refuses
from tests.worlds import Shop, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.insight.flows.verify import verify
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.refunds.flows import review_queue
from recoup.refunds.flows.refund import RefundAnswer, RefundRequest, refund
from recoup.stablecoin.flows.charge import Charges, StablecoinChargeRequest
from recoup.stablecoin.flows.pay import simulate, simulate_by_operator
from recoup.stablecoin.flows.payouts import PayoutRequest, ask_payout
from recoup.stablecoin.store.wallets import available
from recoup.terms.rules.fees import KEEP, PRO_RATA, Tariff

PAYER, OPERATOR = Actor("payer", "checkout"), Actor("operator", "desk")
# Every balance that the wallet ever had, in the order of the book.
LEAST = """
SELECT coalesce(min(units), 0)::bigint FROM (
  SELECT -sum(e.units) OVER (PARTITION BY e.asset ORDER BY p.posting_id) AS units
FROM postings p JOIN entries e USING (merchant_id, posting_id)
WHERE e.merchant_id = $1 AND e.account = 'merchant_payable' AND e.place = 'wallet') walked
"""


def lived(server: ServerAddress, story: Callable[[Shop], Awaitable[None]], **fees: Any) -> None:
    async def whole() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            if fees:
                await shop.fees(Tariff(**fees))
            await story(shop)
            await shop.settle()
            await shop.close_pages()
            assert await holds(shop) >= 0
            found = await verify(shop.world)
            assert found.difference is None, found.difference

    asyncio.run(whole())


async def holds(shop: Shop, asset: str = "USDT") -> int:
    async with shop.world.db.connection() as connection:
        return await available(connection, shop.merchant_id, asset)


async def paid(shop: Shop, amount: str, name: str, channel: str = "mock") -> UUID:
    charged = await Charges(shop.world, shop.merchants).charge(
        shop.scope, StablecoinChargeRequest(name, amount, "USDT", channel)
    )
    order_id = UUID(str(charged.order.order_id))
    await simulate(shop.world, shop.orders, shop.key(order_id), approve=True, actor=PAYER)
    return order_id


async def pay_out(shop: Shop, amount: str, destination: str = "mock:good") -> UUID:
    asked = PayoutRequest(amount, "USDT", "crypto", destination)
    return await ask_payout(shop.world, shop.merchants, shop.scope, asked)


async def back(shop: Shop, order_id: UUID, amount: str | None = None) -> RefundAnswer:
    asked = RefundRequest(amount, all=amount is None, message=str(amount))
    return await refund(shop.world, shop.orders, shop.scope, order_id, asked)


def units(amount: str) -> int:
    return from_text(amount, "USDT", "amount").units


def test_what_was_paid_out_is_not_refunded_as_well(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await paid(shop, "1000.00", "order-1")
        await pay_out(shop, "900.00")
        told = await refused(back(shop, order_id))
        assert (told.code, told.facts["detail"], told.field) == (
            "wrong_state",
            "insufficient_balance",
            "AmountToRefund",
        )
        assert (
            told.message == "The wallet holds 100.00 USDT, and this refund takes 1000.00 from it."
        )
        assert told.cure == "Refund at most 100.00, or wait for more payments."
        assert (await shop.order(order_id))["refunded_units"] == 0
        await back(shop, order_id, "100.00")
        assert (await refused(back(shop, order_id, "0.01"))).cure == "Wait for more payments."
        await paid(shop, "900.00", "order-2")
        await back(shop, order_id)
        assert await holds(shop) == 0

    lived(server, story)


def test_a_payout_is_known_by_its_key_for_ever(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await paid(shop, "100.00", "order-1")
        asked = PayoutRequest("30.00", "USDT", "crypto", "mock:good", key="payout-1")
        first = await ask_payout(shop.world, shop.merchants, shop.scope, asked)
        async with owner(shop.world) as connection:
            await retain(connection, shop.world.clocks.wall() + timedelta(days=3_650))
        assert await ask_payout(shop.world, shop.merchants, shop.scope, asked) == first
        assert await holds(shop) == units("70.00")

    lived(server, story)


def test_a_payout_that_comes_back_can_be_refunded(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await paid(shop, "1000.00", "order-1")
        await pay_out(shop, "1000.00", "mock:fail")
        assert (await refused(back(shop, order_id))).facts["detail"] == "insufficient_balance"
        await shop.settle()
        await back(shop, order_id)

    lived(server, story)


def test_direct_money_on_its_way_pays_no_refund(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await paid(shop, "50.00", "order-1")
        await pay_out(shop, "50.00")
        await paid(shop, "80.00", "order-2", "mock_direct")
        assert (await refused(back(shop, order_id))).facts["detail"] == "insufficient_balance"

    lived(server, story)


@pytest.mark.parametrize(("policy", "most"), [(KEEP, "99.00"), (PRO_RATA, "100.00")])
def test_the_fee_that_the_operator_keeps_is_not_refunded_from_nothing(
    server: ServerAddress, policy: str, most: str
) -> None:
    async def story(shop: Shop) -> None:
        order_id = await paid(shop, "100.00", "order-1")
        if most != "100.00":
            told = await refused(back(shop, order_id))
            assert (
                told.message == "The wallet holds 99.00 USDT, and this refund takes 100.00 from it."
            )
        await back(shop, order_id, most)
        assert await holds(shop) == 0

    lived(server, story, basis_points=100, refund=policy)


def test_a_second_persons_word_pays_no_more_than_is_there(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        await limit(shop, second=1, asset="USDT")
        order_id = await paid(shop, "50.00", "order-1")
        asked = await ask(shop, order_id, "50.00")
        assert asked.waits
        await pay_out(shop, "20.00")
        told = await refused(agree(shop, asked.refund_id))
        assert told.facts["detail"] == "insufficient_balance"
        assert told.message.startswith("The wallet holds 30.00 USDT")
        await paid(shop, "20.00", "order-2")
        await agree(shop, asked.refund_id)
        assert await holds(shop) == 0

    lived(server, story)


def test_a_second_person_is_not_asked_for_what_the_wallet_cannot_pay(server: ServerAddress) -> None:
    """The request waited, was agreed to, and only then was it refused."""

    async def story(shop: Shop) -> None:
        await limit(shop, second=1, asset="USDT")
        order_id = await paid(shop, "50.00", "order-1")
        await pay_out(shop, "20.00")
        told = await refused(ask(shop, order_id, "50.00"))
        assert told.facts["detail"] == "insufficient_balance"
        assert told.message == "The wallet holds 30.00 USDT, and this refund takes 50.00 from it."
        assert (await ask(shop, order_id, "30.00")).waits
        assert await holds(shop) == units("30.00"), "asking takes nothing"

    lived(server, story)


def test_many_refunds_and_payouts_at_once_share_what_is_there(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        ids = [await paid(shop, "30.00", f"order-{n}") for n in range(12)]
        await pay_out(shop, "190.00")  # 170.00 are left
        calls: list[Awaitable[Any]] = [back(shop, order_id) for order_id in ids]
        calls += [pay_out(shop, "30.00") for _ in range(12)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        told = [a for a in answers if isinstance(a, BaseException)]
        assert all(
            isinstance(t, Problem) and t.facts["detail"] == "insufficient_balance" for t in told
        ), told
        assert len(answers) - len(told) == 5
        assert await holds(shop) == units("20.00")

    lived(server, story)


def test_many_refunds_of_one_order_at_once_share_what_is_there(server: ServerAddress) -> None:
    async def story(shop: Shop) -> None:
        order_id = await paid(shop, "100.00", "order-1")
        await pay_out(shop, "55.00")
        calls = [back(shop, order_id, f"10.0{n}") for n in range(9)]
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert sum(isinstance(a, RefundAnswer) for a in answers) == 4
        assert units("4.00") < await holds(shop) < units("5.00")

    lived(server, story)


class Day:
    """What can happen to a wallet, by name. What is refused is refused;
    nothing else may go wrong."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.paid, self.made = shop, list[UUID](), 0

    async def charge(self, amount: int) -> None:
        self.made += 1
        self.paid.append(await paid(self.shop, f"{amount}.00", f"order-{self.made}"))

    async def direct(self, amount: int) -> None:
        self.made += 1
        await paid(self.shop, f"{amount}.00", f"order-{self.made}", "mock_direct")

    async def late(self, amount: int) -> None:
        """Paid after its end, and given back."""
        self.made += 1
        name = f"order-{self.made}"
        asked = StablecoinChargeRequest(
            name, f"{amount}.00", "USDT", "mock", expires_in=timedelta(minutes=5)
        )
        order_id = (
            await Charges(self.shop.world, self.shop.merchants).charge(self.shop.scope, asked)
        ).order.order_id
        await self.shop.advance(timedelta(minutes=6))
        await simulate_by_operator(self.shop.world, self.shop.orders, name, True)
        await give_back(self.shop.world, self.shop.orders, self.shop.scope, order_id)

    async def refund(self, amount: int) -> None:
        if self.paid:
            await back(self.shop, self.paid[amount % len(self.paid)], f"{amount}.00")

    async def payout(self, amount: int) -> None:
        await pay_out(self.shop, f"{amount}.00")

    async def payout_that_fails(self, amount: int) -> None:
        await pay_out(self.shop, f"{amount}.00", "mock:fail")

    async def refund_that_is_refused(self, amount: int) -> None:
        """The channel does not make it, and the operator takes it off."""
        if not self.paid:
            return
        made = await back(self.shop, self.paid[amount % len(self.paid)], f"{amount}.00")
        await the_channel_refuses(self.shop, refuses=True)
        await self.shop.run_due()
        await the_channel_refuses(self.shop, refuses=False)
        scope = Scope(self.shop.merchant_id, OPERATOR, "test")
        await review_queue.decide(
            self.shop.world, self.shop.orders, scope, made.refund_id, "refuse", "not possible"
        )

    async def work(self, amount: int) -> None:
        await self.shop.run_due()

    async def close(self, amount: int) -> None:
        await self.shop.close_pages()


STEPS = [name for name in vars(Day) if not name.startswith("_")]
DAYS = st.lists(
    st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 60)), min_size=1, max_size=4),
    min_size=3,
    max_size=14,
)


@settings(
    max_examples=8,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(days=DAYS, fee=st.sampled_from([None, KEEP, PRO_RATA]))
def test_no_order_of_events_takes_a_wallet_below_nothing(
    server: ServerAddress, days: list[list[tuple[str, int]]], fee: str | None
) -> None:
    """What stands in one list happens at once."""

    async def story(shop: Shop) -> None:
        day = Day(shop)
        for at_once in days:
            if any(
                name in ("late", "refund_that_is_refused") for name, _ in at_once
            ):  # they move all of the shop
                steps = at_once[:1]
            else:
                steps = at_once
            answers = await asyncio.gather(
                *(getattr(day, name)(amount) for name, amount in steps), return_exceptions=True
            )
            for answer in answers:
                assert answer is None or isinstance(answer, Problem), answer
            assert await holds(shop) >= 0, days
        assert await shop.value(LEAST, shop.merchant_id) >= 0, days

    lived(server, story, **({} if fee is None else {"basis_points": 250, "refund": fee}))
