"""A refund, void or capture that somebody makes at the processor beside us is a movement of the
order; and a capture that fails after the order was paid takes its money back."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from connectors.made_there import VENDORS, AtAdyen, AtBraintree, AtNmi, AtStripe, reference_of
from tests.refund_states import authorised
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, started
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.networks.magic import script_card
from recoup.notices.flows import work
from recoup.notices.flows.receive import take
from recoup.refunds.flows.capture import CaptureRequest, capture
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows import charge
from recoup.rescue.flows.send import send_attempt
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.serving import Posted

ROWS = """SELECT array_agg(kind || ' ' || state || ' ' || units ORDER BY modification_no)
  FROM modifications WHERE order_id = $1"""
MONEY = """SELECT jsonb_object_agg(account, units) FROM (SELECT account, sum(e.units) AS units
  FROM entries e
  JOIN postings p USING (merchant_id, posting_id) WHERE p.order_id = $1 GROUP BY account
    HAVING sum(e.units) <> 0) s"""
EVENTS = "SELECT array_agg(event ORDER BY seq) FROM outbox WHERE subject_id = $1"


class Ground:
    def __init__(self, shop: Shop, vendor: Any) -> None:
        self.shop, self.vendor, self._cards, self._again = shop, vendor, 0, list[Posted]()
        self._read = dict[str, Any]()

    async def paid(self) -> UUID:
        self._cards += 1
        order_id = await started(self.shop, script_card("visa", "51", 0, serial=self._cards))
        await plan_now(self.shop, order_id)
        await send_attempt(self.shop.world, self.shop.orders, self.shop.key(order_id))
        assert (await self.shop.order(order_id))["stage"] == "completed"
        return order_id

    async def hear(self, notices: Sequence[Posted] | None = None) -> None:
        """All that the vendor has said since; what is to be sent again is,
        and what is due is done."""
        left = self._again + list(self.vendor.notices() if notices is None else notices)
        for _ in range(6):
            again = list[Posted]()
            for one in left:
                headers = {name.lower(): value for name, value in one.headers.items()}
                try:
                    await take(
                        self.shop.world, self.shop.orders, self.vendor.name, headers, one.body
                    )
                except Problem as problem:
                    if problem.code != "unavailable":
                        raise
                    again.append(one)
            self._again = left = again
            await work.read_news(self.shop.world, self.shop.orders, self._read)
            await self.shop.run_due()

    async def give_back(self, order_id: UUID, amount: str) -> None:
        await refund(
            self.shop.world,
            self.shop.orders,
            self.shop.scope,
            order_id,
            RefundRequest(amount=amount),
        )

    async def proved(self) -> None:
        await self.shop.close_pages()
        found = await verify(self.shop.world)
        assert found.difference is None, found.difference


@pytest.fixture
def play(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    def run(kind: type[Any], story: Callable[[Ground], Awaitable[None]]) -> None:
        monkeypatch.setattr(work, "PAUSE", timedelta(0))

        async def whole() -> None:
            vendor = kind()
            await vendor.start(tmp_path, Faults(7))
            vendor.collect()
            connector = vendor.connector()
            connector.settled_after = timedelta(0)
            methods = dict[UUID, Any]()

            def method_of(order: Any) -> Any:
                return methods.setdefault(order.order_id, vendor.method(declines=False))

            monkeypatch.setattr(charge, "open_card", lambda _world, order, *_: method_of(order))
            monkeypatch.setattr(charge, "_closed_card", method_of)
            async with AsyncExitStack() as ends, sandbox_world(server, policy=PATIENT) as made:
                ends.push_async_callback(vendor.standin.stop)
                ends.push_async_callback(connector.close)
                own = dict(made[0].processors)
                shop = await make_shop(*made, fee_basis_points=290)
                change_world(made[0], processors={vendor.name: connector})
                ground = Ground(shop, vendor)
                await story(ground)
                await ground.proved()
                change_world(made[0], processors=own)

        asyncio.run(whole())

    return run


@pytest.mark.parametrize("kind", VENDORS)
def test_a_refund_made_there_is_the_orders_and_is_not_made_again(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        order_id = await on.paid()
        await on.hear()
        on.vendor.refund(await reference_of(on.shop, order_id), 2000)
        told = on.vendor.notices()
        for _ in range(2):
            await on.hear([*told, *told])
        assert await on.shop.value(ROWS, order_id) == ["refund done 2000"]
        assert (await on.shop.order(order_id))["attention"] is None
        on.vendor.refund(await reference_of(on.shop, order_id), 2590)
        await on.hear()
        assert await on.shop.value(ROWS, order_id) == ["refund done 2000", "refund done 2590"]
        assert (
            await on.shop.value("SELECT status FROM order_heads WHERE order_id = $1", order_id) == 6
        ), "Returned"
        money = await on.shop.value(MONEY, order_id)
        assert not {"clearing", "refund_due"} & money.keys(), (
            "the processor has nothing of it, and nothing is owed"
        )
        events = await on.shop.value(EVENTS, order_id)
        assert events.count("order.refunded") == 2
        notified = (
            "SELECT count(*) FROM alerts WHERE kind = 'elsewhere' AND facts ->> 'order_id' = $1"
        )
        assert await on.shop.value(notified, str(order_id)) == 2
        with pytest.raises(Problem) as over:
            await on.give_back(order_id, "45.90")
        assert over.value.code == "over_remainder"

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_refund_of_ours_is_never_counted_twice(
    play: Callable[..., None], kind: type[Any]
) -> None:
    """Its own notices come in any order, doubled, while another is made there."""

    async def story(on: Ground) -> None:
        order_id = await on.paid()
        await on.hear()
        on.vendor.settle()
        await on.give_back(order_id, "10.00")
        await on.shop.run_due()
        on.vendor.refund(await reference_of(on.shop, order_id), 500)
        told = on.vendor.notices()
        for _ in range(2):
            await on.hear([*reversed(told), *told])
        assert sorted(await on.shop.value(ROWS, order_id)) == [
            "refund done 1000",
            "refund done 500",
        ]
        assert (await on.shop.order(order_id))["attention"] is None

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_refund_there_and_then_its_failure_come_out_the_same_in_every_order(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        found = list[Any]()
        for number in range(2):
            order_id = await on.paid()
            await on.hear()
            on.vendor.settle()
            on.vendor.fail(on.vendor.refund(await reference_of(on.shop, order_id), 1000))
            told = on.vendor.notices()
            await on.hear(told if number else told[::-1])
            money = await on.shop.value(MONEY, order_id)
            head = await on.shop.order(order_id)
            found.append(
                (await on.shop.value(ROWS, order_id), head["attention"], money["clearing"])
            )
        assert found[0] == found[1]
        assert found[0] == (["refund failed 1000", "refund stuck 1000"], "refund_failed", 4590)

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_what_does_not_fit_the_order_is_for_people(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        order_id = await on.paid()
        await on.hear()
        on.vendor.settle()
        await on.give_back(order_id, "40.00")
        await on.shop.value(
            "UPDATE due_work SET due_at = now() + interval '1 hour' WHERE kind = 'modification'"
        )
        on.vendor.refund(await reference_of(on.shop, order_id), 1000)
        await on.hear()
        assert await on.shop.value(ROWS, order_id) == ["refund owed 4000"]
        assert (await on.shop.order(order_id))["attention"] == "answer_differs"

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_refund_that_the_processor_refused_because_it_was_made_there_is_that_one(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        order_id = await on.paid()
        await on.hear()
        on.vendor.settle()
        on.vendor.refund(await reference_of(on.shop, order_id), 4590)
        told = on.vendor.notices()
        await on.give_back(order_id, "45.90")
        await on.shop.run_due()
        await on.hear()
        refused = "done" if kind is AtBraintree else "stuck"  # whose book is read meanwhile
        assert await on.shop.value(ROWS, order_id) == [f"refund {refused} 4590"]
        await on.hear(told)
        assert await on.shop.value(ROWS, order_id) == ["refund done 4590"]
        assert (await on.shop.order(order_id))["attention"] is None

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_void_there_ends_what_it_voids(play: Callable[..., None], kind: type[Any]) -> None:
    async def story(on: Ground) -> None:
        order_id = await authorised(on.shop)
        on.vendor.notices()
        on.vendor.void(await reference_of(on.shop, order_id))
        told = on.vendor.notices()
        await on.hear([*told, *told])
        order = await on.shop.order(order_id)
        assert (order["stage"], order["reason"], order["attention"]) == (
            "cancelled",
            "merchant_cancelled",
            None,
        )
        assert await on.shop.value(ROWS, order_id) == ["void done 4590"]
        assert not await on.shop.value(MONEY, order_id)
        with pytest.raises(Problem):
            await capture(
                on.shop.world,
                on.shop.orders,
                on.shop.scope,
                CaptureRequest(order_id, 4590, "USD", "k"),
            )

    play(kind, story)


@pytest.mark.parametrize("kind", VENDORS)
def test_a_capture_there_captures_the_order(play: Callable[..., None], kind: type[Any]) -> None:
    async def story(on: Ground) -> None:
        order_id = await authorised(on.shop)
        on.vendor.notices()
        on.vendor.capture(await reference_of(on.shop, order_id), 2000)
        on.vendor.settle()
        told = on.vendor.notices()
        await on.hear([*told, *told])
        assert (
            await on.shop.value("SELECT stage FROM current_orders WHERE order_id = $1", order_id)
            == "completed"
        )
        assert await on.shop.value(ROWS, order_id) == ["capture done 2000"]
        assert (await on.shop.value(MONEY, order_id))["clearing"] == 2000

    play(kind, story)


@pytest.mark.parametrize("kind", [AtAdyen, AtBraintree])
def test_a_capture_that_failed_takes_its_money_back_and_is_a_case(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        by_itself = await on.paid()
        ours = await authorised(on.shop)
        asked = CaptureRequest(ours, 4590, "USD", "k")
        with suppress(Problem):  # Adyen's result follows
            await capture(on.shop.world, on.shop.orders, on.shop.scope, asked)
        await on.hear()
        for order_id in (by_itself, ours):
            assert (await on.shop.order(order_id))["stage"] == "completed"
            on.vendor.capture_fails(await reference_of(on.shop, order_id))
            told = on.vendor.notices()
            for _ in range(2):
                await on.hear([*told, *told])
            order = await on.shop.order(order_id)
            assert (order["stage"], order["attention"]) == ("completed", "capture_failed")
            money = await on.shop.value(MONEY, order_id)
            assert not {"clearing", "refund_due"} & (money or {}).keys()
            assert (await on.shop.happenings(order_id)).count("capture_failed") == 1
            with pytest.raises(Problem):
                await on.give_back(order_id, "1.00")

    play(kind, story)


def test_a_sale_that_was_voided_before_it_settled_went_back(play: Callable[..., None]) -> None:
    async def story(on: Ground) -> None:
        on.vendor.standin.account.settles_after = 3600.0
        order_id = await on.paid()
        on.vendor.void(await reference_of(on.shop, order_id))
        await on.hear()
        assert await on.shop.value(ROWS, order_id) == ["refund done 4590"]

    play(AtNmi, story)
    play(AtBraintree, story)


def test_a_captured_hold_that_was_voided_before_it_settled_went_back(
    play: Callable[..., None],
) -> None:
    """The merchant stayed credited: the capture is the order's, and its void was taken for one of a
    hold."""

    async def story(on: Ground) -> None:
        on.vendor.standin.account.settles_after = 3600.0
        order_id = await authorised(on.shop)
        await capture(
            on.shop.world, on.shop.orders, on.shop.scope, CaptureRequest(order_id, 4590, "USD", "k")
        )
        await on.shop.run_due()
        on.vendor.void(await reference_of(on.shop, order_id))
        for _ in range(2):
            await on.hear()
        assert sorted(await on.shop.value(ROWS, order_id)) == [
            "capture done 4590",
            "refund done 4590",
        ]

    play(AtBraintree, story)


def test_in_each_order_of_its_notices_a_rescue_comes_out_the_same(
    play: Callable[..., None],
) -> None:
    """Two refunds there, one of which fails, and one of ours between them."""

    async def story(on: Ground) -> None:
        seen = set[str]()
        for turn in permutations(range(4)):
            order_id = await on.paid()
            await on.hear()
            reference = await reference_of(on.shop, order_id)
            first = on.vendor.refund(reference, 700)
            on.vendor.refund(reference, 300)
            await on.give_back(order_id, "5.00")
            await on.shop.run_due()
            on.vendor.fail(first)
            told = on.vendor.notices()
            assert len(told) == 4
            await on.hear([told[at] for at in turn])
            rows = sorted(await on.shop.value(ROWS, order_id))
            seen.add(f"{rows} {(await on.shop.value(MONEY, order_id))['clearing']}")
        assert len(seen) == 1, seen
        assert (
            seen.pop()
            == "['refund done 300', 'refund done 500', 'refund failed 700', 'refund stuck 700'] "
            "3790"
        )

    play(AtAdyen, story)


def test_another_currency_or_no_signature_changes_no_money(play: Callable[..., None]) -> None:
    async def story(on: Ground) -> None:
        order_id = await on.paid()
        await on.hear()
        account, reference = on.vendor.standin.account, await reference_of(on.shop, order_id)
        account._notify(
            "REFUND",
            "customer asked",
            {"value": 4590, "currency": "EUR"},
            psp="M1",
            about=reference,
        )
        account._notify(
            "REFUND",
            "customer asked",
            {"value": 4590, "currency": "USD"},
            psp="M2",
            about=reference,
        )
        foreign, forged = on.vendor.notices()
        with pytest.raises(Problem) as refused:
            await on.hear([Posted(forged.body.replace(b"4590", b"4580"), forged.headers)])
        assert refused.value.code == "unauthenticated"
        await on.hear([foreign])
        assert await on.shop.value(ROWS, order_id) is None
        assert (await on.shop.order(order_id))["attention"] == "answer_differs"

    play(AtAdyen, story)


@pytest.mark.parametrize("kind", [AtStripe, AtAdyen])
def test_a_refund_whose_notice_comes_before_the_charges_answer_waits_for_it(
    play: Callable[..., None], kind: type[Any]
) -> None:
    async def story(on: Ground) -> None:
        call = {"stripe": "confirm", "adyen": "/payments"}[on.vendor.name]
        on.vendor.standin.faults.add("lost", call)
        order_id = await started(on.shop, script_card("visa", "51", 0))
        await plan_now(on.shop, order_id)
        await send_attempt(on.shop.world, on.shop.orders, on.shop.key(order_id))
        assert (
            await on.shop.value("SELECT state FROM attempts WHERE route IS NOT NULL") == "unknown"
        )
        book = on.vendor.standin.book
        reference = next(book.all("payment_intent" if on.vendor.name == "stripe" else "payment"))[
            "id"
        ]
        on.vendor.notices()
        on.vendor.refund(reference, 1500)
        for _ in range(20):  # until our own call would have ended
            await on.hear()
            if (await on.shop.order(order_id))["stage"] == "completed":
                break
            await asyncio.sleep(0.5)
        assert (await on.shop.order(order_id))["stage"] == "completed"
        assert await on.shop.value(ROWS, order_id) == ["refund done 1500"]

    play(kind, story)


def test_a_book_that_gives_odd_answers_holds_up_no_other_and_is_read_again_from_there(
    play: Callable[..., None],
) -> None:
    async def story(on: Ground) -> None:
        order_id = await on.paid()
        own = on.shop.world.processors[on.vendor.name]
        odd, asked, until = Odd(own), list[float](), dict[str, Any]()
        change_world(on.shop.world, processors={"odd": odd, on.vendor.name: own})
        on.vendor.void(await reference_of(on.shop, order_id))
        await work.read_news(on.shop.world, on.shop.orders, until)
        assert await on.shop.value(ROWS, order_id) == ["refund done 4590"]
        assert [*until] == [on.vendor.name]
        odd.error = None
        for _ in range(2):
            await work.read_news(on.shop.world, on.shop.orders, until)
            asked.append((on.shop.world.clocks.wall() - odd.since) / timedelta(hours=1))
        assert [round(one) for one in asked] == [7 * 24, 3]
        change_world(on.shop.world, processors={on.vendor.name: own})

    play(AtBraintree, story)


class Odd:
    """A connector whose book is written in no known way."""

    def __init__(self, own: Any) -> None:
        self._own, self.error, self.since = own, TypeError("odd"), None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)

    async def news(self, since: Any) -> list[str]:
        self.since = since
        if self.error is not None:
            raise self.error
        return []
