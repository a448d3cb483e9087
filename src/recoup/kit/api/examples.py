"""Examples of calls and their answers. Ids, dates and credentials stand for others; answers show
some members. Source: the examples of the contract, §2–§11."""

from typing import Any, Final

from recoup.kit.edge.described import Example
from recoup.networks.magic import script_card

_ORDER: Final = "91f7a1b0-3c55-4c6e-a0b1-2d3e4f5a6b7c"
_TOKEN: Final = "2f1e0d9c-8b7a-4695-8473-625140302f1e"  # noqa: S105 - stands for a card
_CARD: Final = script_card("visa", "51", 1)  # declined once more, then approved
_PAYER: Final = {"id": "cust-71", "email": "ana@example.test", "phone": "+1 555 010 2030"}
_BILLING: Final = {"firstName": "Ana", "lastName": "Roe", "countryCode": "US",
"addressLine1": "12 Elm St",
                   "city": "Austin", "state": "TX", "zipcode": "73301"}  # fmt: skip
_TRANSACTION: Final[dict[str, Any]] = {
    "id": "psp-91002", "timestampUtc": "2026-03-02T06:00:04Z", "timezoneUtcOffset": -5,
    "amount": 4590, "currency": "USD", "responseCode": "202", "responseCodeSource": "nmi",
    "responseDescription": "Insufficient funds", "avsResultCode": "NA", "cvvResultCode": "NA",
    "cavvResultCode": "NA",
}  # fmt: skip
_SYNC: Final[dict[str, Any]] = {
    "isDeclined": True, "isMIT": True, "isRecurring": True, "orderId": "SUB-7731-2026-03",
    "idempotencyKey": "0c9b7a65-1d2e-4f3a-8b4c-5d6e7f809112", "transaction": _TRANSACTION,
    "payer": _PAYER, "billingInformation": _BILLING,
    "paymentMethod": {"token": True, "cardNumber": _TOKEN},
    "subscription": {"subscriptionId": "sub-7731", "interval": "monthly", "price": "45.90",
    "currency": "USD"},
}  # fmt: skip
_TAKEN: Final[dict[str, Any]] = {
    "orderSessionKey": _ORDER,
    "orderId": _ORDER,
    "success": True,
    "result": "Success",
}

EVALUATE: Final = (
    Example("managed until its expiry", _SYNC | {"expiryDateUtc": "2026-03-23T00:00:00Z"}, 200,
            _TAKEN | {"status": "SUBMITTED"}),
    Example("answered at once", _SYNC, 200, _TAKEN | {
        "success": False, "status": "DECLINED", "final": False, "cause": "retry_planned",
        "result": "Not over: the next attempt is due at nextAttemptAt."
        " Do not charge this payment elsewhere meanwhile."}),
)  # fmt: skip
CHECK: Final = (
    Example("complete enough", _SYNC | {"expiryDateUtc": "2026-03-23T00:00:00Z"}, 200, {
        "valid": True, "complaints": []}),
)  # fmt: skip
TRANSMIT: Final = (
    Example("an approved payment", {
        "isDeclined": False, "isMIT": False, "orderId": "SO-20931", "orderSource": "ecommerce",
        "payer": _PAYER,
        "transaction": _TRANSACTION | {"responseCode": "100", "responseDescription": "Approved"},
        "paymentMethod": {"cardBrand": "VISA", "cardBinNumber": _CARD[:6],
        "cardLast4Digits": _CARD[-4:]},
    }, 200, {"transmitId": "0b0f3f9e-9d3c-4a57-8f6e-2a1a8a1c7c11", "success": True,
    "result": "success", "status": 0}),
)  # fmt: skip
UPDATE: Final = (
    Example(
        "approved after all", {"outcome": "APPROVED"}, 200, {"success": True, "result": "success"}
    ),
)
TOKENIZE: Final = (
    Example("a test card", {"payment_method": {"email": "ana@example.test", "credit_card": {
        "first_name": "Ana", "last_name": "Roe", "number": _CARD, "month": "09", "year": "2031",
    }}}, 200, {"success": True}),
)  # fmt: skip
UPLOAD: Final = (
    Example("transmissions with their configuration", {
        "kind": "transmit",
        "rows": [{"sequenceNumber": "1", "isDeclined": False, "orderId": "SO-20931",
        "payer": _PAYER,
                  "transaction": _TRANSACTION | {"responseCode": "100",
                  "responseDescription": "Approved"}}],
    }, 202, {"kind": "transmit", "form": "json", "status": "received", "rows": 1, "refused": 0,
    "success": True}),
)  # fmt: skip
IMPORT: Final = (
    Example("two attempts of one payment", {
        "rows": [
            {"orderId": "SO-20931", "customerId": "C-17", "at": "2026-01-03T06:00:00Z",
             "amount": 4590, "currency": "USD", "approved": False, "schemeCode": "51"},
            {"orderId": "SO-20931", "customerId": "C-17", "attempt": 2,
             "at": "2026-01-06T06:00:00Z", "amount": 4590, "currency": "USD", "approved": True},
        ],
    }, 202, {"profile": "recoup-history/3", "status": "received", "rows": 2, "attempts": 2,
             "bad": 0, "success": True}),
)  # fmt: skip
OUTCOME: Final = (
    Example("how it stands", {"orderSessionKey": _ORDER}, 200, {
        "status": "SUBMITTED", "confirmationId": "4F5A6B7C", "orderId": _ORDER, "success": True}),
)  # fmt: skip
ORDERS: Final = (
    Example("in work or completed", {"status": [4, 7], "pageSize": 5, "sort": "desc"}),
)
MOVEMENTS: Final = (Example("since a day", {"from": "2026-01-01T00:00:00Z", "limit": 50}),)
ORDER: Final = (
    Example("in work", None, 200, {
        "id": _ORDER, "referenceNumber": "4F5A6B7C", "status": 4, "statusName": "PROCESSING",
        "amount": 4590, "currencyCode": "USD", "nextAttemptAt": "2026-03-06T14:00:00.000Z",
        "expiryDate": "2026-03-23T00:00:00.000Z"}),
)  # fmt: skip
AMEND: Final = (
    Example("a note", {"metadata": {"ticket": "4711"}}, 200,
    {"id": _ORDER, "metadata": {"ticket": "4711"}}),
    Example("no further attempts", {"doNotRetry": True}, 200, {"id": _ORDER, "doNotRetry": True}),
    Example("another card", {"cardToken": _TOKEN}, 200, {"id": _ORDER, "statusName": "PROCESSING"}),
)  # fmt: skip
REFUND: Final = (
    Example("part of it", {"amountToRefund": "12.00", "refundMessage": "Customer request"}, 200, {
        "responseCode": "100", "responseMessage": "APPROVED", "success": True, "status": "SUCCESS",
        "transactionId": "4a1d0b7e-6c5d-4e3f-9a2b-1c0d9e8f7a6b"}),
    Example("more than is left", {"amountToRefund": "60.00"}, 200, {
        "responseCode": "2001", "success": False, "status": "FAILED", "statusCode": "400301",
        "transactionId": None}),
    Example("a line of it", {"items": [{"line": 1, "quantity": 1}]}),
)  # fmt: skip
