"""The one error of the product. Doors turn it into their dialect; nothing else crosses a room as an exception.

A Problem says what happened (`message`), where (`field`), what to do (`cure`), and carries `facts` for
machines. It never carries a PAN, CVV, secret or token.
"""

from collections.abc import Mapping
from typing import Any, Final

# code -> what went wrong, in general. Each dialect maps every code to a status of its own; a test holds both complete.
CODES: Final[Mapping[str, str]] = {
    "too_large": "the body is larger than this door takes",
    "no_such_path": "no resource lives at this path",
    "unauthenticated": "the call carries no valid credential",
    "bad_credentials": "key and secret do not belong together",
    "method_not_allowed": "the resource does not take this method",
    "forbidden": "the credential may not do this",
    "kind_switched_off": "this kind of order is switched off for the merchant or site",
    "blocked": "the merchant sells no more to this customer or card",
    "too_many_requests": "more calls than the limit allows",
    "malformed": "the body is not the JSON that the endpoint takes",
    "invalid": "a field is missing or not allowed as it is",
    "not_found": "nothing with this id exists for the caller",
    "conflict": "the same key or order id came with other content",
    "wrong_state": "the order is not in a state that allows this",
    "over_remainder": "more than what is left to refund",
    "refund_currency": "the refund names another currency than the order",
    "refund_items": "the items cannot be refunded as asked",
    "capture_amount": "the capture names another amount or currency than is held",
    "capture_refused": "the processor refused the capture",
    "unavailable": "the system cannot take this now",
    "bad_gateway": "a counterpart answered something that makes no sense",
    "gateway_timeout": "a counterpart did not answer in time",
    "internal": "an error of ours",
}


def in_words(error: BaseException) -> str:
    """For logs and desks. The text of other errors may quote a row or a body: only a Problem's own words are told."""
    state = getattr(error, "sqlstate", None)
    where = getattr(error, "constraint_name", None)
    if isinstance(error, Problem):
        return error.message
    return " ".join(str(part) for part in (type(error).__name__, state, where) if part)


class Problem(Exception):
    """Raised by rules, flows and doors; rendered once, at the door."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        field: str | None = None,
        cure: str | None = None,
        fields: Mapping[str, list[str]] | None = None,
        retry_after_seconds: int | None = None,
        **facts: Any,
    ) -> None:
        if code not in CODES:
            raise ValueError(f"unknown problem code {code!r}")
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field
        self.cure = cure
        self.fields = dict(fields) if fields else ({field: [message]} if field else {})
        self.retry_after_seconds = retry_after_seconds
        self.facts = facts

    def sentence(self) -> str:
        """What happened and what to do, in one line."""
        message = self.message if self.message.endswith((".", "?", "!")) else f"{self.message}."
        return f"{message} {self.cure}" if self.cure else message
