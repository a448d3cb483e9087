"""A connector's own notices at the inbound door: its vendor's signature and shape, heard as a
reason to ask."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, started
from tests.worlds import Shop, change_world, make_shop, owner, sandbox_world

from recoup.db.server import ServerAddress
from recoup.db.upkeep import retain
from recoup.insight.flows.verify import verify
from recoup.kit.edge.entry import Entry
from recoup.main.app import _no_path, refuse
from recoup.networks.magic import script_card
from recoup.networks.whys import OUTAGE
from recoup.notices.api.notices import routes
from recoup.orders.rules.attention import ANSWER_DIFFERS
from recoup.processors.gateways.connector import Acknowledgement
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.port import Charge, Outcome
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.rescue.flows import charge
from recoup.rescue.flows.send import send_attempt
from recoup.rescue.moves.open import hold
from recoup.routes.store.processor_notices import NOTICE_DAYS_KEPT
from recoup_connectors.stripe.connector import Stripe
from recoup_lab.processors.stripe.server import KEY, SECRET, StandIn, signature

PATH = "/inbound/stripe/notices"
COUNTS = "SELECT coalesce(jsonb_object_agg(became, count), '{}') FROM processor_notice_counts"
WAITING = "SELECT count(*) FROM due_work WHERE kind = 'processor_notice'"


class Ground:
    def __init__(
        self, shop: Shop, standin: StandIn, client: httpx.AsyncClient, customer: str
    ) -> None:
        self.shop, self.standin, self.client, self.customer = shop, standin, client, customer

    def attach(self, name: str) -> Stored:
        made = self.standin.account.attach(f"pm_card_{name}", {"customer": self.customer})
        return Stored("stripe", made["id"], self.customer, made["card"]["brand"])

    async def post(
        self, event: dict[str, Any], *, secret: str = SECRET, late: int = 0
    ) -> httpx.Response:
        body = json.dumps(event).encode()
        at = int(self.shop.world.clocks.wall().timestamp()) - late
        return await self.client.post(
            PATH, content=body, headers={"stripe-signature": signature(body, secret, at)}
        )

    @property
    def events(self) -> list[dict[str, Any]]:
        """Oldest first."""
        return list(self.standin.book.all("event"))[::-1]

    async def hear(self, *types: str) -> list[dict[str, Any]]:
        """Posts what the stand-in has to say of these types; answers it."""
        chosen = [one for one in self.events if not types or one["type"] in types]
        for event in chosen:
            assert (await self.post(event)).status_code == 200
        await self.shop.run_due()
        return chosen


def story(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    tell: Callable[[Ground], Awaitable[None]],
    card: str = "visa",
) -> None:
    async def inside() -> None:
        standin = await StandIn(tmp_path / "stripe.sqlite").start()
        customer = standin.account.make_customer({})["id"]
        stripe = Stripe(key=KEY, url=standin.url, notice_secrets=(SECRET,))
        async with sandbox_world(server, policy=PATIENT) as made:
            own = dict(made[0].processors)
            shop = await make_shop(*made)
            change_world(made[0], processors={"stripe": stripe})
            app = Starlette(routes=routes(shop.world, shop.orders))
            app.router.default = _no_path
            typed: Any = Entry(app, refuse)  # type: ignore[arg-type]
            transport = httpx.ASGITransport(app=typed, client=("192.0.2.9", 4000))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://door.test"
            ) as client:
                ground = Ground(shop, standin, client, customer)
                method = ground.attach(card)
                monkeypatch.setattr(charge, "open_card", lambda *_: method)
                monkeypatch.setattr(charge, "_closed_card", lambda *_: method)
                await tell(ground)
            change_world(made[0], processors=own)
        await stripe.close()
        await standin.stop()

    asyncio.run(inside())


async def sent(on: Ground) -> UUID:
    order_id = await started(on.shop, script_card("visa", "51", 0))
    await plan_now(on.shop, order_id)
    await send_attempt(on.shop.world, on.shop.orders, on.shop.key(order_id))
    return order_id


def test_what_is_not_signed_or_not_ours_changes_nothing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        await sent(on)
        (event,) = [one for one in on.events if one["type"] == "payment_intent.succeeded"]
        assert (await on.post(event, secret="whsec_other")).status_code == 401
        assert (await on.post(event, late=400)).status_code == 401
        assert (await on.client.post(PATH, content=b"{}")).status_code == 401
        assert (await on.client.post(PATH, content=b" " * 262_145)).status_code == 413
        assert await on.shop.value(COUNTS) == {"unsigned": 3}
        for other in (
            event | {"livemode": True},
            event | {"account": "acct_other"},
            event | {"type": "topup.created"},
        ):
            assert (await on.post(other)).status_code == 200
        metadata = {"recoup_id": "00000000-0000-4000-8000-000000000000"}
        about = {**event["data"]["object"], "metadata": metadata, "id": "pi_9"}
        stranger = event | {"id": "evt_9", "data": {"object": about}}
        assert (await on.post(stranger)).json() == {"notices": ["not_ours"]}
        assert await on.shop.value(COUNTS) == {
            "unsigned": 3,
            "not_mine": 2,
            "needs_nothing": 1,
            "not_ours": 1,
        }
        assert not await on.shop.value(WAITING)
        assert (await on.client.get(PATH)).status_code == 405
        async with owner(on.shop.world) as connection:
            for days, left in ((-1, 4), (2, 0)):
                await retain(
                    connection,
                    on.shop.world.clocks.wall() + NOTICE_DAYS_KEPT + timedelta(days=days),
                )
                assert len(await on.shop.value(COUNTS)) == left

    story(server, monkeypatch, tmp_path, tell)


def test_a_lost_answer_is_asked_about_as_soon_as_a_notice_comes(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Doubled or not: one question, one charge, and the order is paid without waiting for the next
    inquiry."""

    async def tell(on: Ground) -> None:
        on.standin.faults.add("lost", "/confirm")
        order_id = await sent(on)
        assert (
            await on.shop.value("SELECT state FROM attempts WHERE route IS NOT NULL") == "unknown"
        )
        later = (
            "UPDATE due_work SET due_at = due_at + interval '1 hour' WHERE kind = 'inquire' "
            "RETURNING 1"
        )
        assert await on.shop.value(later)
        (event,) = await on.hear("payment_intent.succeeded")
        assert (
            await on.shop.value("SELECT state FROM attempts WHERE route IS NOT NULL") == "approved"
        )
        assert (await on.shop.order(order_id))["stage"] == "completed"
        calls = len(on.standin.calls)
        assert (await on.post(event)).json() == {"notices": ["repeated"]}
        other = event | {"id": "evt_again"}
        assert (await on.post(other)).json() == {"notices": ["taken"]}
        await on.shop.run_due()
        assert on.standin.calls[calls:] == [], "what is known is not asked again"
        assert not await on.shop.value(WAITING)

    story(server, monkeypatch, tmp_path, tell)


@pytest.mark.parametrize("on_hold", [False, True])
def test_money_that_was_taken_by_what_was_called_a_decline_is_a_case_and_not_taken_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, on_hold: bool
) -> None:
    """The retry that was planned went out in spite of it."""
    real = Stripe.charge

    async def lying(self: Stripe, charge: Charge) -> Outcome:
        await real(self, charge)
        return Outcome("declined", scheme_code="51")

    async def tell(on: Ground) -> None:
        monkeypatch.setattr(Stripe, "charge", lying)
        order_id = await sent(on)
        assert (
            await on.shop.value("SELECT state FROM attempts WHERE route IS NOT NULL") == "declined"
        )
        monkeypatch.setattr(Stripe, "charge", real)
        if on_hold:
            await on.shop.orders.run(
                lambda c: hold(c, OUTAGE, "processor_outage", c.now), on.shop.key(order_id)
            )
        await on.hear("payment_intent.succeeded")
        order = await on.shop.order(order_id)
        assert (order["stage"], order["attention"]) == ("held", ANSWER_DIFFERS)
        assert (
            await on.shop.value("SELECT became FROM processor_notices WHERE subject = 'charge'")
            == "differs"
        )
        calls = [one for one in on.standin.calls if one.endswith("/confirm")]
        await on.shop.advance(timedelta(days=19))
        assert [one for one in on.standin.calls if one.endswith("/confirm")] == calls
        assert (await on.shop.order(order_id))["stage"] == "held"
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, tell)


def test_a_dispute_is_read_from_the_vendors_book(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        order_id = await sent(on)
        created = [one for one in on.events if one["type"] == "charge.dispute.created"]
        lie = created[0]["data"]["object"] | {"amount": 1, "status": "lost"}
        assert (await on.post(created[0] | {"data": {"object": lie}})).status_code == 200
        await on.shop.run_due()
        row = (
            "SELECT array[state, stage, reason_code, units::text] FROM disputes WHERE order_id = $1"
        )
        assert await on.shop.value(row, order_id) == ["open", "first", "10.4", "4590"]
        await on.hear("charge.dispute.created")
        assert await on.shop.value("SELECT count(*) FROM disputes") == 1
        (case,) = on.standin.book.all("dispute")
        ends = {
            "under_review": ["answered", "first"],
            "lost": ["lost", "first"],
            "appeal_under_review": ["answered", "pre_arbitration"],
            "won": ["won", "pre_arbitration"],
        }
        for status, end in ends.items():
            on.standin.book.put(case | {"status": status})
            assert (await on.post(created[0] | {"id": f"evt_{status}"})).status_code == 200
            await on.shop.run_due()
            assert (await on.shop.value(row, order_id))[:2] == end, status
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, tell, "createDispute")


@pytest.mark.parametrize("kind", ["error_500", "html", "error_200", "too_many"])
def test_a_dispute_that_cannot_be_read_just_now_is_read_later(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    """One error of the vendor's while it was read, and nobody here ever heard of it."""

    async def tell(on: Ground) -> None:
        order_id = await sent(on)
        on.standin.faults.add(kind, "GET /v1/disputes")
        await on.hear("charge.dispute.created")
        assert not await on.shop.value("SELECT count(*) FROM disputes")
        assert await on.shop.value(WAITING) == 1
        await on.shop.value(
            "UPDATE due_work SET due_at = now(), lease_until = NULL WHERE kind = 'processor_notice'"
        )
        await on.shop.run_due()
        assert (
            await on.shop.value("SELECT state FROM disputes WHERE order_id = $1", order_id)
            == "open"
        )

    story(server, monkeypatch, tmp_path, tell, "createDispute")


def test_an_early_fraud_warning_is_kept_once_for_the_risk_check(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        order_id = await sent(on)
        (paid,) = [one for one in on.events if one["type"] == "payment_intent.succeeded"]
        charged = paid["data"]["object"]
        about = {
            "object": "radar.early_fraud_warning",
            "id": "issfr_1",
            "payment_intent": charged["id"],
        }
        for number, kind in enumerate(("created", "updated", "created")):
            event = paid | {
                "id": f"evt_w{number}",
                "type": f"radar.early_fraud_warning.{kind}",
                "request": None,
            }
            assert (await on.post(event | {"data": {"object": about}})).status_code == 200
            await on.shop.run_due()
        assert await on.shop.value("SELECT array_agg(order_id) FROM fraud_warnings") == [order_id]
        assert await on.shop.value("SELECT stage FROM current_orders") == "completed", (
            "it moves nothing"
        )
        strange = about | {"id": "issfr_2", "payment_intent": "pi_of_nobody"}
        event = paid | {
            "id": "evt_w9",
            "type": "radar.early_fraud_warning.created",
            "request": None,
        }
        old = event | {"created": event["created"] - 3600, "data": {"object": strange}}
        assert (await on.post(old)).json() == {"notices": ["not_ours"]}
        assert await on.shop.value("SELECT count(*) FROM fraud_warnings") == 1

    story(server, monkeypatch, tmp_path, tell)


def test_a_dispute_before_its_charge_is_sent_again(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        on.standin.faults.add("lost", "/confirm")
        await sent(on)
        (event,) = [one for one in on.events if one["type"] == "charge.dispute.created"]
        nobodys = event | {"request": None}
        assert (await on.post(nobodys)).status_code == 503
        old = nobodys | {"created": event["created"] - 3600}
        assert (await on.post(old)).json() == {"notices": ["not_ours"]}

    story(server, monkeypatch, tmp_path, tell, "createDispute")


def test_a_refund_that_is_under_way_is_asked_about(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        order_id = await sent(on)
        on.standin.faults.add("lost", "/refunds")
        await refund(
            on.shop.world, on.shop.orders, on.shop.scope, order_id, RefundRequest(amount="1.00")
        )
        await on.shop.run_due()
        assert await on.shop.value("SELECT state FROM modifications") == "sent"
        long_ago = (
            "UPDATE modifications SET send_before = send_before - interval '1 hour' RETURNING 1"
        )
        await on.shop.value(long_ago)
        await on.hear("refund.created")
        assert await on.shop.value("SELECT state FROM modifications") == "done"
        assert len(list(on.standin.book.all("refund"))) == 1

    story(server, monkeypatch, tmp_path, tell)


def test_a_vendor_is_answered_in_its_own_words(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def challenge(_: Any, query: dict[str, str]) -> Acknowledgement | None:
        return (
            Acknowledgement(query["bt_challenge"].upper().encode())
            if "bt_challenge" in query
            else None
        )

    monkeypatch.setattr(Stripe, "acknowledgement", Acknowledgement(b"[accepted]"), raising=False)
    monkeypatch.setattr(Stripe, "answer_challenge", challenge, raising=False)

    async def tell(on: Ground) -> None:
        await sent(on)
        told = await on.post(on.events[-1])
        assert (told.status_code, told.content) == (200, b"[accepted]")
        asked = await on.client.get(PATH, params={"bt_challenge": "abc"})
        assert (asked.status_code, asked.content) == (200, b"ABC")
        assert (await on.client.get(PATH, params={"x": "%ff"})).status_code == 405

    story(server, monkeypatch, tmp_path, tell)
