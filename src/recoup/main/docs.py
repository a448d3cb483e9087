"""Dialects that the documentation tells, collected from their doors."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from recoup.kernel.problem import CODES, Problem
from recoup.kit.api.errors import TABLE, refusal
from recoup.kit.edge.asgi import Refusal, Scope
from recoup.kit.edge.described import Operation
from recoup.kit.edge.dialect import Dialect, ErrorRow
from recoup.main import api as app
from recoup.main import stablecoin_api as stable_app
from recoup.orders.rules.event_data import Always, Data
from recoup.orders.rules.events import CATALOGUE
from recoup.stablecoin.api.resource import TABLE as STABLE_TABLE
from recoup.stablecoin.api.resource import refusal as stable_refusal
from recoup.stablecoin.rules.event_names import NAMES
from recoup.webhooks.api.events import RescueEvent, StandardEvent
from recoup.webhooks.api.stablecoin_me import StablecoinEvent

_STABLE_TEXT: Final = (
    "Accept payments in stablecoins. A charge returns the payment instruction, and its order "
    "follows the payment. "
    'Amounts are decimal text (`"49.90"`), never numbers. The order id of a charge is its '
    "idempotency key."
)
# What its words mean where they say more than the Problem's code does.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing_auth": ("the call is not signed",
    "Send `X-Api-Key`, `X-Timestamp` and `X-Signature`."),
    "invalid_api_key": ("no such key, or it was revoked", "Check the key id; is it of this "
                                                          "environment?"),
    "stale_request": ("the timestamp is more than 300 s from ours", "Set the clock; send Unix "
                                                                    "seconds and sign anew."),
    "bad_signature": ("the signature does not fit the call", "Sign the bytes as they are sent."),
    "replayed_request": ("this signature was used before", "Sign again; the same call needs the "
                                                           "next second."),
    "invalid_amount": ("no decimal text in the asset's scale", "Send text like `\"49.90\"`, above "
                                                               "zero."),
    "channel_not_found": ("there is no such channel", "Take a code of GET /api/v1/channels."),
    "channel_environment_mismatch": ("key and channel are of different environments",
    "Use a key of the channel's."),
    "not_found": ("there is nothing at this path or with this id", "Check the path and the id."),
    "invalid_state": ("the order's status does not allow this", "Do what its status allows."),
    "service_unavailable": ("the system is not available now",
    "Send it again after `Retry-After`."),
    "no_route": ("no channel takes this currency on this network", "Choose a pair of GET "
                                                                   "/api/v1/channels."),
    "settlement_address_required": ("no address is set for this kind of chain",
    "Set it, then charge again."),
    "refund_destination_required": ("the refund has no address", "Send `to_address`, or let the "
                                                                 "payer give one."),
    "refund_exceeds_balance": ("more than what is left to refund", "Refund at most amount less "
                                                                   "`refunded_amount`."),
    "refund_unsupported": ("the order was settled directly", "Send the money back from your own "
                                                             "wallet."),
    "order_not_refundable": ("the order's status allows no refund", "Refund paid or "
                                                                    "partially_refunded orders."),
    "insufficient_balance": ("the wallet does not hold that much", "Ask for less, or wait for more "
                                                                   "payments."),
    "merchant_suspended": ("the merchant may not take payments now", "Speak with the operator."),
    "customer_blocked": ("the merchant blocked this customer", "Ask for another way to pay, or "
                                                               "unblock them."),
    "channel_unavailable": ("the channel cannot be reached now",
    "Send it again after `Retry-After`."),
}  # fmt: skip
_ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "What to branch on."},
                "message": {
                    "type": "string",
                    "description": "What happened and what to do; may change.",
                },
                "param": {"type": "string", "description": "The field, where there is one."},
            },
            "required": ["code", "message"],
        }
    },
    "required": ["error"],
}
_HEADERS: Final = {
    "key": ("X-Api-Key", "The key id."),
    "timestamp": ("X-Timestamp", "Unix seconds, within 300 of the server's."),
    "signature": (
        "X-Signature",
        "Lower-case hex of HMAC-SHA256 under the secret; see the reference.",
    ),
}
_WHEN_KNOWN: Final = ("unauthenticated", "forbidden", "too_many_requests")


def stablecoin(error_rows: Callable[..., dict[str, ErrorRow]]) -> Dialect:
    return described(
        stable_app.OPERATIONS, error_rows(STABLE_TABLE, stable_refusal, "merchant_order_id", _WORDS)
    )


def described(operations: Sequence[Operation], errors: Mapping[str, ErrorRow]) -> Dialect:
    def rows_of(*codes: str) -> tuple[str, ...]:
        return tuple(key for code in codes for key in errors if key.partition("/")[0] == code)

    return Dialect(
        name="stablecoin",
        title="Stablecoin API",
        text=_STABLE_TEXT,
        prefix="/api/v1",
        proof="signature",
        operations=tuple(operations),
        errors=errors,
        always=tuple(code for code in _ALWAYS if code in errors),
        when_known=rows_of(*_WHEN_KNOWN),
        schemes={
            name: {"type": "apiKey", "in": "header", "name": header, "description": description}
            for name, (header, description) in _HEADERS.items()
        },
        credentials={"signature": ({name: [] for name in _HEADERS},)},
        error_schemas={0: _ERROR},
        webhooks={"stablecoin": StablecoinEvent},
        words={"EventName": NAMES},
    )


Rows = Callable[..., dict[str, ErrorRow]]
_TEXT: Final = (
    "Submit declined card payments, read their outcomes, refund and cancel orders. Amounts are "
    "whole minor units "
    "(`4590` is 45.90 USD), except refunds, which are in whole currency as clients of this API "
    "expect. Field names "
    "are not case-sensitive. Responses may get more fields: ignore unknown ones."
)
_FIELD_MESSAGES: Final = {
    "type": "object",
    "description": "Field in Pascal case -> its message, in a list of one, and TraceId. The six "
    "digits stand in the "
    "header X-Recoup-Code, sometimes what to do in X-Recoup-Hint.",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
_ENVELOPE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean", "const": False},
        "result": {"type": "string", "description": "What happened and what to do, in a sentence."},
        "status": {"type": "null"},
        "statusCode": {"type": "string", "pattern": "^[0-9]{6}$",
        "description": "The HTTP status and three digits."},
        "errors": {"type": "array", "items": {"type": "object", "properties": {
            "item1": {"type": "string", "description": "The sentence."},
            "item2": {"type": "string", "description": "The six digits."},
            "item3": {"type": "string", "description": "The code in words."},
            "item4": {"type": "boolean"},
        }}},
        "customProperties": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "required": ["success", "result", "statusCode", "errors"],
}  # fmt: skip
_ALWAYS: Final = (
    "malformed",
    "invalid",
    "method_not_allowed",
    "too_large",
    "internal",
    "unavailable",
)


def rescue(error_rows: Rows) -> Dialect:
    return Dialect(
        name="rescue",
        title="Rescue API",
        text=_TEXT,
        prefix="/v1",
        proof="token",
        operations=app.OPERATIONS,
        errors=error_rows(TABLE, refusal, "Transaction.Amount"),
        always=_ALWAYS,
        when_known=("unauthenticated", "forbidden", "too_many_requests"),
        schemes={
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token of /oauth2/token.",
            },
            "apiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "Authorization",
                "description": "`ApiKey <key>:<secret>`, without a token.",
            },
            "environment": {
                "type": "apiKey",
                "in": "query",
                "name": "environment",
                "description": "The tokenization key; it can do nothing else.",
            },
        },
        credentials={
            "bearer": ({"bearer": []}, {"apiKey": []}),
            "partner": ({"bearer": []}, {"apiKey": []}),  # a partner's key in place of a merchant's
            "environment": ({"environment": []}, {"bearer": []}, {"apiKey": []}),
        },
        error_schemas={0: _ENVELOPE, 400: _FIELD_MESSAGES},
        webhooks={"rescue": RescueEvent, "standard": StandardEvent, **_event_bodies()},
        words={"EventName": CATALOGUE},
    )


def _event_bodies() -> dict[str, type[msgspec.Struct]]:
    """Bodies of the format `rescue` by event, with the data that each holds."""
    data = {kind.data: _whole(kind.data) for kind in CATALOGUE.values()}
    bodies = {}
    for name, kind in CATALOGUE.items():
        members = [("Event", Literal[name]), ("EventData", data[kind.data])]
        words = f"{kind.meaning} {'Sent by default.' if kind.default else 'Sent on request.'}"
        bodies[name] = msgspec.defstruct(
            "".join(word.title() for word in re.split(r"[._]", name)) + "Event",
            members,
            bases=(RescueEvent,),
            namespace={"__doc__": words},
            module=__name__,
            kw_only=True,
        )
    return bodies


def _whole(data: type[Data]) -> type[msgspec.Struct]:
    """An event's own data with what every event's holds."""
    always = [(field.name, field.type) for field in msgspec.structs.fields(Always)]
    of = ", ".join(f"`{name}`" for name, kind in CATALOGUE.items() if kind.data is data)
    return msgspec.defstruct(
        f"{data.__name__}Data",
        always,
        bases=(data,),
        namespace={"__doc__": f"Data of {of}."},
        module=__name__,
        frozen=True,
        kw_only=True,
    )


# What to do about each code in general; a Problem's own cure says it in particular. A test holds it
# complete.
CURES: Final[Mapping[str, str]] = {
    "too_large": "Send less in one call.",
    "no_such_path": "Check the path and the base address.",
    "unauthenticated": "Authenticate as described above; get a new token if it has expired.",
    "bad_credentials": "Check key and secret, and their environment.",
    "method_not_allowed": "Use a method from the header `Allow`.",
    "forbidden": "Use a key with the required permission.",
    "kind_switched_off": "Switch it on for the merchant or site, or contact the operator.",
    "blocked": "Remove the block in the portal, or request another payment method.",
    "too_many_requests": "Wait for the time in `Retry-After`, then send fewer calls.",
    "malformed": "Send one JSON object in UTF-8, with content type application/json.",
    "invalid": "Correct the fields named in the response and send it again.",
    "not_found": "Check the id, and that it belongs to this credential.",
    "conflict": "For different content, use a new key and order id; for the same content, send it "
    "unchanged.",
    "in_progress": "Send it again with the same key after a second.",
    "wrong_state": "Read the order, and choose an action that its state allows.",
    "over_remainder": "Refund at most the remaining amount.",
    "refund_currency": "Use the order's currency, or omit it.",
    "refund_items": "Name lines of the order, and at most their remaining quantity.",
    "capture_amount": "Capture the full amount, in the order's currency.",
    "capture_refused": "Read the order; capture again with a new key, or cancel it.",
    "unavailable": "Send it again with the same key after `Retry-After`.",
    "no_space": "Wait for the time in `Retry-After`, or ask the operator to free disk space.",
    "bad_gateway": "Send it again with the same key; read the order before anything else.",
    "gateway_timeout": "Send it again with the same key; read the order before anything else.",
    "internal": "Report `X-Request-Id` to the operator; a repeat with the same key is safe.",
}
_NO_WORDS: Final[Mapping[str, tuple[str, str]]] = {}
_TRACE: Final = "00-3b4af05c51be4aa7dd77104ac75f2500-004c728c64ca2800-01"


def dialects() -> list[Dialect]:
    """Dialects of each door that describes its operations."""
    return [rescue(error_rows), stablecoin(error_rows)]


def error_rows(
    table: Mapping[str, tuple[int, str, *tuple[Any, ...]]],
    refuse: Callable[[Scope, Problem], Refusal],
    field: str,
    words: Mapping[str, tuple[str, str]] = _NO_WORDS,
) -> dict[str, ErrorRow]:
    """The dialect's table with meanings, cures and the bodies that its door writes.

    A key of the table is a Problem's code, or `code/detail`; a third member is a call that hears
    it. `field`: one of the dialect's fields. `words`: wire code -> meaning and cure, where the
    dialect says more than the code does.
    """
    rows = {}
    for key, (status, wire_code, *more) in table.items():
        code, _, detail = key.partition("/")
        meaning, cure = words.get(wire_code, (CODES[code], CURES[code]))
        message = (
            "This field is required."
            if key == "invalid"
            else f"{meaning[:1].upper()}{meaning[1:]}."
        )
        problem = Problem(
            code,
            message,
            cure=cure,
            field=field if key == "invalid" else None,
            detail=detail or None,
        )
        scope: dict[str, Any] = {"type": "http", "headers": [], "state": {"trace_id": _TRACE}}
        sample = msgspec.json.decode(refuse(scope, problem).body)
        rows[key] = ErrorRow(key, status, wire_code, meaning, cure, sample, *more)
    return rows
