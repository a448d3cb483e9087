"""What each answer must look like: every member known, every type right, nothing more."""

import json
import re
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import httpx
import msgspec
from msgspec import UNSET, Struct, UnsetType

from recoup.kit.api.errors import TABLE

TRACE = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
_NAME = r"[A-Z][A-Za-z0-9]*(?:\[[0-9]+\])?"
FIELD = re.compile(rf"{_NAME}(?:\.{_NAME})*|content-type")
DIGITS = {code.digits: code.status for code in TABLE.values()}
CODES = {code.digits: name for name, code in TABLE.items()}


class Strict(Struct, forbid_unknown_fields=True, kw_only=True):
    """Unknown members are a failure here; clients must tolerate them."""


class ErrorTuple(Strict):
    item1: str
    item2: str
    item3: str
    item4: bool


class Envelope(Strict, kw_only=True):
    success: bool
    result: str | None
    status: str | None
    statusCode: str | None
    errors: list[ErrorTuple]
    customProperties: dict[str, str]
    warnings: list[str] | UnsetType = UNSET


class Token(Envelope):
    accessToken: str
    refreshToken: str
    expires: int
    id: UUID
    session: None
    daysToEnforceMFA: None
    skipAvailable: None


class Evaluated(Envelope):
    orderSessionKey: UUID
    senseKey: str | None
    orderId: UUID
    reason: str | None
    final: bool
    cause: str | None
    nextAttemptAt: datetime | None
    challengeUrl: str | None


class History(Strict):
    sequence: int
    happening: str
    at: datetime


class Outcome(Envelope):
    confirmationId: str | None
    orderId: UUID | UnsetType = UNSET
    externalOrderId: str | UnsetType = UNSET
    reason: str | None | UnsetType = UNSET
    nextAttemptAt: datetime | None | UnsetType = UNSET
    refundedAmount: int | UnsetType = UNSET
    history: list[History] | UnsetType = UNSET


class Transmitted(Strict, kw_only=True):
    transmitId: UUID
    success: bool
    result: str
    status: int
    statusCode: None
    errors: list[ErrorTuple]
    customProperties: dict[str, str]
    warnings: list[str] | UnsetType = UNSET


class Refunded(Envelope):
    responseCode: Literal["100", "2001", "2002", "2003", "2004"]
    responseMessage: str
    transactionId: UUID | None
    orderId: UUID


class Order(Strict):
    id: UUID
    correlationId: str | None
    referenceNumber: str
    status: Literal[0, 1, 2, 3, 4, 5, 6, 7, 8]
    statusName: str
    orderPlacedDate: datetime
    expiryDate: datetime | None
    billingAddress: dict[str, str]
    shippingAddress: dict[str, str] | None
    firstName: str
    lastName: str
    email: str
    phone: str
    secondaryEmail: str
    currencyCode: str
    currencySymbol: str
    orderId: UUID
    externalOrderId: str
    siteId: UUID
    placedDate: datetime
    createdDate: datetime | None
    customer: str
    isMIT: bool
    orderSource: str
    descriptor: str
    amount: int
    refundedAmount: int
    reason: str | None
    nextAttemptAt: datetime | None
    doNotRetry: bool
    metadata: dict[str, str]


class Item(Strict):
    line: int
    sku: str | None
    name: str | None
    amount: int | None
    quantity: int | None


class RefundOf(Strict):
    id: UUID
    number: int
    status: Literal["PENDING", "COMPLETED", "FAILED"]
    amount: int
    createdDate: datetime
    message: str
    reference: str | None
    kind: Literal["refund", "void"]
    state: str
    items: list[Any]
    history: list[Any]


class DisputeOf(Strict):
    id: UUID
    number: int
    kind: Literal["fraud", "service", "processing"]
    stage: Literal["inquiry", "first", "pre_arbitration"]
    status: Literal["OPEN", "ANSWERED", "WON", "LOST", "ACCEPTED", "EXPIRED"]
    amount: int
    reasonCode: str
    reason: str
    borneBy: Literal["operator", "merchant"]
    createdDate: datetime
    respondBy: datetime | None
    closedDate: datetime | None


class ChecksOf(Strict):
    avsResultCode: str | None
    cvvResultCode: str | None
    cavvResultCode: str | None
    risk: str | None
    riskScore: int | None
    category: str | None
    authCode: str | None
    processorAdvice: str | None


class AttemptOf(Strict):
    id: UUID
    number: int
    status: Literal["PLANNED", "SENT", "APPROVED", "DECLINED", "UNKNOWN", "NOT_SENT"]
    dueAt: datetime
    sentAt: datetime | None
    responseCode: str | None
    adviceCode: str | None
    responseText: str | None
    cure: str | None
    networkTransactionId: str | None
    checks: ChecksOf | None
    retriesItselfAt: datetime | None
    byNetworkToken: bool


class OrderDetail(Order):
    attemptCount: int | None
    collectedAmount: int
    items: list[Item]
    refunds: list[RefundOf]
    attempts: list[AttemptOf]
    disputes: list[DisputeOf]
    challengeUrl: str | None
    mandateRevoked: None
    isRecurring: bool | None
    subscription: dict[str, str | None] | None
    threeDSecure: dict[str, str | None] | None


class Page(Strict):
    firstItemOnPage: int
    lastItemOnPage: int
    pageNumber: int
    pageSize: int
    pageCount: int
    totalItemCount: int
    isFirstPage: bool
    isLastPage: bool
    hasPreviousPage: bool
    hasNextPage: bool
    next: str | None
    data: list[Order]


class Orders(Strict):
    orders: Page
    statuses: dict[str, str]
    success: bool


class Health(Strict):
    state: Literal["new", "ok", "failing", "open"]
    since: datetime | None
    failures: int
    lastError: str | None
    nextTryAt: datetime | None
    waitingEvents: int


class Endpoint(Strict):
    id: UUID
    url: str
    events: list[str]
    format: str
    state: Literal["active", "disabled"]
    why: str | None
    createdDate: datetime
    signingKey: str
    encrypt: bool
    ownKey: bool
    previousKeyUntil: datetime | None
    health: Health


class Endpoints(Strict):
    data: list[Endpoint]
    success: bool


class Nothing(Strict):
    """`{}`"""


def typed(answer: httpx.Response, shape: Any) -> Any:
    """The answer's body in its shape. Raises: msgspec.ValidationError."""
    return msgspec.json.decode(answer.content, type=shape)


def check_tokenized(answer: httpx.Response) -> None:
    """Only the members that clients read, and that nothing is echoed."""
    body = answer.json()
    plain = {
        name: value for name, value in body.items() if name not in ("transaction", "cardBinInfo")
    }
    msgspec.convert(plain, Envelope)
    method = body["transaction"]["payment_method"]
    UUID(method["token"])
    assert body["cardBinInfo"] is None
    assert method["number"] is None
    assert method["verification_value"] is None
    assert len(method["last_four_digits"]) == 4
    assert len(method["first_six_digits"]) == 6


def check_refused(
    answer: httpx.Response, status: int | None = None, code: str | None = None
) -> dict[str, Any]:
    """Any answer that is no success: shape B for 400, else the envelope; the digits in header and
    body agree."""
    assert status is None or answer.status_code == status, (
        f"{answer.status_code}: {answer.text[:500]}"
    )
    assert answer.headers["content-type"].startswith("application/json")
    digits = answer.headers["x-recoup-code"]
    assert DIGITS[digits] == answer.status_code
    assert code is None or TABLE[code].digits == digits, f"{digits}: {answer.text[:500]}"
    body: dict[str, Any] = json.loads(answer.content)
    if answer.status_code == 400:
        fields = {name: texts for name, texts in body.items() if name != "TraceId"}
        assert TRACE.fullmatch(body["TraceId"][0])
        assert fields, "no field is named"
        for name, texts in fields.items():
            assert FIELD.fullmatch(name), name
            assert len(texts) == 1, (
                f"{name}: the vendor gives one message, clients compare it: {texts}"
            )
            assert all(isinstance(text, str) and len(text) > 5 for text in texts), texts
        assert digits not in answer.text
    else:
        told = msgspec.convert(body, Envelope)
        assert (told.success, told.status, told.statusCode) == (False, None, digits)
        assert told.result
        assert len(told.errors) == 1
        assert told.errors[0].item1 == told.result
        assert told.errors[0].item2 == digits
    return body


def fields_of(answer: httpx.Response) -> dict[str, list[str]]:
    """What a 400 complains about."""
    body = check_refused(answer, 400)
    return {name: texts for name, texts in body.items() if name != "TraceId"}
