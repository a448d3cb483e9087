"""Adyen's requests: `published.txt`, and the rules of its documentation. `faults` lists what is
wrong with one, for the stand-in, which refuses it as Adyen does, and for the checks of the
connector.

Currencies: docs.adyen.com/development-resources/currency-codes; error codes:
docs.adyen.com/development-resources/ error-codes; words of `scaExemption`: the schema's
description. Read on 2026-11-26.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from recoup_connectors.adyen.amounts import DECIMALS
from recoup_lab.processors.published_text import blocks_of, is_base64

_FILE: Final = Path(__file__).parent / "published.txt"
KEY_MAX: Final = 64
_STATEMENT: Final = re.compile(r"[A-Za-z0-9.,'_?+*/ -]*")
_DISPUTES: Final = "/ca/services/DisputeService/v30/"
_SCHEMAS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "/v72/payments": "PaymentRequest",
        "/v72/payments/details": "PaymentDetailsRequest",
        "/v72/payments/{}/captures": "PaymentCaptureRequest",
        "/v72/payments/{}/cancels": "PaymentCancelRequest",
        "/v72/payments/{}/refunds": "PaymentRefundRequest",
        "/v72/payments/{}/reversals": "PaymentReversalRequest",
        "/v72/cancels": "StandalonePaymentCancelRequest",
        "/v72/paymentMethods": "PaymentMethodsRequest",
        "/v72/storedPaymentMethods": "StoredPaymentMethodRequest",
        f"{_DISPUTES}acceptDispute": "AcceptDisputeRequest",
        f"{_DISPUTES}defendDispute": "DefendDisputeRequest",
        f"{_DISPUTES}retrieveApplicableDefenseReasons": "DefenseReasonsRequest",
        f"{_DISPUTES}supplyDefenseDocument": "SupplyDefenseDocumentRequest",
    }
)
_QUERIES: Final = MappingProxyType(
    {"/v72/storedPaymentMethods": {"merchantAccount", "shopperReference"}}
)
_EXEMPTIONS: Final = (
    "lowValue",
    "secureCorporate",
    "trustedBeneficiary",
    "transactionRiskAnalysis",
)
_DOCUMENTS: Final = (
    "application/pdf",
    "image/jpg",
    "image/jpeg",
    "image/tiff",
)  # as schemes take them
_PAYMENT: Final = re.compile(r"(/v72/payments/)[^/]+(/\w+)")
_FACT: Final = re.compile(r"([^!:]+)(!?):([A-Za-z0-9]+)(\[\])?(?:\{(\d+),(\d*)\})?(?:=(.+))?")
_TYPES: Final[Mapping[str, tuple[type, ...]]] = MappingProxyType({
    "string": (str,), "integer": (int,), "boolean": (bool,), "object": (dict,), "base64": (str,),
})  # fmt: skip
# Code and status of a member that is left out; of others 702.
_MISSING: Final = MappingProxyType(
    {
        "amount": ("100", "No amount specified"),
        "reference": ("130", "Reference Missing"),
        "returnUrl": ("14_030", "Return URL is missing."),
        "merchantAccount": ("901", "Invalid Merchant Account"),
        "currency": ("138", "Unsupported currency specified"),
        "value": ("137", "Invalid amount specified"),
    }
)


class Fault(NamedTuple):
    status: int
    code: str
    message: str


class Member(NamedTuple):
    """`kind`: a type of JSON, `base64`, `any`, or a schema's name."""

    required: bool
    kind: str
    is_list: bool
    least: int
    most: int | None
    words: frozenset[str]


@cache
def schema(name: str) -> Mapping[str, Member]:
    found = {}
    for fact in blocks_of(_FILE)[name]:
        match = _FACT.fullmatch(fact)
        assert match is not None, fact
        member, required, kind, several, least, most, words = match.groups()
        listed = frozenset(part.replace("_", " ") for part in (words or "").split("|") if part)
        found[member] = Member(
            bool(required),
            kind,
            bool(several),
            int(least or 0),
            int(most) if most else None,
            listed,
        )
    return found


def events() -> frozenset[str]:
    """Kinds of standard notices."""
    return frozenset(blocks_of(_FILE)["events"])


def token_events() -> frozenset[str]:
    return frozenset(blocks_of(_FILE)["token events"])


def faults(
    method: str, path: str, body: object, *, key: str = "", query: Mapping[str, str] | None = None
) -> list[Fault]:
    """Faults for which Adyen refuses a call, the gravest first; none for a path that it does not
    publish."""
    if len(key) > KEY_MAX:
        return [Fault(422, "702", f"Idempotency-Key has more than {KEY_MAX} characters")]
    if method == "GET":
        names = sorted(set(query or {}) - _QUERIES.get(path, set(query or {})))
        return [Fault(400, "702", f"Unknown parameters: [{', '.join(names)}]")] if names else []
    name = _SCHEMAS.get(_PAYMENT.sub(r"\1{}\2", path) if path not in _SCHEMAS else path)
    return list(_of_object(name, body)) if name is not None else []


def _of_object(name: str, body: object) -> Iterator[Fault]:
    if not isinstance(body, dict):
        yield Fault(400, "702", f"{name} is no object")
        return
    members = schema(name)
    unknown = sorted(set(body) - set(members))
    if unknown:
        message = (
            f"Structure of {name} contains the following unknown fields: [{', '.join(unknown)}]"
        )
        yield Fault(400, "702", message)
    for member, fact in members.items():
        value = body.get(member)
        if value is None or value == "" and fact.required:
            if fact.required:
                code, message = _MISSING.get(
                    member, ("702", f"Required field '{member}' is not provided.")
                )
                yield Fault(403 if code == "901" else 422, code, message)
        elif fact.is_list:
            values = value if isinstance(value, list) else [None]
            for one in values:
                yield from _of_value(member, fact, one)
        else:
            yield from _of_value(member, fact, value)
    if name in _MORE:
        yield from _MORE[name](body)


def _of_value(member: str, fact: Member, value: Any) -> Iterator[Fault]:
    if fact.kind == "any":
        return
    types = _TYPES.get(fact.kind)
    if types is None:
        yield from _of_object(fact.kind, value)
    elif not isinstance(value, types) or fact.kind == "integer" and isinstance(value, bool):
        yield Fault(400, "702", f"Unexpected input for '{member}', expected: {fact.kind}")
    elif fact.words and value not in fact.words:
        yield Fault(422, "702", f"Invalid {member}")
    elif isinstance(value, str) and not fact.least <= len(value) <= (fact.most or len(value)):
        yield Fault(422, "702", f"Field '{member}' has {fact.least} to {fact.most} characters")
    elif fact.kind == "base64" and not is_base64(str(value)):
        yield Fault(422, "702", f"Field '{member}' is no base64")


def _of_amount(amount: Mapping[str, Any]) -> Iterator[Fault]:
    currency, value = amount.get("currency"), amount.get("value")
    if isinstance(currency, str) and len(currency) == 3 and currency not in DECIMALS:
        yield Fault(422, "138", "Unsupported currency specified")
    if isinstance(value, int) and value <= 0:
        yield Fault(422, "137", "Invalid amount specified")


def _of_payment(body: Mapping[str, Any]) -> Iterator[Fault]:
    more = body.get("additionalData")
    known = {**schema("AdditionalData3DSecure"), **schema("AdditionalDataCommon")}
    for name, value in (more if isinstance(more, dict) else {}).items():
        if name not in known or not isinstance(value, str):
            yield Fault(422, "702", f"Invalid additionalData.{name}")
        elif name == "scaExemption" and value not in _EXEMPTIONS:
            yield Fault(422, "702", "Invalid scaExemption")
    method = body.get("paymentMethod")
    if (
        isinstance(method, dict)
        and method.get("storedPaymentMethodId")
        and not body.get("recurringProcessingModel")
    ):
        yield Fault(422, "158", "Required field 'recurringProcessingModel' is not provided.")
    statement = body.get("shopperStatement")
    if isinstance(statement, str) and not _STATEMENT.fullmatch(statement):
        yield Fault(422, "702", "Invalid shopperStatement")


def _of_document(body: Mapping[str, Any]) -> Iterator[Fault]:
    if body.get("contentType") not in _DOCUMENTS:
        yield Fault(422, "702", "Invalid contentType")


_MORE: Final = MappingProxyType({
    "Amount": _of_amount, "PaymentRequest": _of_payment, "DefenseDocument": _of_document,
})  # fmt: skip
