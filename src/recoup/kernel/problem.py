"""The one error of the product. Doors turn it into their dialect; nothing else crosses a room as an exception.

A Problem says what happened (`message`), where (`field`), what to do (`cure`), and carries `facts` for
machines. It never carries a PAN, CVV, secret or token. `verbatim`: its message is a vendor's to the letter, so that
a dialect of that vendor says the cure elsewhere.
"""

from collections.abc import Mapping
from typing import Any, Final

from recoup.kernel.sentence import Sentence, changed, joined

# code -> what went wrong, in general. Each dialect maps every code to a status of its own; a test holds both complete.
CODES: Final[Mapping[str, str]] = {
    "too_large": "the body is larger than the endpoint accepts",
    "no_such_path": "there is no resource at this path",
    "unauthenticated": "the call has no valid credential",
    "bad_credentials": "key and secret do not match",
    "method_not_allowed": "the resource does not support this method",
    "forbidden": "the credential may not do this",
    "kind_switched_off": "this kind of order is switched off for the merchant or site",
    "blocked": "the merchant has blocked this customer or card",
    "too_many_requests": "more calls than the limit allows",
    "malformed": "the body is not the JSON that the endpoint accepts",
    "invalid": "a field is missing or invalid",
    "not_found": "the caller has no object with this id",
    "conflict": "the same key or order id was used with different content",
    "in_progress": "an earlier call for the same order is still in progress",
    "wrong_state": "the order is not in a state that allows this",
    "over_remainder": "the refund exceeds the remaining amount",
    "refund_currency": "the refund has a different currency than the order",
    "refund_items": "the items cannot be refunded as requested",
    "capture_amount": "the capture has a different amount or currency than the authorisation",
    "capture_refused": "the processor refused the capture",
    "unavailable": "the system is temporarily unavailable",
    "no_space": "there is no disk space left for a file",
    "bad_gateway": "a counterpart sent an invalid response",
    "gateway_timeout": "a counterpart did not answer in time",
    "internal": "an internal error of Recoup",
}


STAGE: Final = "{stage}"  # in a message: where an order stands, which each dialect has its own word for


def in_words(error: BaseException) -> str:
    """For logs and review queues. The text of other errors may quote a row or a body: only a Problem's own words are
    shown."""
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
        verbatim: bool = False,
        **facts: Any,
    ) -> None:
        if code not in CODES:
            raise ValueError(f"unknown problem code {code!r}")
        self._shape = message
        self.message = _at_stage(message, facts["stage"]) if "stage" in facts else message
        super().__init__(self.message)
        self.code = code
        self.field = field
        self.cure = cure
        self.fields = dict(fields) if fields else ({field: [message]} if field else {})
        self.retry_after_seconds = retry_after_seconds
        self.verbatim = verbatim
        self.facts = facts

    def __reduce__(self) -> tuple[object, ...]:
        """It crosses from one process to another as it is."""
        return _made_again, (type(self), self.message), self.__dict__

    def sentence(self, *, stage: str | None = None) -> str:
        """What happened and what to do, in one line. `stage`: a dialect's word for where the order stands."""
        message = self.message if stage is None else _at_stage(self._shape, stage)
        return sentences(message, self.cure)


def sentences(found: str, cure: str | None) -> str:
    """What was found, ended as a sentence, and after it what to do."""
    found = found if found.endswith((".", "?", "!")) else Sentence("{0}.", found)
    return joined((found, cure)) if cure else found


def invalid(message: str, field: str | None, cure: str | None = None) -> Problem:
    """What is wrong with a field, and what to send."""
    return Problem("invalid", message, field=field, cure=cure)


def too_large(message: str, cure: str = "Split it.") -> Problem:
    """A file beyond a limit, and how to send it within."""
    return Problem("too_large", message, field="file", cure=cure)


def _at_stage(message: str, stage: str) -> str:
    return changed(message, lambda text: text.replace(STAGE, stage))


def _made_again(kind: type[Problem], message: str) -> Problem:
    return kind.__new__(kind, message)
