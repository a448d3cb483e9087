"""What an order's page tells is so: what ended it, who asked for its attempt, what was charged, who
hears of it."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from tests.rescue.flows.test_challenges import answered
from tests.rescue.flows.test_typed_cards import LATER, linked
from tests.settling import sold
from tests.staff import As, portal, post, texts
from tests.webhooks.page.test_webhooks import make
from tests.worlds import FUNDS_CARD, HARD_CARD, Shop

from recoup.db.server import ServerAddress
from recoup.kernel.ids import tail
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import FAULT_CARDS, script_card
from recoup.rescue.flows.by_hand import bring_forward
from recoup.rescue.flows.challenge import agree, refuse
from recoup.rescue.flows.due import start


def why_ended(page: str) -> str:
    return page.partition("Why it ended")[2].partition("Attempts")[0].partition("Webhooks")[0]


async def worked_on(shop: Shop) -> tuple[UUID, str]:
    """An order whose first attempt is planned, and the address of its page."""
    order_id = await shop.admit(pan=FUNDS_CARD)
    await start(shop.orders, shop.key(order_id))
    return order_id, f"/orders/{order_id}"


async def authorised(shop: Shop) -> str:
    """The address of an order whose amount is held. A busy machine may answer too late, which is a
    decline."""
    for _ in range(5):
        word = await shop.ask(
            is_mit=False,
            days=None,
            pan=APPROVE_CARDS[1],
            code="05",
            cvv="123",
            facts={"transaction_type": "AUTHORIZATION"},
        )
        if word.evaluate == "CAPTUREREQUIRED":
            return f"/orders/{word.order_id}"
    raise AssertionError(f"five customers in a row heard {word.evaluate}")


def why_then(page: str) -> str:
    return page.partition("Why at this time")[2].partition("Card’s retry allowance")[0]


def test_an_order_shows_what_its_customer_agreed_to_and_that_they_chose_not_to_pay(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        page = await answered(shop, await linked(shop), **LATER)
        here = f"/orders/{page.order_id}"
        ops = await as_("ops")
        before = texts(await ops.get(here))
        for said in ("It is for one attempt.", "Attempts use your own card of the customer again."):
            assert said in before
        await agree(shop.orders, page, {"version": "later-1", "words": "If you say yes, …"}, "test")
        agreed = texts(await ops.get(here))
        assert "The customer agreed to later attempts" in agreed
        assert "Read and agreed to (version later-1): If you say yes, …" in agreed
        await refuse(shop.world, shop.orders, page, "test")
        assert "The customer chose not to pay" in why_ended(texts(await ops.get(here)))
        found = (await ops.get("/orders?q=reason:payer_refused")).headers["location"]
        assert str(page.order_id) in (await ops.get(found)).text

    portal(server, story)


def test_a_cancelled_order_says_who_cancelled_it_and_no_plan(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        ops = await as_("ops")
        assert (await post(ops, here, f"{here}/cancel")).status_code == 303
        why = why_ended(texts(await ops.get(here)))
        assert "Cancelled by Ops" in why
        assert (await shop.now()).strftime("%H:%M") in why
        for old in ("Next attempt", "planned in all", "The wait grows"):
            assert old not in why

    portal(server, story)


def test_an_expired_order_says_so_and_a_declined_one_why(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        expired, declined = await shop.admit(pan=FUNDS_CARD), await shop.admit(code="43")
        for _ in range(40):
            await shop.advance(timedelta(days=1))
        assert (await shop.order(expired))["stage"] == "expired"
        why = why_ended(texts(await ops.get(f"/orders/{expired}")))
        assert "Expired before an approval" in why
        assert "Next attempt" not in why
        assert (await shop.order(declined))["stage"] == "declined"
        why = why_ended(texts(await ops.get(f"/orders/{declined}")))
        assert "Declined for good" in why
        reasons = await shop.value(
            "SELECT d.reasons ->> 0 FROM order_log l JOIN decisions d USING (decision_id) "
            "WHERE l.order_id = $1 AND l.happening = 'declined'",
            declined,
        )
        assert reasons in why

    portal(server, story)


@pytest.mark.parametrize(
    ("pan", "units", "at_once", "later"),
    [
        (
            FUNDS_CARD,
            4590,
            "Declined while the customer waited",
            "Declined while the customer waited",
        ),
        (FAULT_CARDS["visa"], 80_001, "", "Approved after the customer was shown a decline"),
        (
            FAULT_CARDS["visa"],
            80_013,
            "No answer from the bank in time",
            "No answer from the bank in time",
        ),
        (HARD_CARD, 4590, "Declined for good", "Declined for good"),
    ],
)
def test_a_payment_that_was_not_declined_for_good_does_not_read_so(
    server: ServerAddress, pan: str, units: int, at_once: str, later: str
) -> None:
    """A soft decline, and a time-out that the bank had approved,
    read as final by the bank's word."""

    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        word = await shop.ask(is_mit=False, days=None, cvv="123", code="05", pan=pan, units=units)
        assert word.evaluate == "DECLINED"
        assert at_once in why_ended(texts(await ops.get(f"/orders/{word.order_id}")))
        if units != 80_013:
            await shop.settle()
        page = texts(await ops.get(f"/orders/{word.order_id}"))
        assert later in why_ended(page)
        assert ("for good" in why_ended(page)) == (pan == HARD_CARD)
        assert ("No further attempts: only a new payment" in page) == (pan == HARD_CARD)

    portal(server, story)


def test_what_was_never_charged_and_has_ended_is_not_said_to_be_booked_later(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, order_id = await as_("ops"), await shop.admit()
        assert "Nothing booked yet: no attempt has succeeded." in texts(
            await ops.get(f"/orders/{order_id}")
        )
        assert (
            await post(ops, f"/orders/{order_id}", f"/orders/{order_id}/cancel")
        ).status_code == 303
        page = texts(await ops.get(f"/orders/{order_id}"))
        assert "Nothing booked: the order ended without a payment." in page
        assert "booked yet" not in page

    portal(server, story)


def test_the_reference_number_that_clients_quote_is_shown_and_found(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, order_id, _ = await as_("ops"), await shop.admit(), await shop.admit()
        number = tail(order_id)
        page = (await ops.get(f"/orders/{order_id}")).text
        assert (
            f'<dt>Reference number</dt><dd><span class="id" data-copy="{number}">{number}</span>'
            in page
        )
        for typed in (f"reference:{number}", f"ref:{number}"):
            assert (await ops.get(f"/orders?q={typed}")).headers[
                "location"
            ] == f"/orders?q={number}"
        for typed in (number, number.lower()):
            found = await ops.get(f"/orders?q={typed}")
            assert (found.status_code, found.headers["location"]) == (303, f"/orders/{order_id}")

    portal(server, story)


def test_an_attempt_that_a_person_asked_for_says_who_and_not_the_old_plan(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        ops = await as_("ops")
        assert "Next attempt" in why_then(texts(await ops.get(here)))
        assert (await post(ops, here, f"{here}/retry")).status_code == 303
        asked = why_then(texts(await ops.get(here)))
        assert "Ops requested it, " in asked
        assert (await shop.now()).strftime("%H:%M") in asked
        for old in ("Next attempt", "planned in all", "What would change this"):
            assert old not in asked
        await shop.settle()
        assert "requested it" not in why_then(texts(await ops.get(here))), (
            "the next is the policy's again"
        )

    portal(server, story)


def test_an_authorised_order_says_what_to_do_and_that_nothing_is_charged(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops, here = await as_("ops"), await authorised(shop)
        held = texts(await ops.get(here))
        assert "The amount is authorised: nothing is charged until it is captured." in held
        assert re.search(
            r"Capture it here or with POST /v1/capture before \d+ \w+ \d\d:\d\d GMT, "
            "otherwise it is void",
            held,
        )
        assert (
            "Nothing booked yet: the order is authorised, and is charged when it is captured."
            in held
        )
        for untrue in ("no attempt has succeeded", "Expires"):
            assert untrue not in held, untrue
        await shop.advance(timedelta(days=8))
        voided = texts(await ops.get(here))
        assert "Not captured in time: the authorisation was voided" in why_ended(voided)
        assert "Nothing booked: the authorisation was not captured." in voided

    portal(server, story)


def test_attempts_that_a_person_stopped_are_told_by_who_stopped_them(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        ops, clerk = await as_("ops"), await as_("clerk")
        assert (await post(ops, here, f"{here}/stop")).status_code == 303
        told = texts(await clerk.get(here)).partition("Why nothing is planned")[2]
        assert told.strip().startswith("Ops stopped its attempts, ")
        assert "Next attempt" not in told
        assert (await post(ops, here, f"{here}/resume")).status_code == 303
        assert "stopped its attempts" not in texts(await clerk.get(here))

    portal(server, story)


def test_the_tab_and_the_table_count_the_attempts_that_were_sent(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        ops = await as_("ops")
        assert "Attempts sent 0" in texts(await ops.get(here))
        assert (await post(ops, here, f"{here}/retry")).status_code == 303
        await shop.settle()
        page = texts(await ops.get(here))
        assert "Attempts sent 1" in page
        assert re.search("1 sent to the processor ?; your own declined attempts: 1", page)

    portal(server, story)


def test_a_dialog_promises_a_webhook_only_where_an_endpoint_takes_it(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        (paid,) = await sold(shop)
        owner = await as_("owner")
        review = f"/orders/{paid}/refund?how=amount&amount=1.00&key={'a' * 32}"
        untold = texts(await owner.get(here))
        for event in ("order.cancelled", "order.onhold", "order.amended"):
            assert f"No endpoint subscribes to {event} : it is in the feed" in untold
        assert "gets the webhook" not in untold
        asked = await owner.get(review)
        assert "No endpoint subscribes to order.refunded : it is in the feed" in texts(asked)
        assert '<a href="/webhooks">it is in the feed</a>' in asked.text

        await make(owner, "https://shop.example/hooks", ("order.refunded", "order.onhold"))
        assert "gets the webhook order.refunded" in texts(await owner.get(review))
        told = texts(await owner.get(here))
        assert "gets the webhook order.onhold" in told
        assert "No endpoint subscribes to order.cancelled : it is in the feed" in told

    portal(server, story)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "is made now.",
                "allowed no attempt before",
                "Nothing is sent before",
                "Without the request",
            ),
        ),
        (
            "de",
            (
                "Er läuft jetzt.",
                "ließen bei der Anfrage vor",
                "wird nichts gesendet.",
                "Ohne die Anforderung",
            ),
        ),
        (
            "es",
            (
                "se hace ahora.",
                "no permitían ningún intento antes de",
                "No se envía nada antes de",
                "Sin la petición",
            ),
        ),
        (
            "fr",
            (
                "a lieu maintenant.",
                "ne permettaient aucune tentative avant",
                "Rien n’est envoyé avant",
                "Sans la demande",
            ),
        ),
        ("zh", ("现在进行。", "之前尝试。", "之前不会发送。", "若无此要求")),
    ],
)
def test_an_attempt_that_a_person_asked_for_and_the_gate_put_off_says_both(
    server: ServerAddress, language: str, words: tuple[str, ...]
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        order_id = await shop.admit(pan=script_card("mastercard", "51", 0), external_id="ASKED")
        for _ in range(9):  # with the payment that came in, a day's allowance
            await shop.transmitted("ASKED", code_source="mastercard")
        await start(shop.orders, shop.key(order_id))
        await bring_forward(shop.orders, shop.scope, order_id)
        await shop.run_due()
        shown = texts(
            await (await as_("ops")).get(
                f"/orders/{order_id}", headers={"accept-language": language}
            )
        )
        assert [word for word in words if word not in shown] == [], shown
        assert " UTC" not in shown, "in the zone of whoever reads"

    portal(server, story)


def test_an_orders_page_shows_what_the_processor_checked(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        ops = await as_("ops")
        word = await shop.ask(is_mit=False, days=None, cvv="123", code="05")
        assert word.evaluate == "APPROVED"
        shown = (
            (await ops.get(f"/orders/{word.order_id}"))
            .text.partition('id="attempts"')[2]
            .partition("</section>")[0]
        )
        assert re.search(
            r"<dt>Security code</dt><dd><code>M</code> <span class=\"note\">matches</span>", shown
        )
        for label in ("Billing address", "Processor’s risk", "Authorisation code", "Network’s id"):
            assert f"<dt>{label}</dt>" in shown

    portal(server, story)


def test_a_plan_says_what_one_other_input_would_have_made_of_it(server: ServerAddress) -> None:
    async def story(shop: Shop, as_: As) -> None:
        _, here = await worked_on(shop)
        shown = why_then(texts(await (await as_("ops")).get(here)))
        assert "What if:" in shown
        assert "With an expiry a week later: the decision would have been the same." in shown
        assert "If the schedule allowed one more attempt: " in shown
        assert "what would have been planned, not what the bank would have answered" in shown
        assert (
            "Re-evaluate Re-evaluated from its stored inputs just now: the decision is the same."
            in shown
        )
        assert (
            f'<form class="row" id="again" method="get" action="{here}#again">'
            in (await (await as_("ops")).get(here)).text
        )

    portal(server, story)
