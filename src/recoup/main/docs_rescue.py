"""The rescue API as its documentation describes it."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from recoup.doors.edge.dialect import Dialect, ErrorRow
from recoup.doors.rescue import app
from recoup.doors.rescue.errors import TABLE, refusal

Rows = Callable[..., dict[str, ErrorRow]]
_TEXT: Final = (
    "Submit declined card payments, read their outcomes, refund and cancel orders. Amounts are whole minor units "
    "(`4590` is 45.90 USD), except refunds, which are in whole currency as clients of this API expect. Field names "
    "are not case-sensitive. Responses may get more fields: ignore unknown ones."
)
_FIELD_MESSAGES: Final = {
    "type": "object",
    "description": "Field in Pascal case -> its message, in a list of one, and TraceId. The six digits stand in the "
    "header X-Recoup-Code, sometimes what to do in X-Recoup-Hint.",
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
_ENVELOPE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "success": {"type": "boolean", "const": False},
        "result": {"type": "string", "description": "What happened and what to do, in a sentence."},
        "status": {"type": "null"},
        "statusCode": {"type": "string", "pattern": "^[0-9]{6}$", "description": "The HTTP status and three digits."},
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
_ALWAYS: Final = ("malformed", "invalid", "method_not_allowed", "too_large", "internal", "unavailable")


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
            "bearer": {"type": "http", "scheme": "bearer", "description": "A token of /oauth2/token."},
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
    )
