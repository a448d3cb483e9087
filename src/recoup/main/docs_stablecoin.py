"""How the stablecoin API is told, once its door is there."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from recoup.doors.edge.asgi import Refusal, Scope
from recoup.doors.edge.dialect import Dialect, ErrorRow
from recoup.kernel.problem import Problem

Rows = Callable[[Mapping[str, tuple[int, str]], Callable[[Scope, Problem], Refusal], str], dict[str, ErrorRow]]
_TEXT: Final = (
    "Takes a payment in stablecoins: a charge answers where and how much to pay, and the order follows the payment. "
    "Amounts are decimal text (`\"49.90\"`), never numbers. The order id of a charge is its idempotency key."
)
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


def stablecoin(error_rows: Rows) -> Dialect | None:
    """None without the door."""
    if find_spec("recoup.doors.stablecoin") is None or find_spec("recoup.doors.stablecoin.app") is None:
        return None
    app, errors = import_module("recoup.doors.stablecoin.app"), import_module("recoup.doors.stablecoin.errors")
    return described(app.OPERATIONS, error_rows(errors.TABLE, errors.refusal, "amount"))


def described(operations: Any, errors: Mapping[str, ErrorRow]) -> Dialect:
    codes = ("malformed", "invalid", "method_not_allowed", "too_large", "internal", "unavailable")
    return Dialect(
        name="stablecoin",
        title="Stablecoin API",
        text=_TEXT,
        prefix="/api/v1",
        proof="signature",
        operations=tuple(operations),
        errors=errors,
        always=tuple(code for code in codes if code in errors),
        when_known=tuple(code for code in ("unauthenticated", "forbidden", "too_many_requests") if code in errors),
        schemes={
            name: {"type": "apiKey", "in": "header", "name": header, "description": told}
            for name, (header, told) in _HEADERS.items()
        },
        credentials={"signature": ({name: [] for name in _HEADERS},)},
        error_schemas={0: _ERROR},
    )
