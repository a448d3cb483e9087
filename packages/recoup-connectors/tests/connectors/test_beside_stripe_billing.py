"""What is done at Stripe while an invoice of its billing is rescued, each story with its notices in every order
and with none: the order, the book and Stripe agree, nobody is charged twice, and each end says its reason."""

from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from math import factorial
from pathlib import Path
from typing import Any, NamedTuple

from connectors.test_stripe_billing import ROWS, Ground, story
from tests.rings import drawn

from recoup.store.cards.connections import Billing
from recoup.store.server import ServerAddress

FAILS, PAYS = "visa_chargeDeclinedInsufficientFunds", "visa"
HEAD = """SELECT jsonb_build_array(stage, reason, h.units, attention)
FROM order_heads h JOIN orders USING (merchant_id, order_id)"""
Act = Callable[[Ground, str], None]


class Story(NamedTuple):
    """`end`: stage and reason of the order; `units` is its amount then. `there`: the invoice's status. `taken`: what
    Stripe has charged in all. `retries`: whose they are at the end."""

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
    account.change_customer(customer, {"invoice_settings": {"default_payment_method": on.method(FAILS)}})
    subscription = account.make_subscription({"customer": customer})["id"]
    form = {"customer": customer, "amount_due": "4590", "subscription": subscription, "product": "prod_gym"}
    made = account.make_invoice(form | more)
    account.retry_invoice(made["id"])
    return str(made["id"])


def subscription_of(on: Ground, invoice: str) -> str:
    return str(on.there(invoice)["parent"]["subscription_details"]["subscription"])


def change(on: Ground, invoice: str, **values: Any) -> None:
    on.account.change_subscription(subscription_of(on, invoice), values)


def of_customer(on: Ground, invoice: str) -> None:
    on.account.change_customer(on.customer, {"invoice_settings": {"default_payment_method": on.method(PAYS)}})


def of_both(on: Ground, invoice: str) -> None:
    method = on.method(PAYS)
    on.account.change_customer(on.customer, {"invoice_settings": {"default_payment_method": method}})
    change(on, invoice, default_payment_method=method)


def of_subscription(on: Ground, invoice: str) -> None:
    change(on, invoice, default_payment_method=on.method(PAYS))


def of_invoice(on: Ground, invoice: str) -> None:
    on.account.change_invoice(invoice, {"default_payment_method": on.method(PAYS)})


def source_of_subscription(on: Ground, invoice: str) -> None:
    change(on, invoice, default_source=on.account.add_source(on.customer, PAYS)["id"])


def source_of_customer(on: Ground, invoice: str) -> None:
    before = on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"]
    on.account.change_customer(on.customer, {"default_source": on.account.add_source(on.customer, PAYS)["id"]})
    on.account.detach(before)


def replaced(on: Ground, invoice: str) -> None:
    """The card is removed; another comes later."""
    on.account.detach(on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"])
    of_customer(on, invoice)


def removed(on: Ground, invoice: str) -> None:
    on.account.detach(on.account.need("customer", on.customer)["invoice_settings"]["default_payment_method"])


def no_default(on: Ground, invoice: str) -> None:
    """It stays attached, and is not what the invoice would be charged to."""
    on.account.change_customer(on.customer, {"invoice_settings": {"default_payment_method": None}})


def a_bank_account(on: Ground, invoice: str) -> None:
    method = on.account.need("payment_method", on.method(PAYS))
    on.standin.book.put(method | {"type": "us_bank_account", "card": None})
    on.account.change_customer(on.customer, {"invoice_settings": {"default_payment_method": method["id"]}})


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
    about = {"amount": 1000, "currency": "usd", "customer": on.customer, "payment_method": on.method(PAYS)}
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
        form = {"customer": on.customer, "items": [{"price_data": price}], "default_payment_method": on.method(PAYS)}
        assert on.account.subscribe(form)["status"] == "active"

    return act


def anew_unnamed(on: Ground, invoice: str) -> None:
    form = {"customer": on.customer, "default_payment_method": on.method(PAYS)}
    subscription = on.account.make_subscription(form)["id"]
    made = on.account.make_invoice({"customer": on.customer, "amount_due": "4590", "subscription": subscription})
    on.account.pay_invoice(made["id"], {"off_session": "false"})


def once_more(on: Ground, invoice: str) -> None:
    """The next month of the same subscription is paid."""
    form = {"customer": on.customer, "amount_due": "4590", "subscription": subscription_of(on, invoice)}
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
    "a bank account": Story(a_bank_account, ("cancelled", "billing_stopped"), "open", taken=0, retries="given_back"),
    "credit note": Story(credited, ("cancelled", "invoice_credited"), "paid", taken=0),
    "two credit notes": Story(credited_twice, ("cancelled", "invoice_credited"), "paid", taken=0),
    "credit note of a part": Story(credited_in_part, COMPLETED, "paid", units=3590, taken=3590),
    "credit note voided": Story(credit_voided, COMPLETED, "paid"),
    "paid in part": Story(paid_in_part, COMPLETED, "paid", units=3590),
    "voided": Story(closed("void"), ("cancelled", "invoice_voided"), "void", taken=0),
    "uncollectible": Story(closed("uncollectible"), ("cancelled", "invoice_uncollectible"), "uncollectible", taken=0),
    "paid by the customer": Story(paid, ("cancelled", "paid_elsewhere"), "paid"),
    "paid out of band": Story(out_of_band, ("cancelled", "paid_elsewhere"), "paid", taken=0),
    "subscription ended": Story(ended, ("cancelled", "subscription_cancelled"), "open", taken=0),
    "collection paused": Story(
        collects_nothing, ("cancelled", "subscription_paused"), "open", taken=0, retries="given_back"
    ),
    "subscription paused": Story(
        stands_paused, ("cancelled", "subscription_paused"), "open", taken=0, retries="given_back"
    ),
    "subscribed anew": Story(anew("prod_gym"), ("cancelled", "paid_elsewhere"), "open"),
    "subscribed anew for a year": Story(anew("prod_gym", 45900), ("cancelled", "paid_elsewhere"), "open", taken=45900),
    "subscribed anew, no product named": Story(anew_unnamed, ("cancelled", "paid_elsewhere"), "open"),
    "subscribed to another product": Story(anew("prod_pool"), GOES_ON, "open", retries="given_back"),
    "next month is paid": Story(once_more, COMPLETED, "paid", taken=2 * 4590),
    "switched off": Story(
        switched_off, ("cancelled", "billing_stopped"), "open", taken=0, billing="beside", retries="on"
    ),
    "sent by mail": Story(sent_by_mail, ("cancelled", "billing_stopped"), "open", taken=0, retries="given_back"),
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
        ours = [one for one in on.charges()[: len(on.charges()) - before] if one["payment_method"] in old]
        if "default" in name or "source" in name or "card" in name or "bank" in name:
            assert not ours, "nothing goes out on a card that the invoice is not charged to"
        assert await on.shop.value("SELECT count(*) FROM attempts WHERE state IN ('open', 'unknown')") == 0
        assert (attention == "invoice_left_open") is (told.there == "open" and reason == "paid_elsewhere")

    story(server, tmp_path, tell, told.billing)
