"""The stablecoin API as its documentation describes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from recoup.doors.edge.described import Operation
from recoup.doors.edge.dialect import Dialect, ErrorRow
from recoup.doors.stablecoin import app
from recoup.doors.stablecoin.errors import TABLE, refusal

_TEXT: Final = (
    "Accept payments in stablecoins. A charge returns the payment instruction, and its order follows the payment. "
    'Amounts are decimal text (`"49.90"`), never numbers. The order id of a charge is its idempotency key.'
)
# What its words mean where they say more than the Problem's code does.
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "missing_auth": ("the call is not signed", "Send `X-Api-Key`, `X-Timestamp` and `X-Signature`."),
    "invalid_api_key": ("no such key, or it was revoked", "Check the key id; is it of this environment?"),
    "stale_request": ("the timestamp is more than 300 s from ours", "Set the clock; send Unix seconds and sign anew."),
    "bad_signature": ("the signature does not fit the call", "Sign the bytes as they are sent."),
    "replayed_request": ("this signature was used before", "Sign again; the same call needs the next second."),
    "invalid_amount": ("no decimal text in the asset's scale", "Send text like `\"49.90\"`, above zero."),
    "channel_not_found": ("there is no such channel", "Take a code of GET /api/v1/channels."),
    "channel_environment_mismatch": ("key and channel are of different environments", "Use a key of the channel's."),
    "no_route": ("no channel takes this currency on this network", "Choose a pair of GET /api/v1/channels."),
    "settlement_address_required": ("no address is set for this kind of chain", "Set it, then charge again."),
    "refund_exceeds_balance": ("more than what is left to refund", "Refund at most amount less `refunded_amount`."),
    "refund_unsupported": ("the order was settled directly", "Send the money back from your own wallet."),
    "order_not_refundable": ("the order's status allows no refund", "Refund paid or partially_refunded orders."),
    "insufficient_balance": ("the wallet does not hold that much", "Ask for less, or wait for more payments."),
    "merchant_suspended": ("the merchant may not take payments now", "Speak with the operator."),
    "customer_blocked": ("the merchant blocked this customer", "Ask for another way to pay, or unblock them."),
    "channel_unavailable": ("the channel cannot be reached now", "Send it again after `Retry-After`."),
}  # fmt: skip
_ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "What to branch on."},
                "message": {"type": "string", "description": "What happened and what to do; may change."},
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
    "signature": ("X-Signature", "Lower-case hex of HMAC-SHA256 under the secret; see the reference."),
}
_ALWAYS: Final = ("malformed", "invalid", "method_not_allowed", "too_large", "internal", "unavailable")
_WHEN_KNOWN: Final = ("unauthenticated", "forbidden", "too_many_requests")


def stablecoin(error_rows: Callable[..., dict[str, ErrorRow]]) -> Dialect:
    return described(app.OPERATIONS, error_rows(TABLE, refusal, "merchant_order_id", _WORDS))


def described(operations: Sequence[Operation], errors: Mapping[str, ErrorRow]) -> Dialect:
    def rows_of(*codes: str) -> tuple[str, ...]:
        return tuple(key for code in codes for key in errors if key.partition("/")[0] == code)

    return Dialect(
        name="stablecoin",
        title="Stablecoin API",
        text=_TEXT,
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
    )
