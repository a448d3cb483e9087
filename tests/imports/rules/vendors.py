"""One made-up history of payments, written as each vendor exports it: its columns, statuses,
decline reasons and the standard texts that stand beside them."""

import csv
import io
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from recoup.imports.rules.attempt import State

START: Final = datetime(2026, 3, 1, tzinfo=UTC)
# What an issuer says, in the words of (Stripe, Adyen, Braintree, Recurly, Chargebee): a code, and
# the text beside it.
# Half of all declines are generic, as in life.
GENERIC: Final = "The bank did not return any further details with this decline."
REASONS: Final = (
    (
        ("generic_decline", GENERIC),
        ("REFUSED", "05 : Do not honor"),
        ("2000", "Do Not Honor"),
        (
            "declined",
            "The transaction was declined. Please use a different card, contact your bank, or "
            "contact support.",
        ),
        ("generic_decline", "Your card was declined."),
    ),
    (
        ("do_not_honor", "The bank returned the decline code `do_not_honor`."),
        ("DECLINED_NON_GENERIC", ""),
        ("2046", "Declined"),
        ("declined", "Your card did not return an approval"),
        ("2046", "Declined"),
    ),
    (
        ("insufficient_funds", "The bank returned the decline code `insufficient_funds`."),
        ("NOT_ENOUGH_BALANCE", "51 : Insufficient funds/over credit limit"),
        ("2001", "Insufficient Funds"),
        ("insufficient_funds", "Your card has insufficient funds."),
        ("insufficient_funds", "Your card has insufficient funds."),
    ),
    (
        ("fraudulent", "The bank returned the decline code `fraudulent`."),
        ("ISSUER_SUSPECTED_FRAUD", "59 : Suspected fraud"),
        ("2014", "Processor Declined - Fraud Suspected"),
        ("fraud_issuer", "Blocked by your bank; it did not return a reason."),
        ("fraudulent", "Your card was declined."),
    ),
)
# Refused before the issuer was asked: by the vendor's own checks.
HELD: Final = (
    (
        ("highest_risk_level", "Stripe blocked this payment as too risky."),
        "FRAUD",
        "risk_threshold",
    ),
    (("rule", "You blocked this payment."), "CANCELLED", "avs_and_cvv"),
    (
        ("highest_risk_level", "Stripe blocked this payment as too risky."),
        "FRAUD-CANCELLED",
        "fraud",
    ),
)


class Try(NamedTuple):
    """`reason`: of REASONS or HELD. `afterwards`: an approval that was refunded or voided later."""

    ref: int
    payment: int
    at: datetime
    cents: int
    state: State
    reason: int
    afterwards: bool


def history(payments: int) -> list[Try]:
    """Payments of a few tries each, in the order of time."""
    dice, tries = random.Random(54), list[Try]()  # noqa: S311 - no secret
    for payment in range(payments):
        at = START + timedelta(minutes=43 * payment % (90 * 1440), seconds=dice.randrange(60))
        cents = dice.choice((900, 1900, 4590, 12_000, 100_050))
        for _ in range(dice.choice((1, 2, 3, 4))):
            state = dice.choices(("approved", "declined", "not_sent", "unknown"), (60, 33, 5, 2))[0]
            reason = (
                dice.choice((0, 0, 0, 1, 2, 2, 3))
                if state == "declined"
                else dice.randrange(len(HELD))
            )
            number, is_odd = len(tries), dice.random() < 0.1
            one = Try(number, payment, at, cents, state, reason, is_odd)  # type: ignore[arg-type]
            tries.append(one)
            if state == "approved":
                break
            at += timedelta(days=dice.choice((1, 3, 5)), seconds=dice.randrange(3600))
    return sorted(tries, key=lambda one: one.at)


def _amount(one: Try) -> str:
    return f"{one.cents // 100}.{one.cents % 100:02}"


def _stripe(one: Try, *, with_reason: bool = True) -> dict[str, str]:
    reason, text = {
        "declined": REASONS[one.reason % 4][0],
        "not_sent": HELD[one.reason % 3][0],
    }.get(one.state, ("", ""))
    if one.state == "not_sent" and not with_reason:
        text = "Stripe blocked this payment as too risky."
    status = {"declined": "Failed", "not_sent": "Failed", "unknown": "Pending"}
    row = {
        "id": f"ch_{one.ref}",
        "Created date (UTC)": f"{one.at:%Y-%m-%d %H:%M:%S}",
        "Amount": _amount(one),
        "Amount Refunded": "0.00",
        "Currency": "usd",
        "Captured": str(one.state == "approved").lower(),
        "Decline Reason": reason,
        "Seller Message": text or "Payment complete.",
        "Status": status.get(one.state, "Refunded" if one.afterwards else "Paid"),
        "Customer ID": f"cus_{one.payment}",
        "PaymentIntent ID": f"pi_{one.payment}",
    }
    return (
        row
        if with_reason
        else {name: cell for name, cell in row.items() if name != "Decline Reason"}
    )


def _stripe_table(one: Try) -> dict[str, str]:
    network = {
        "declined": "declined_by_network",
        "not_sent": "not_sent_to_network",
        "approved": "approved_by_network",
    }
    row = _stripe(one)
    return {
        "id": row["id"],
        "amount": str(one.cents),
        "created": row["Created date (UTC)"],
        "currency": "usd",
        "customer_id": row["Customer ID"],
        "outcome_network_status": network.get(one.state, ""),
        "outcome_reason": row["Decline Reason"],
        "outcome_seller_message": row["Seller Message"],
        "paid": row["Captured"],
        "payment_intent_id": row["PaymentIntent ID"],
        "status": {"approved": "succeeded", "unknown": "pending"}.get(one.state, "failed"),
    }


def _adyen(one: Try) -> dict[str, str]:
    kind = {"declined": "Refused", "not_sent": "Refused", "unknown": "AuthorisedPending"}
    answer, raw = {
        "declined": REASONS[one.reason % 4][1],
        "not_sent": (HELD[one.reason % 3][1], ""),
        "unknown": ("PENDING", ""),
    }.get(one.state, ("APPROVED", ""))
    return {
        "Company Account": "Shop",
        "Merchant Account": "ShopCOM",
        "Psp Reference": f"NC{one.ref:014}",
        "Merchant Reference": f"SUB-{one.payment}",
        "Payment Method": "visa",
        "Creation Date": f"{one.at:%Y-%m-%d %H:%M:%S}",
        "TimeZone": "UTC",
        "Currency": "USD",
        "Amount": _amount(one),
        "Type": kind.get(one.state, "Refunded" if one.afterwards else "Authorised"),
        "Risk Scoring": "0",
        "Shopper Reference": f"shopper-{one.payment}",
        "Acquirer Response": answer,
        "Raw Acquirer Response": raw,
    }


def _braintree(one: Try) -> dict[str, str]:
    status = {
        "declined": "processor_declined",
        "not_sent": "gateway_rejected",
        "unknown": "authorizing",
    }
    code, text = REASONS[one.reason % 4][2] if one.state == "declined" else ("1000", "Approved")
    return {
        "Transaction ID": f"bt{one.ref}",
        "Transaction Type": "sale",
        "Transaction Status": status.get(one.state, "voided" if one.afterwards else "settled"),
        "Created Datetime": f"{one.at:%m/%d/%Y %H:%M:%S}",
        "Created Timezone": "UTC",
        "Currency ISO Code": "USD",
        "Amount Authorized": _amount(one),
        "Order ID": f"SUB-{one.payment}",
        "Payment Instrument Type": "Credit Card",
        "Customer ID": f"c{one.payment}",
        "Processor Response Code": code if one.state in ("approved", "declined") else "",
        "Processor Response Text": text if one.state in ("approved", "declined") else "",
        "Gateway Rejection Reason": HELD[one.reason % 3][2] if one.state == "not_sent" else "",
    }


def _recurly(one: Try) -> dict[str, str]:
    status = {"declined": "declined", "not_sent": "declined", "unknown": "processing"}
    code, text = REASONS[one.reason % 4][3] if one.state == "declined" else ("", "")
    return {
        "account_code": f"acc{one.payment}",
        "transaction_id": f"r{one.ref}",
        "type": "purchase",
        "amount": _amount(one),
        "currency": "USD",
        "date": f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
        "status": status.get(one.state, "void" if one.afterwards else "success"),
        "message": "Risk" if one.state == "not_sent" else text,
        "test": "FALSE",
        "invoice_id": f"inv{one.payment}",
        "gateway_error_codes": code,
        "payment_method": "credit_card",
        "fraud_decision": "DECLINE" if one.state == "not_sent" else "",
        "failure_type": code,
    }


def _chargebee(one: Try) -> dict[str, str]:
    status = {"declined": "failure", "not_sent": "failure", "unknown": "in_progress"}
    code, text = REASONS[one.reason % 4][4] if one.state == "declined" else ("", "")
    return {
        "Id": f"txn{one.ref}",
        "Customer Id": f"cb{one.payment}",
        "Payment Method": "card",
        "Gateway": "stripe",
        "Type": "payment",
        "Date": f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
        "Currency Code": "USD",
        "Amount": _amount(one),
        "Id At Gateway": "" if one.state == "not_sent" else f"ch_{one.ref}",
        "Status": status.get(one.state, "voided" if one.afterwards else "success"),
        "Error Code": code,
        "Error Text": text,
        "Linked Invoices": f"INV-{one.payment}",
    }


LAYOUTS: Final[Mapping[str, Callable[[Try], dict[str, str]]]] = {
    "stripe-payments": _stripe,
    "stripe-payments, messages alone": lambda one: _stripe(one, with_reason=False),
    "stripe-charges": _stripe_table,
    "adyen-received": _adyen,
    "braintree": _braintree,
    "recurly": _recurly,
    "chargebee": _chargebee,
}


def export(layout: Callable[[Try], dict[str, str]], tries: Iterable[Try]) -> str:
    rows = list(map(layout, tries))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
