"""Examples of operations whose doors give none, so that each page shows a call that can be pasted."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.rules.network.magic import script_card

_TRANSACTION: Final[Mapping[str, Any]] = {
    "id": "psp-91002", "timestampUtc": "2026-03-02T06:00:04Z", "amount": 4590, "currency": "USD",
    "responseCode": "51", "responseCodeSource": "nmi", "responseDescription": "Insufficient funds",
    "avsResultCode": "NA", "cvvResultCode": "NA", "cavvResultCode": "NA",
}  # fmt: skip
_CARD: Final = script_card("visa", "51", 1)  # declined once more, then approved
_GUID: Final = "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c"
_SITE: Final[Mapping[str, Any]] = {
    "url": "https://shoes.example.com", "name": "Shoes", "descriptor": "LEAF*SHOES",
}  # fmt: skip
EXAMPLES: Final[Mapping[tuple[str, str], Example]] = {
    ("POST", "/v1/oauth2/refresh"): Example("refresh", {"refreshToken": "rt_…"}),
    ("POST", "/v1/transmit"): Example("approved payment", {
        "isDeclined": False, "orderId": "SO-20931", "isMIT": False, "orderSource": "ecommerce",
        "transaction": {**_TRANSACTION, "responseCode": "100", "responseDescription": "Approved"},
        "payer": {"id": "cust-71", "email": "ana@example.com"},
        "paymentMethod": {"cardBrand": "VISA", "cardBinNumber": _CARD[:6], "cardLast4Digits": _CARD[-4:]},
    }),
    ("PATCH", "/v1/transmit/{id}"): Example("approved after all", {"outcome": "APPROVED"}),
    ("POST", "/v1/tokenize"): Example("a test card", {"payment_method": {"email": "ana@example.com", "credit_card": {
        "first_name": "Ana", "last_name": "Roe", "number": _CARD, "month": "09", "year": "2031",
    }}}),
    ("POST", "/v1/evaluate"): Example("a declined renewal", {
        "isDeclined": True, "isMIT": True, "isRecurring": True, "orderId": "SUB-7731-2026-03",
        "idempotencyKey": "SUB-7731-2026-03-1", "expiryDateUtc": "2026-03-23T00:00:00Z",
        "subscription": {"subscriptionId": "sub-7731", "interval": "monthly", "price": "45.90", "currency": "USD"},
        "transaction": _TRANSACTION,
        "payer": {"id": "cust-71", "email": "ana@example.com"},
        "billingInformation": {"firstName": "Ana", "lastName": "Roe", "countryCode": "US", "city": "Austin"},
        "paymentMethod": {"token": True, "cardNumber": _GUID},
    }),
    ("POST", "/v1/capture"): Example("all of it", {
        "orderId": _GUID, "idempotencyKey": "capture-1", "amount": 4590, "currency": "USD",
    }),
    ("GET", "/v1/orders"): Example("in work or completed", {"status": [4, 7], "pageSize": 5, "sort": "desc"}),
    ("PATCH", "/v1/orders/{id}"): Example("a note", {"metadata": {"ticket": "4711"}}),
    ("PUT", "/v1/webhooks/{id}"): Example("another address", {"url": "https://hooks.example.com/recoup"}),
    ("PATCH", "/v1/webhooks/{id}"): Example("two events", {"events": ["order.completed", "order.expired"]}),
    ("PUT", "/v1/sites/{id}"): Example("another name", {**_SITE, "name": "Boots"}),
    ("PATCH", "/v1/sites/{id}"): Example("another descriptor", {"descriptor": "LEAF*BOOTS"}),
}  # fmt: skip


def with_examples(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    """An operation's own examples count."""
    found = (EXAMPLES.get((one.method, one.path)) for one in operations)
    return tuple(
        replace(one, examples=(replace(example, status=min(one.answers, default=200)),))
        if example is not None and not one.examples else one
        for one, example in zip(operations, found, strict=True)
    )  # fmt: skip
