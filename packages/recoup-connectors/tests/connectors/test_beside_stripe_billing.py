"""What is done at Stripe while an invoice of its billing is rescued, each story with its notices in
every order and with none: the order, the book and Stripe agree, nobody is charged twice, and each
end says its reason."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from math import factorial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from connectors.test_stripe_billing import ROWS, Ground, story
from tests.rings import drawn

from recoup.db.server import ServerAddress
from recoup.routes.store.connections import Billing
from recoup.routes.store.processor_notices import left_invoices

FAILS, PAYS = "visa_chargeDeclinedInsufficientFunds", "visa"
HEAD = """SELECT jsonb_build_array(stage, reason, h.units, attention)
FROM order_heads h JOIN current_orders USING (merchant_id, order_id)"""
Act = Callable[[Ground, str], None]


class Story(NamedTuple):
    """`end`: stage and reason of the order; `units` is its amount then. `there`: the invoice's
    status. `taken`: what Stripe has charged in all. `retries`: whose they are at the end."""

    act: Act
    end: tuple[str, str | None]
    there: str
    units: int = 4590
    taken: int = 4590
    billing: Billing = "take_over"
    retries: str = "off"


def failing(on: Ground, **more: str) -> str:
    """Of a subscription, charged to its customer's default method; Stripe has tried it once."""
    account, customer = on.account, on.customer
    account.change_customer(
        customer, {"invoice_settings": {"default_payment_method": on.method(FAILS)}}
    )
    subscription = account.make_subscription({"customer": customer})["id"]
    form = {
        "customer": customer,
        "amount_due": "4590",
        "subscription": subscription,
        "product": "prod_gym",
    }
    made = account.make_invoice(form | more)
    account.retry_invoice(made["id"])
    return str(made["id"])


def subscription_of(on: Ground, invoice: str) -> str:
    return str(on.there(invoice)["parent"]["subscription_details"]["subscription"])


def change(on: Ground, invoice: str, **values: Any) -> None:
    on.account.change_subscription(subscription_of(on, invoice), values)


def of_customer(on: Ground, invoice: str) -> None:
    on.account.change_customer(
        on.customer, {"invoice_settings": {"default_payment_method": on.method(PAYS)}}
    )


def of_both(on: Ground, invoice: str) -> None:
    method = on.method(PAYS)
    on.account.change_customer(
        on.customer, {"invoice_settings": {"default_payment_method": method}}
    )
    change(on, invoice, default_payment_method=method)


def of_subscription(on: Ground, invoice: str) -> None:
    change(on, invoice, default_payment_method=on.method(PAYS))


def of_invoice(on: Ground, invoice: str) -> None:
    on.account.change_invoice(invoice, {"default_payment_method": on.method(PAYS)})


def source(on: Ground) -> str:
    """A card as it was stored before there were payment methods; it is one too, by its own id."""
    method = on.account.need("payment_method", on.method(PAYS))
    return str(on.standin.book.put(method | {"id": method["id"].replace("pm_", "card_")})["id"])


def source_of_subscription(on: Ground, invoice: str) -> None:
    change(on, invoice, default_source=source(on))


def source_of_customer(on: Ground, invoice: str) -> None:
    before = on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"]
    on.account.change_customer(on.customer, {"default_source": source(on)})
    on.account.detach(before)


def replaced(on: Ground, invoice: str) -> None:
    """The card is removed; another comes later."""
    on.account.detach(
        on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"]
    )
    of_customer(on, invoice)


def removed(on: Ground, invoice: str) -> None:
    on.account.detach(
        on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"]
    )


def no_default(on: Ground, invoice: str) -> None:
    """It stays attached, and is not what the invoice would be charged to."""
    on.account.change_customer(on.customer, {"invoice_settings": {"default_payment_method": None}})


def a_bank_account(on: Ground, invoice: str) -> None:
    method = on.account.need("payment_method", on.method(PAYS))
    on.standin.book.put(method | {"type": "us_bank_account", "card": None})
    # the stand-in charges cards alone
    on.account.retry_invoice = on.there  # type: ignore[method-assign]
    on.account.change_customer(
        on.customer, {"invoice_settings": {"default_payment_method": method["id"]}}
    )


def credited(on: Ground, invoice: str) -> None:
    on.account.credit({"invoice": invoice, "amount": "4590"})


def credited_in_part(on: Ground, invoice: str) -> None:
    on.account.credit({"invoice": invoice, "amount": "1000"})
    of_customer(on, invoice)


def credited_twice(on: Ground, invoice: str) -> None:
    on.account.credit({"invoice": invoice, "amount": "1000"})
    on.account.credit({"invoice": invoice, "amount": "3590"})


def credit_voided(on: Ground, invoice: str) -> None:
    note = on.account.credit({"invoice": invoice, "amount": "1000"})
    on.account.void_credit(note["id"])
    of_customer(on, invoice)


def paid_in_part(on: Ground, invoice: str) -> None:
    """By a payment that the merchant attached."""
    before = on.there(invoice)
    about = {
        "amount": 1000,
        "currency": "usd",
        "customer": on.customer,
        "payment_method": on.method(PAYS),
    }
    intent = on.account.confirm(on.account.make_intent(about)["id"], {})
    paid = [{"status": "paid", "intent": intent["id"]}, *before["payments"]]
    on.standin.book.put(before | {"amount_paid": 1000, "amount_remaining": 3590, "payments": paid})
    of_customer(on, invoice)


def closed(status: str) -> Act:
    return lambda on, invoice: on.account.close_invoice(invoice, status) and None


def paid(on: Ground, invoice: str) -> None:
    on.account.pay_invoice(invoice, {"payment_method": on.method(PAYS)})


def out_of_band(on: Ground, invoice: str) -> None:
    on.account.pay_invoice(invoice, {"paid_out_of_band": "true"})


def ended(on: Ground, invoice: str) -> None:
    on.account.end_subscription(subscription_of(on, invoice))


def collects_nothing(on: Ground, invoice: str) -> None:
    change(on, invoice, pause_collection={"behavior": "void"})


def stands_paused(on: Ground, invoice: str) -> None:
    subscription = on.account.need("subscription", subscription_of(on, invoice))
    on.account._changed(subscription, {"status": "paused"}, "customer.subscription.paused")


def anew(product: str, amount: int = 4590) -> Act:
    """At the checkout, by another card; the first one's default stays."""

    def act(on: Ground, invoice: str) -> None:
        price = {"currency": "usd", "product": product, "unit_amount": str(amount)}
        form = {
            "customer": on.customer,
            "items": [{"price_data": price}],
            "default_payment_method": on.method(PAYS),
        }
        assert on.account.subscribe(form)["status"] == "active"

    return act


def anew_unnamed(on: Ground, invoice: str) -> None:
    form = {"customer": on.customer, "default_payment_method": on.method(PAYS)}
    subscription = on.account.make_subscription(form)["id"]
    made = on.account.make_invoice(
        {"customer": on.customer, "amount_due": "4590", "subscription": subscription}
    )
    on.account.pay_invoice(made["id"], {"off_session": "false"})


def once_more(on: Ground, invoice: str) -> None:
    """The next month of the same subscription is paid."""
    form = {
        "customer": on.customer,
        "amount_due": "4590",
        "subscription": subscription_of(on, invoice),
    }
    made = on.account.make_invoice(form | {"product": "prod_gym"})
    on.account.pay_invoice(made["id"], {"payment_method": on.method(PAYS)})
    of_customer(on, invoice)


def switched_off(on: Ground, invoice: str) -> None:
    on.account.change_invoice(invoice, {"auto_advance": "false"})


def sent_by_mail(on: Ground, invoice: str) -> None:
    on.account._changed(on.there(invoice), {"collection_method": "send_invoice"}, "invoice.updated")


GOES_ON, COMPLETED = ("expired", "expired"), ("completed", None)
STORIES = {
    "new default of customer": Story(of_customer, COMPLETED, "paid"),
    "new default of customer and subscription": Story(of_both, COMPLETED, "paid"),
    "new default of subscription": Story(of_subscription, COMPLETED, "paid"),
    "new default of invoice": Story(of_invoice, COMPLETED, "paid"),
    "source of subscription": Story(source_of_subscription, COMPLETED, "paid"),
    "source of customer": Story(source_of_customer, COMPLETED, "paid"),
    "card removed, another later": Story(replaced, COMPLETED, "paid"),
    "new default beside": Story(of_both, COMPLETED, "paid", billing="beside", retries="on"),
    "card removed": Story(removed, GOES_ON, "open", taken=0, retries="given_back"),
    "no default any more": Story(no_default, GOES_ON, "open", taken=0, retries="given_back"),
    "a bank account": Story(
        a_bank_account, ("cancelled", "billing_stopped"), "open", taken=0, retries="given_back"
    ),
    "credit note": Story(credited, ("cancelled", "invoice_credited"), "paid", taken=0),
    "two credit notes": Story(credited_twice, ("cancelled", "invoice_credited"), "paid", taken=0),
    "credit note of a part": Story(credited_in_part, COMPLETED, "paid", units=3590, taken=3590),
    "credit note voided": Story(credit_voided, COMPLETED, "paid"),
    "paid in part": Story(paid_in_part, COMPLETED, "paid", units=3590),
    "voided": Story(closed("void"), ("cancelled", "invoice_voided"), "void", taken=0),
    "uncollectible": Story(
        closed("uncollectible"), ("cancelled", "invoice_uncollectible"), "uncollectible", taken=0
    ),
    "paid by the customer": Story(paid, ("cancelled", "paid_elsewhere"), "paid"),
    "paid out of band": Story(out_of_band, ("cancelled", "paid_elsewhere"), "paid", taken=0),
    "subscription ended": Story(ended, ("cancelled", "subscription_cancelled"), "open", taken=0),
    "collection paused": Story(
        collects_nothing,
        ("cancelled", "subscription_paused"),
        "open",
        taken=0,
        retries="given_back",
    ),
    "subscription paused": Story(
        stands_paused, ("cancelled", "subscription_paused"), "open", taken=0, retries="given_back"
    ),
    "subscribed anew": Story(anew("prod_gym"), ("cancelled", "paid_elsewhere"), "open"),
    "subscribed anew for a year": Story(
        anew("prod_gym", 45900), ("cancelled", "paid_elsewhere"), "open", taken=45900
    ),
    "subscribed anew, no product named": Story(
        anew_unnamed, ("cancelled", "paid_elsewhere"), "open"
    ),
    "subscribed to another product": Story(
        anew("prod_pool"), GOES_ON, "open", retries="given_back"
    ),
    "next month is paid": Story(once_more, COMPLETED, "paid", taken=2 * 4590),
    "switched off": Story(
        switched_off,
        ("cancelled", "billing_stopped"),
        "open",
        taken=0,
        billing="beside",
        retries="on",
    ),
    "sent by mail": Story(
        sent_by_mail, ("cancelled", "billing_stopped"), "open", taken=0, retries="given_back"
    ),
}
LOST, ORDERS = -1, 12
CASES = [(name, order) for name in STORIES for order in range(LOST, ORDERS)]


def taken(on: Ground) -> int:
    return sum(one["amount_captured"] for one in on.charges() if one["status"] == "succeeded")


@drawn("connectors", ("name", "order"), CASES, 8)
def test_what_is_done_at_stripe_meanwhile_is_followed(
    server: ServerAddress, tmp_path: Path, name: str, order: int
) -> None:
    told = STORIES[name]

    async def tell(on: Ground) -> None:
        invoice = failing(on)
        await on.hear()
        assert await on.shop.value("SELECT count(*) FROM orders") == 1
        await on.days(0.5, step=timedelta(hours=12))
        old = {one["payment_method"] for one in on.charges()}
        before = len(on.charges())
        known = {one["id"] for one in on.standin.book.all("event")}
        told.act(on, invoice)
        events = [one for one in on.standin.book.all("event") if one["id"] not in known]
        on.heard |= {one["id"] for one in events}
        if order >= factorial(len(events)):
            return
        if order != LOST:
            for number, one in enumerate(permutations(events)):
                if number == order:
                    for event in one:
                        assert await on.post(event) == 200
                    break
            await on.shop.run_due()
        for event in reversed(list(on.standin.book.all("event"))):  # what is old comes again
            if event["id"] in known:
                await on.post(event | {"id": event["id"] + "_again"})
        await on.days(22, step=timedelta(hours=12))
        stage, reason, units, attention = await on.shop.value(HEAD)
        assert (stage, reason, units) == (*told.end, told.units)
        assert on.there(invoice)["status"] == told.there
        assert taken(on) == told.taken
        ((retries, why),) = await on.shop.value(ROWS)
        assert retries == told.retries
        assert why == {"completed": "paid", "expired": "not_rescued"}.get(stage, reason)
        ours = [
            one
            for one in on.charges()[: len(on.charges()) - before]
            if one["payment_method"] in old
        ]
        if "default" in name or "source" in name or "card" in name or "bank" in name:
            assert not ours, "nothing goes out on a card that the invoice is not charged to"
        assert (
            await on.shop.value("SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')")
            == 0
        )
        assert (attention == "invoice_left_open") is (
            told.there == "open" and reason == "paid_elsewhere"
        )

    story(server, tmp_path, tell, told.billing)


async def left_for(on: Ground, why: str) -> None:
    await on.hear()
    assert await on.shop.value("SELECT count(*) FROM orders") == 0
    left = await left_invoices(on.shop.world.db, on.shop.merchant_id)
    assert [(one.route, one.why) for one in left] == [("stripe", why)]


def first(on: Ground, card: str) -> dict[str, Any]:
    price = {"currency": "usd", "product": "prod_gym", "unit_amount": "4590"}
    form = {
        "customer": on.customer,
        "items": [{"price_data": price}],
        "default_payment_method": on.method(card),
    }
    return on.account.subscribe(form)


def test_a_first_invoice_is_not_charged_while_its_customer_subscribes_anew(
    server: ServerAddress, tmp_path: Path
) -> None:
    """Two subscriptions were paid: the first one's invoice had been charged 15 minutes later."""

    async def tell(on: Ground) -> None:
        begun = first(on, "chargeDeclinedProcessingError")
        assert begun["status"] == "incomplete"
        await left_for(on, "first_payment")
        assert first(on, PAYS)["status"] == "active"
        on.now_approves()
        await on.days(0.75)
        lapsed = on.account.need("subscription", begun["id"]) | {"status": "incomplete_expired"}
        on.account.close_invoice(begun["latest_invoice"], "void")  # after 23 hours
        on.account._changed(lapsed, {}, "customer.subscription.updated")
        await on.days(2)
        assert taken(on) == 4590
        assert await on.shop.value("SELECT count(*) FROM orders") == 0
        assert on.there(begun["latest_invoice"])["status"] == "void"

    story(server, tmp_path, tell)


def waits_for_an_upgrade(on: Ground, invoice: str) -> None:
    waiting = on.account.need("subscription", subscription_of(on, invoice))
    on.standin.book.put(waiting | {"pending_update": {"expires_at": 1}})


def stands(status: str) -> Act:
    def act(on: Ground, invoice: str) -> None:
        on.standin.book.put(
            on.account.need("subscription", subscription_of(on, invoice)) | {"status": status}
        )

    return act


LEFT = {
    "switched off": (switched_off, "billing_stopped"),
    "incomplete": (stands("incomplete"), "first_payment"),
    "an upgrade waits": (waits_for_an_upgrade, "first_payment"),
    "unpaid": (stands("unpaid"), "subscription_unpaid"),
    "paused": (stands("paused"), "subscription_paused"),
    "collects nothing": (collects_nothing, "subscription_paused"),
    "ended": (ended, "subscription_cancelled"),
    "subscribed anew": (anew("prod_gym"), "paid_again"),
    "no card": (removed, "no_method"),
    "a bank account": (a_bank_account, "refused"),
}


@drawn("connectors", "name", LEFT, 3)
@pytest.mark.parametrize("billing", ["take_over", "beside"])
def test_what_is_not_fit_for_a_rescue_is_left_and_why_is_kept(
    server: ServerAddress, tmp_path: Path, name: str, billing: Billing
) -> None:
    act, why = LEFT[name]

    async def tell(on: Ground) -> None:
        act(on, failing(on))
        await left_for(on, why)
        sent = len(on.charges())
        on.now_approves()
        for _ in range(40):
            on.clocks.move(timedelta(hours=12))
            await on.shop.run_due()
        assert len(on.charges()) == sent

    story(server, tmp_path, tell, billing)


@pytest.mark.parametrize("how", ["paid", "void", "credited", "another card"])
def test_what_happens_between_the_read_and_the_charge_is_no_charge_of_ours(
    server: ServerAddress, tmp_path: Path, how: str
) -> None:
    async def tell(on: Ground) -> None:
        failing(on)
        await on.hear()
        real, raced = on.account.pay_invoice, list[str]()
        acts: dict[str, Act] = {
            "paid": paid,
            "void": closed("void"),
            "credited": credited,
            "another card": of_customer,
        }

        def pay(id: str, form: dict[str, Any]) -> dict[str, Any]:
            if on.account.request["idempotency_key"] and not raced:
                raced.append(id)
                acts[how](on, id)
            return real(id, form)

        on.account.pay_invoice = pay  # type: ignore[method-assign]
        await on.days(8)
        assert raced
        stage, reason, *_ = await on.shop.value(HEAD)
        ends = {"paid": "paid_elsewhere", "void": "invoice_voided", "credited": "invoice_credited"}
        assert (stage, reason) == (("cancelled", ends[how]) if how in ends else COMPLETED)
        assert taken(on) == (0 if how in ("void", "credited") else 4590)
        assert "problem" not in await on.shop.value("SELECT jsonb_agg(dst) FROM order_log")

    story(server, tmp_path, tell)


def test_an_invoice_that_cannot_be_read_is_not_charged(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = failing(on)
        await on.hear()
        sent = len(on.charges())
        of_customer(on, invoice)
        on.heard |= {one["id"] for one in on.standin.book.all("event")}
        on.standin.faults.add("error_500", "GET /v1/customers", times=None)
        await on.days(5)
        assert len(on.charges()) == sent
        assert await on.stage() in ("processing", "held")
        on.standin.faults.left.clear()
        await on.days(3)
        assert (await on.stage(), taken(on)) == ("completed", 4590)

    story(server, tmp_path, tell)


def test_the_timeline_says_which_card_and_amount_took_the_place_of_which(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def tell(on: Ground) -> None:
        invoice = failing(on)
        await on.hear()
        on.account.credit({"invoice": invoice, "amount": "1000"})
        of_customer(on, invoice)
        await on.days(1)
        bodies = (
            "SELECT jsonb_agg(body ORDER BY seq) FROM order_log WHERE happening IN "
            "('amount_changed', 'card_replaced')"
        )
        amount, card = await on.shop.value(bodies)
        assert (amount["before"], amount["units"]) == (4590, 3590)
        assert (card["before"], card["last4"], card["another"]) == ("4242", "4242", True)
        changed = (
            "SELECT jsonb_agg(body -> 'Changed' ORDER BY seq) FROM outbox WHERE event = "
            "'order.amended'"
        )
        assert await on.shop.value(changed) == ["amount", "card"]

    story(server, tmp_path, tell)


def test_a_new_card_is_another_card_to_its_networks_limit(
    server: ServerAddress, tmp_path: Path
) -> None:
    """The old one may not be sent any more this month."""

    async def tell(on: Ground) -> None:
        invoice = failing(on)
        await on.hear()
        await on.days(6)
        sent = len(on.charges())
        await on.days(6)
        assert len(on.charges()) == sent == 2
        of_customer(on, invoice)
        await on.days(0.75)
        assert (await on.stage(), taken(on), len(on.charges())) == ("completed", 4590, sent + 1)
        assert await on.shop.value("SELECT count(DISTINCT card_id) FROM network_sends") == 2

    story(server, tmp_path, tell, visa_limit=2)
