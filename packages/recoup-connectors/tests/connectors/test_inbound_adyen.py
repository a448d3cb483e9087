"""Adyen's notices at the inbound door: only their signed part counts, and it decides what has no
other answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from starlette.applications import Starlette
from tests.refund_states import authorised
from tests.rescue.flows.test_card_limits import PATIENT, plan_now, started
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor, Scope
from recoup.main.doctor_verb import look_at
from recoup.main.metrics import scrape
from recoup.networks.magic import script_card
from recoup.notices.api.notices import routes
from recoup.processors.gateways.credential import Stored
from recoup.refunds.flows.refund import RefundRequest, refund
from recoup.refunds.flows.review_queue import decide
from recoup.rescue.flows import charge
from recoup.rescue.flows.send import send_attempt
from recoup_connectors.adyen.connector import Adyen
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY, SECRET, StandIn

PATH = "/inbound/adyen/notices"
SENT = "SELECT array_agg(state ORDER BY modification_id) FROM modifications"
ATTEMPT = "SELECT state FROM attempts WHERE route IS NOT NULL"


class Ground:
    def __init__(self, shop: Shop, standin: StandIn, client: httpx.AsyncClient) -> None:
        self.shop, self.standin, self.client = shop, standin, client
        self._posted = 0

    async def charge(self, card: int = 0) -> UUID:
        order_id = await started(self.shop, script_card("visa", "51", card))
        await plan_now(self.shop, order_id)
        await send_attempt(self.shop.world, self.shop.orders, self.shop.key(order_id))
        return order_id

    async def refund(self, order_id: UUID, amount: str = "1.00") -> None:
        await refund(
            self.shop.world,
            self.shop.orders,
            self.shop.scope,
            order_id,
            RefundRequest(amount=amount),
        )
        await self.shop.run_due()

    async def post(self, *, only: str = "") -> list[httpx.Response]:
        """What the stand-in has made since, of these kinds."""
        self.standin.send_notices()
        made, self._posted = self.standin.posted[self._posted :], len(self.standin.posted)
        chosen = [one for one in made if only in one.body.decode()]
        return [
            await self.client.post(PATH, content=one.body, headers=one.headers) for one in chosen
        ]


def story(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    play: Callable[[Ground], Awaitable[None]],
    card: str = "visa",
) -> None:
    async def inside() -> None:
        standin = await StandIn(tmp_path / "adyen.sqlite").start()
        stored = standin.account.store(card, "shopper-9")
        adyen = Adyen(key=KEY, account=MERCHANT, url=standin.url, notice_secrets=(SECRET,))
        method = Stored("adyen", stored["id"], "shopper-9", "visa")
        monkeypatch.setattr(charge, "open_card", lambda *_: method)
        monkeypatch.setattr(charge, "_closed_card", lambda *_: method)
        try:
            async with sandbox_world(server, policy=PATIENT) as made:
                own = dict(made[0].processors)
                shop = await make_shop(*made)
                change_world(made[0], processors={"adyen": adyen})
                app = Starlette(routes=routes(shop.world, shop.orders))
                transport = httpx.ASGITransport(app=app, client=("192.0.2.9", 4000))
                async with httpx.AsyncClient(
                    transport=transport, base_url="http://door.test"
                ) as client:
                    await play(Ground(shop, standin, client))
                change_world(made[0], processors=own)
        finally:  # a client left open fails a test that runs later
            await adyen.close()
            await standin.stop()

    asyncio.run(inside())


def test_a_refund_is_open_until_its_notice_comes(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.charge()
        await on.refund(order_id)
        assert await on.shop.value(SENT) == ["sent"]
        due = (
            "SELECT bool_and(due_at > now() + interval '1 hour') FROM due_work WHERE kind = "
            "'modification'"
        )
        assert await on.shop.value(due), "received is no reason to hurry"
        answers = await on.post()
        assert {(one.status_code, one.content) for one in answers} == {(200, b"[accepted]")}
        assert await on.shop.value(SENT) == ["done"]
        assert len([one for one in on.standin.calls if one.endswith("/refunds")]) == 1
        on.standin.posted += on.standin.posted
        assert {one.status_code for one in await on.post()} == {200}
        assert await on.shop.value(SENT) == ["done"]
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, play)


def test_a_refund_that_is_refused_or_fails_later_needs_people(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.charge()
        await on.refund(order_id)
        await on.post()
        assert (await on.shop.order(order_id))["attention"] is None
        on.standin.account.fail_refund(next(on.standin.book.all("modification"))["id"])
        await on.post()
        assert (await on.shop.order(order_id))["attention"] == "refund_failed"
        await on.post()
        assert (await on.shop.happenings(order_id)).count("refund_failed") == 1
        assert await on.shop.value(SENT) == ["failed", "stuck"], "owed again, once"
        order = await on.shop.order(order_id)
        assert order["stage"] == "completed", "no stage goes back"
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, play)


def test_a_refund_that_was_sent_again_by_hand_is_known_by_the_id_of_now(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its notice was nobody's: a refund that was paid stayed under way."""

    async def play(on: Ground) -> None:
        order_id = await on.charge()
        (payment,) = on.standin.book.all("payment")
        on.standin.book.put(payment | {"refunded": payment["captured"]})
        await on.refund(order_id)
        await on.post()
        assert await on.shop.value(SENT) == ["stuck"]
        on.standin.book.put(payment)
        refund_id = await on.shop.value("SELECT modification_id FROM modifications")
        scope = Scope(on.shop.merchant_id, Actor("user", "ann@example.test"), "test")
        await decide(on.shop.world, on.shop.orders, scope, refund_id, "again", "")
        await on.shop.run_due()
        assert await on.shop.value(SENT) == ["sent"]
        assert {one.status_code for one in await on.post()} == {200}
        assert await on.shop.value(SENT) == ["done"]
        assert (await on.shop.order(order_id))["attention"] is None
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, play)


def test_a_refund_whose_first_id_was_paid_after_all_needs_people(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.charge()
        await on.refund(order_id)
        refund_id = await on.shop.value("SELECT modification_id FROM modifications")
        await on.shop.value(
            "UPDATE modifications SET send_id = $2, send_key = $2 WHERE modification_id = $1",
            refund_id,
            new_id(),
        )
        assert {one.status_code for one in await on.post()} == {200}
        assert await on.shop.value(SENT) == ["sent"]
        assert (await on.shop.order(order_id))["attention"]

    story(server, monkeypatch, tmp_path, play)


def test_a_lost_answer_is_decided_by_the_notice_where_no_send_is_allowed(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        on.standin.faults.add("lost", "/payments")
        order_id = await on.charge()
        assert await on.shop.value(ATTEMPT) == "unknown"
        monkeypatch.setattr("recoup.rescue.flows.inquire._barred", lambda *_: (True, None))
        calls = len(on.standin.calls)
        assert [one.status_code for one in await on.post(only="AUTHORISATION")] == [200]
        assert await on.shop.value(ATTEMPT) == "approved"
        assert (await on.shop.order(order_id))["stage"] == "completed"
        assert on.standin.calls[calls:] == []

    story(server, monkeypatch, tmp_path, play)


def test_a_lost_answer_is_asked_by_the_message_itself(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        on.standin.faults.add("lost", "/payments")
        await on.charge()
        assert {one.status_code for one in await on.post(only="AUTHORISATION")} == {200}
        await on.shop.run_due()
        assert await on.shop.value(ATTEMPT) == "approved"
        assert await on.shop.value(
            "SELECT network_transaction_id IS NOT NULL FROM attempts WHERE route IS NOT NULL"
        )
        assert len(list(on.standin.book.all("payment"))) == 1

    story(server, monkeypatch, tmp_path, play)


def test_a_dispute_is_what_is_signed_of_it(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.charge()
        case = on.standin.account.dispute(next(on.standin.book.all("payment"))["id"])
        assert {one.status_code for one in await on.post()} == {200}
        row = "SELECT array[state, stage, units::text, case_ref] FROM disputes WHERE order_id = $1"
        assert await on.shop.value(row, order_id) == ["open", "first", "4590", case["id"]]
        on.standin.account.win(case["id"])
        await on.post()
        assert (await on.shop.value(row, order_id))[0] == "won"

    story(server, monkeypatch, tmp_path, play)


OPENED = ("CHARGEBACK", "INFORMATION_SUPPLIED", "CHARGEBACK_REVERSED", "PREARBITRATION_OPEN")
ENDS: dict[tuple[str, ...], tuple[str, str]] = {
    ("REQUEST_FOR_INFORMATION",): ("inquiry", "open"),
    ("REQUEST_FOR_INFORMATION", "INFORMATION_SUPPLIED"): ("inquiry", "answered"),
    # without a status, for people
    ("REQUEST_FOR_INFORMATION", "DISPUTE_DEFENSE_PERIOD_ENDED"): ("inquiry", "open"),
    ("CHARGEBACK", "INFORMATION_SUPPLIED", "ISSUER_COMMENTS"): ("first", "answered"),
    ("CHARGEBACK", "DISPUTE_DEFENSE_PERIOD_ENDED"): ("first", "lost"),
    ("CHARGEBACK", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"): ("first", "won"),
    ("CHARGEBACK", "CHARGEBACK_REVERSED", "ISSUER_RESPONSE_TIMEFRAME_EXPIRED"): ("first", "won"),
    ("CHARGEBACK", "CHARGEBACK_REVERSED", "SECOND_CHARGEBACK"): ("pre_arbitration", "lost"),
    (*OPENED, "PREARBITRATION_ACCEPTED"): ("pre_arbitration", "lost"),
    (*OPENED, "PREARBITRATION_DECLINED"): ("pre_arbitration", "answered"),
    (*OPENED, "PREARBITRATION_ISSUER_WITHDRAWN"): ("pre_arbitration", "won"),
    (*OPENED, "PREARBITRATION_LOST"): ("pre_arbitration", "lost"),
    (*OPENED, "PREARBITRATION_DECLINED", "SCHEME_ARBITRATION"): ("arbitration", "open"),
    (*OPENED, "PREARBITRATION_DECLINED", "SCHEME_ARBITRATION", "SCHEME_ARBITRATION_WON"): (
        "arbitration",
        "won",
    ),
    (*OPENED, "PREARBITRATION_LOST", "SCHEME_ARBITRATION_LOST"): ("arbitration", "lost"),
}


def test_each_event_of_a_dispute_moves_or_ends_its_case(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        row = "SELECT array[stage, state, reason_code] FROM disputes WHERE order_id = $1"
        wrong = []
        for number, (events, end) in enumerate(ENDS.items()):
            order_id = await on.charge(number)
            payment = next(on.standin.book.all("payment"))["id"]
            reason = "4853" if number == len(ENDS) - 1 else "13.1"  # of Visa
            for event in events:
                more = {"chargebackReasonCode": f" {reason}"}
                on.standin.account.tell(
                    event, f"D{number}", payment, original=number % 2 == 0, **more
                )
                if {one.status_code for one in await on.post()} != {200}:
                    wrong.append((events, event))
            said = await on.shop.value(row, order_id)
            if said != [*end, reason]:
                wrong.append((events, said))
        assert wrong == []
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, play)


def test_a_hold_that_expired_needs_people_and_names_no_original(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        taken = await on.charge()
        held = await authorised(on.shop)
        for order_id, attention in ((taken, None), (held, "hold_expired")):
            key = str(
                await on.shop.value(
                    "SELECT key FROM attempts WHERE order_id = $1 AND state = 'approved'", order_id
                )
            )
            payment = next(one for one in on.standin.book.all("payment") if one["reference"] == key)
            on.standin.account.tell("EXPIRE", payment["id"], payment["id"], original=False)
            assert {one.status_code for one in await on.post(only="EXPIRE")} == {200}
            await on.shop.run_due()
            assert (await on.shop.order(order_id))["attention"] == attention
        assert (await on.shop.order(held))["stage"] == "authorised", "no stage goes back"
        assert (await verify(on.shop.world)).difference is None

    story(server, monkeypatch, tmp_path, play)


def test_a_kind_that_nobody_knows_is_counted_by_its_name_and_one_that_says_nothing_is_not(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        await on.charge()
        payment = next(on.standin.book.all("payment"))["id"]
        for event in ("BRAND_NEW", "BRAND_NEW", "ORDER_CLOSED", "x\ny" * 99):
            on.standin.account.tell(event, "D1", payment)
        assert {(one.status_code, one.content) for one in await on.post()} == {(200, b"[accepted]")}
        became = "SELECT jsonb_object_agg(became, count) FROM processor_notice_counts"
        assert await on.shop.value(became) == {"taken": 1, "needs_nothing": 2, "unknown_kind": 3}
        lines = [
            line async for line in look_at(on.shop.world) if line.what == "adyen unread notices"
        ]
        assert [one.ok for one in lines] == [True]
        assert "BRAND_NEW (2), x y" in lines[0].finding
        text, _ = await scrape([on.shop.world], tmp_path)
        assert b'recoup_unread_notices{route="own",world="sandbox"} 3.0' in text
        for number in range(60):
            on.standin.account.tell(f"NEW_{number}", "D1", payment)
        await on.post()
        assert await on.shop.value("SELECT count(*) FROM unread_notice_kinds") == 50

    story(server, monkeypatch, tmp_path, play)


def test_what_is_not_signed_or_not_ours_changes_nothing(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def play(on: Ground) -> None:
        order_id = await on.charge()
        await on.refund(order_id)
        on.standin.send_notices()
        (made,) = [one for one in on.standin.posted if b'"REFUND"' in one.body]

        async def post(body: bytes) -> int:
            return (await on.client.post(PATH, content=body, headers=made.headers)).status_code

        assert await post(made.body.replace(b'"success": "true"', b'"success": "false"')) == 401
        two: dict[str, Any] = json.loads(made.body)
        forged = json.loads(made.body.replace(b'"REFUND"', b'"REFUND_FAILED"'))
        two["notificationItems"] += forged["notificationItems"]
        assert await post(json.dumps(two).encode()) == 401, "one bad item refuses all"
        assert await post(made.body.replace(b'"live": "false"', b'"live": "true"')) == 200
        assert await post(b"{}") == 400
        assert await on.shop.value(SENT) == ["sent"]
        assert await post(made.body.replace(b'"reason": ""', b'"reason": "anything"')) == 200
        assert await on.shop.value(SENT) == ["done"]

    story(server, monkeypatch, tmp_path, play)
