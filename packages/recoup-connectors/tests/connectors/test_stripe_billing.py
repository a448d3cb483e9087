"""An invoice of Stripe Billing over HTTP, from the webhook to `invoice.paid`, with no card data
anywhere."""

import asyncio
import json
import random
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from lab.processors.stripe_ground import Moved
from starlette.applications import Starlette
from tests.cards.flows.test_stored_methods import ClosedVault
from tests.rescue.flows.test_card_limits import PATIENT
from tests.rings import drawn
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.notices.api.notices import routes
from recoup.rescue.moves.challenge import offer
from recoup.rescue.moves.challenge_answer import decline_by_customer
from recoup.routes.store.connections import Billing, ProcessorConnection, add_connection
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.stripe.server import KEY, SECRET, StandIn, signature

ROUTE = "stripe"
PATH = f"/inbound/{ROUTE}/notices"
NUMBER = re.compile(r"\b\d{13,19}\b")
ROWS = "SELECT jsonb_agg(jsonb_build_array(retries, ended)) FROM processor_invoices"


class Ground:
    def __init__(
        self, shop: Shop, standin: StandIn, client: httpx.AsyncClient, clocks: Moved
    ) -> None:
        self.shop, self.standin, self.client, self.clocks = shop, standin, client, clocks
        self.account, self.heard = standin.account, set[str]()
        self.draws = random.Random(3)
        self.customer = self.account.make_customer({"email": "payer@example.test"})["id"]

    def method(self, name: str) -> str:
        return str(self.account.attach(f"pm_card_{name}", {"customer": self.customer})["id"])

    def invoice(self, name: str = "visa_chargeDeclinedInsufficientFunds") -> str:
        """Of a subscription whose own method counts before the customer's. Stripe has tried it
        once."""
        self.account.change_customer(
            self.customer, {"invoice_settings": {"default_payment_method": self.method("visa")}}
        )
        form = {"customer": self.customer, "default_payment_method": self.method(name)}
        subscription = self.account.make_subscription(form)["id"]
        made = self.account.make_invoice(
            {"customer": self.customer, "amount_due": "4590", "subscription": subscription}
        )
        self.account.retry_invoice(made["id"])
        return str(made["id"])

    def another(self, invoice: str) -> str:
        """Of the same subscription and amount."""
        before = self.there(invoice)
        subscription = before["parent"]["subscription_details"]["subscription"]
        form = {
            "customer": self.customer,
            "amount_due": str(before["amount_due"]),
            "subscription": subscription,
        }
        made = self.account.make_invoice(form)
        self.account.retry_invoice(made["id"])
        return str(made["id"])

    def now_approves(self) -> None:
        """Every method of the customer."""
        for one in self.standin.book.all("payment_method"):
            self.standin.book.put(one | {"answer": "visa"})

    def there(self, invoice: str) -> dict[str, Any]:
        return self.account.need("invoice", invoice)

    async def post(self, event: dict[str, Any]) -> int:
        body = json.dumps(event).encode()
        at = int(self.clocks.wall().timestamp())
        answer = await self.client.post(
            PATH, content=body, headers={"stripe-signature": signature(body, SECRET, at)}
        )
        return answer.status_code

    async def hear(self) -> None:
        """All that Stripe has to say since: doubled, and in any order."""
        events = [one for one in self.standin.book.all("event") if one["id"] not in self.heard]
        self.heard |= {one["id"] for one in events}
        again = [one | {"id": one["id"] + "_2"} for one in events]
        everything = events + events + again
        self.draws.shuffle(everything)
        for event in everything:
            assert await self.post(event) == 200
        await self.shop.run_due()

    async def days(self, count: float, *, step: timedelta = timedelta(hours=3)) -> None:
        """Stripe's own tries come at their times."""
        for _ in range(int(timedelta(days=count) / step)):
            self.clocks.move(step)
            for one in list(self.standin.book.all("invoice")):
                if (
                    one["next_payment_attempt"]
                    and one["next_payment_attempt"] <= self.clocks.wall().timestamp()
                ):
                    self.account.retry_invoice(one["id"])
            await self.hear()
            await self.shop.run_due()

    async def stage(self) -> Any:
        return await self.shop.value("SELECT stage FROM current_orders")

    def charges(self) -> list[dict[str, Any]]:
        return list(self.standin.book.all("charge"))


Tell = Callable[[Ground], Awaitable[None]]


def story(
    server: ServerAddress,
    tmp_path: Path,
    tell: Tell,
    billing: Billing = "take_over",
    *,
    visa_limit: int | None = None,
) -> None:
    async def inside() -> None:
        clocks = Moved()
        standin = await StandIn(
            tmp_path / "stripe.sqlite", clock=lambda: clocks.wall().timestamp()
        ).start()
        stripe = Stripe(
            key=KEY, url=standin.url, name=ROUTE, notice_secrets=(SECRET,), clocks=clocks
        )
        policy = replace(PATIENT, visa_limit=visa_limit) if visa_limit else PATIENT
        async with sandbox_world(server, policy=policy, clocks=clocks) as made:
            world, own = made[0], dict(made[0].processors)
            shop = await make_shop(*made)
            change_world(world, processors={ROUTE: stripe}, keys=ClosedVault())
            await _connect(shop, billing)
            app = Starlette(routes=routes(world, shop.orders))
            transport = httpx.ASGITransport(app=app, client=("192.0.2.9", 4000))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                await tell(Ground(shop, standin, client, clocks))
            assert (found := await verify(world)).difference is None, found.difference
            assert not await shop.value("SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL")
            change_world(world, processors=own)
        await stripe.close()
        await standin.stop()

    asyncio.run(inside())


async def _connect(shop: Shop, billing: Billing) -> None:
    now = shop.world.clocks.wall()
    async with shop.world.db.transaction() as tx:
        await tx.execute(
            "INSERT INTO card_routes (name, kind, account, acceptor, first_at, listed_at, "
            "window_from)"
            " VALUES ($1, 'stripe', 'acct_1', 'acct_1', $2, $2, $2)",
            ROUTE,
            now,
        )
        await add_connection(
            tx,
            ProcessorConnection(
                route=ROUTE,
                merchant_id=shop.merchant_id,
                kind="stripe",
                account="acct_1",
                billing=billing,
                state="connected",
                version=1,
                findings=[],
                checked_at=now,
                secret_rolled_at=None,
                created_at=now,
                created_by="test",
                changed_at=now,
                changed_by="test",
            ),
        )


def test_an_invoice_is_taken_over_and_paid_as_that_invoice(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        facts = await on.shop.value("SELECT facts FROM orders")
        assert (facts["invoice"], facts["agreement"]) == (invoice, "recurring")
        assert await on.shop.value("SELECT array[units::text, asset, kind] FROM orders") == [
            "4590",
            "USD",
            "mit_managed",
        ]
        assert on.there(invoice)["auto_advance"] is False
        await on.days(4)
        tried = len(on.charges())
        assert tried > 1, "our own tries, declined"
        on.now_approves()
        await on.days(21)
        assert await on.stage() == "completed"
        there = on.there(invoice)
        assert (there["status"], there["paid_out_of_band"]) == ("paid", False)
        assert [one["status"] for one in on.charges()].count("succeeded") == 1
        assert await on.shop.value(ROWS) == [["off", "paid"]]
        assert await on.shop.value("SELECT count(*) FROM orders") == 1
        assert not await on.shop.value("SELECT count(*) FROM due_work WHERE kind LIKE 'processor%'")
        for kind in ("payment_intent", "charge", "invoice", "event"):
            for one in on.standin.book.all(kind):
                assert not NUMBER.search(
                    json.dumps(one | {"payment_method_details": None, "data": None})
                )

    story(server, tmp_path, tell)


def test_an_invoice_that_was_not_rescued_is_given_back(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        assert on.there(invoice)["next_payment_attempt"] is None
        await on.days(22)
        assert await on.stage() == "expired"
        assert on.there(invoice)["auto_advance"] is True
        assert await on.shop.value(ROWS) == [["given_back", "not_rescued"]]
        calls = [one for one in on.standin.calls if one == f"POST /v1/invoices/{invoice}"]
        assert len(calls) == 2, "taken once, given back once"

    story(server, tmp_path, tell)


@pytest.mark.parametrize("billing", ["take_over", "beside"])
def test_who_does_not_want_to_pay_is_not_charged_by_the_billing_either(
    server: ServerAddress, tmp_path: Path, billing: Billing
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        key = on.shop.merchant_id, await on.shop.value("SELECT order_id FROM orders")
        await on.shop.orders.run(lambda change: offer(change, "card"), key)
        await on.shop.orders.run(decline_by_customer, key)
        on.now_approves()
        before = len(on.charges())
        await on.days(22)
        assert (await on.stage(), len(on.charges())) == ("cancelled", before)
        assert (on.there(invoice)["auto_advance"], on.there(invoice)["status"]) == (False, "open")

    story(server, tmp_path, tell, billing)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("paid", "paid_elsewhere"),
        ("void", "invoice_voided"),
        ("uncollectible", "invoice_uncollectible"),
        ("subscription", "subscription_cancelled"),
        ("out_of_band", "paid_elsewhere"),
    ],
)
def test_what_ends_there_ends_the_rescue(
    server: ServerAddress, tmp_path: Path, how: str, reason: str
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        before = len(on.charges())
        if how == "paid":
            on.account.pay_invoice(
                invoice, {"payment_method": on.method("visa"), "off_session": "true"}
            )
        elif how == "out_of_band":
            on.account.pay_invoice(invoice, {"paid_out_of_band": "true"})
        elif how == "subscription":
            on.account.end_subscription(
                on.there(invoice)["parent"]["subscription_details"]["subscription"]
            )
        else:
            on.account.close_invoice(invoice, how)
        await on.hear()
        head = (
            "SELECT jsonb_build_array(stage, reason) FROM order_heads JOIN current_orders USING "
            "(merchant_id, order_id)"
        )
        assert await on.shop.value(head) == ["cancelled", reason]
        on.now_approves()
        await on.days(5)
        assert len(on.charges()) == before + (how == "paid"), "nothing is charged any more"

    story(server, tmp_path, tell)


def test_with_stripes_own_retries_the_card_is_never_sent_more_often_than_its_network_allows(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Theirs and ours are counted together, and none of ours is sent within twelve hours
    of theirs."""
    limit = 13

    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        real, close = on.account.pay_invoice, list[float]()

        def pay(id: str, form: dict[str, Any]) -> dict[str, Any]:
            at = on.there(id)["next_payment_attempt"]
            if at is not None and on.account.request["idempotency_key"]:
                close.append(abs(at - on.clocks.wall().timestamp()))
            return real(id, form)

        on.account.pay_invoice = pay  # type: ignore[method-assign]
        await on.hear()
        assert on.there(invoice)["auto_advance"] is True
        await on.days(20)
        sends = "SELECT count(*) FROM network_sends WHERE state = 'sent'"
        assert await on.shop.value(sends) == len(on.charges()), "each once, while the rescue lasts"
        await on.days(2)
        assert await on.stage() == "expired"
        theirs = on.there(invoice)["attempt_count"]
        ours = await on.shop.value("SELECT count(*) FROM attempts WHERE state = 'declined'")
        assert theirs == 8
        assert ours > 0
        assert len(on.charges()) == theirs + ours <= limit
        assert close
        assert min(close) >= timedelta(hours=12).total_seconds()

    story(server, tmp_path, tell, "beside", visa_limit=limit)


@drawn(
    "connectors",
    ("scheme", "region", "invoices", "limit"),
    [
        ("mastercard", "brazil", 1, 7),
        ("amex", "world", 2, 20),
        ("mastercard", "world", 4, 35),
        ("amex", "world", 1, 20),
    ],
    1,
)
def test_room_is_kept_for_all_that_stripe_may_still_try_whatever_the_network(
    server: ServerAddress, tmp_path: Path, scheme: str, region: str, invoices: int, limit: int
) -> None:
    """Of several invoices of one card, too: where Stripe's tries fill the limit, none of ours is
    sent."""

    async def tell(on: Ground) -> None:
        async with owner(on.shop.world) as connection:
            await connection.execute("UPDATE merchants SET region = $1", region)
        first = on.invoice(f"{scheme}_chargeDeclinedInsufficientFunds")
        more = [on.another(first) for _ in range(invoices - 1)]
        await on.hear()
        await on.days(22)
        theirs = sum(on.there(one)["attempt_count"] for one in (first, *more))
        ours = await on.shop.value("SELECT count(*) FROM attempts WHERE state = 'declined'")
        assert theirs == 8 * invoices
        assert len(on.charges()) == theirs + ours <= max(theirs, limit)
        assert (ours > 0) is (theirs + invoices < limit), "one more is kept free for each"

    story(server, tmp_path, tell, "beside")


def test_stripes_own_success_beside_us_ends_the_rescue(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        on.now_approves()
        on.account.retry_invoice(invoice)
        await on.hear()
        assert await on.stage() == "cancelled"
        assert await on.shop.value(ROWS) == [["on", "paid_elsewhere"]]
        assert [one["status"] for one in on.charges()].count("succeeded") == 1

    story(server, tmp_path, tell, "beside")


@contextmanager
def _down(on: Ground, part: str) -> Iterator[None]:
    on.standin.faults.add("error_500", part, times=None)
    yield
    on.standin.faults.left.clear()


def test_a_billing_that_is_down_hears_it_later_and_once(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        with _down(on, "/v1/invoices"):
            await on.hear()
            assert await on.shop.value("SELECT count(*) FROM orders") == 0
        on.clocks.move(timedelta(minutes=11))
        await on.shop.run_due()
        on.clocks.move(timedelta(minutes=11))
        await on.shop.run_due()
        assert on.there(invoice)["auto_advance"] is False
        on.standin.faults.add("lost", f"POST /v1/invoices/{invoice}", times=2)
        await on.days(22)
        assert await on.stage() == "expired"
        assert on.there(invoice)["auto_advance"] is True
        assert await on.shop.value(ROWS) == [["given_back", "not_rescued"]]

    story(server, tmp_path, tell)


def test_a_billing_that_is_down_when_the_rescue_is_paid_otherwise_hears_it_later_and_once(
    server: ServerAddress, tmp_path: Path
) -> None:
    """By a charge of its own, as by another card."""

    async def tell(on: Ground) -> None:
        invoice = on.invoice()
        await on.hear()
        async with owner(on.shop.world) as connection:
            await connection.execute("UPDATE orders SET facts = facts - 'invoice'")
        on.now_approves()
        with _down(on, f"/v1/invoices/{invoice}"):
            await on.days(6)
            assert await on.stage() == "completed"
            assert on.there(invoice)["status"] == "open"
        on.standin.faults.add("lost", f"POST /v1/invoices/{invoice}/pay")
        before = len(on.standin.calls)
        await on.days(2)
        there = on.there(invoice)
        assert (there["status"], there["paid_out_of_band"]) == ("paid", True)
        written = [
            one for one in on.standin.calls[before:] if one == f"POST /v1/invoices/{invoice}/pay"
        ]
        assert len(written) == 1, "its answer was lost, and then it was seen there"
        assert [one["status"] for one in on.charges()].count("succeeded") == 1
        assert await on.shop.value(ROWS) == [["off", "paid"]]

    story(server, tmp_path, tell)


@drawn("connectors", ("seed", "approves_from"), [(1, 30), (2, 90), (3, None)], 1)
def test_a_process_that_dies_between_any_two_calls_loses_nothing(
    server: ServerAddress, tmp_path: Path, seed: int, approves_from: int | None
) -> None:
    draws = random.Random(seed)

    async def tell(on: Ground) -> None:
        invoice = on.invoice()

        async def killed(work: Awaitable[Any]) -> None:
            reached = len(on.standin.calls) + draws.randrange(1, 10)
            doing = asyncio.ensure_future(work)
            # as soon as the call is there
            while not doing.done() and len(on.standin.calls) < reached:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            doing.cancel()
            await asyncio.gather(doing, return_exceptions=True)

        for event in list(on.standin.book.all("event")):
            await on.post(event)
        for number in range(120):
            if number == approves_from:
                on.now_approves()
            await killed(on.shop.run_due())
            on.clocks.move(timedelta(hours=1.5))
        await on.days(22, step=timedelta(hours=6))
        assert await on.shop.value("SELECT count(*) FROM orders") == 1
        paid = [one["status"] for one in on.charges()].count("succeeded")
        there, stage = on.there(invoice), await on.stage()
        assert (stage, paid, there["status"]) in (("completed", 1, "paid"), ("expired", 0, "open"))
        assert there["auto_advance"] is (there["status"] == "open")
        assert stage == ("completed" if approves_from else "expired")

    story(server, tmp_path, tell)


def test_what_is_none_of_ours_is_left_alone(server: ServerAddress, tmp_path: Path) -> None:
    async def tell(on: Ground) -> None:
        by_hand = on.account.make_invoice(
            {"customer": on.customer, "amount_due": "900", "collection_method": "send_invoice"}
        )
        on.account._tell("invoice.payment_failed", by_hand)
        without = on.account.make_invoice(
            {"customer": on.account.make_customer({})["id"], "amount_due": "900"}
        )
        on.account._tell("invoice.payment_failed", without | {"attempt_count": 1})
        on.standin.book.put(without | {"attempt_count": 1})
        await on.hear()
        assert await on.shop.value("SELECT count(*) FROM orders") == 0
        assert not await on.shop.value("SELECT count(*) FROM due_work WHERE kind LIKE 'processor%'")

    story(server, tmp_path, tell)


def test_with_billing_off_no_invoice_is_taken(server: ServerAddress, tmp_path: Path) -> None:
    async def tell(on: Ground) -> None:
        on.invoice()
        await on.hear()
        assert await on.shop.value("SELECT count(*) FROM orders") == 0

    story(server, tmp_path, tell, "off")
