"""Errors of this dialect: one table, two shapes.

400 is a flat map of field to messages with a TraceId; everything else is the envelope with six
digits, the HTTP status first. The digits of a 400 stand in the header `X-Recoup-Code`, what to do
sometimes in `X-Recoup-Hint`. Source: contract §1.1, §1.2, §17.1 (C14, U7); seed 001.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Headers, Refusal, Scope
from recoup.kit.edge.tracing import trace_id


class Code(NamedTuple):
    """`for_example`: a call that hears it; the documentation's text."""

    status: int
    digits: str
    for_example: str


TABLE: Final[Mapping[str, Code]] = {
    "malformed": Code(400, "400001", "a body that is not a JSON object, or another content type"),
    "invalid": Code(400, "400100", "/evaluate without `idempotencyKey`"),
    "bad_credentials": Code(400, "400201", "/oauth2/token with a wrong `AppSecret`"),
    "over_remainder": Code(400, "400301", "only with HTTP 200, in a refused refund"),
    "wrong_state/refund": Code(400, "400302", "only with HTTP 200, in a refused refund"),
    "refund_currency": Code(400, "400303", "only with HTTP 200, in a refused refund"),
    "refund_items": Code(400, "400304", "only with HTTP 200, in a refused refund"),
    "capture_amount": Code(400, "400401", "only with HTTP 200, in a capture of another amount"),
    "capture_refused": Code(400, "400402", "only with HTTP 200, in a refused capture"),
    "unauthenticated": Code(401, "401001", "a missing, invalid or expired token"),
    "forbidden": Code(403, "403001", "a key without the required scope"),
    "kind_switched_off": Code(403, "403101", "/evaluate for a site whose MIT switch is off"),
    "blocked": Code(403, "403201", "/evaluate for a blocked customer or card"),
    "no_such_path": Code(404, "404001", "/v1/order"),
    "not_found": Code(404, "404101", "GET /v1/orders/{id} with another merchant's order"),
    "method_not_allowed": Code(405, "405001", "PUT /v1/orders; `Allow` lists the methods"),
    "conflict": Code(409, "409001", "/evaluate with the `idempotencyKey` of another payment"),
    "in_progress": Code(
        409,
        "409002",
        "/evaluate again while the first call with its key still runs; repeat it after a second",
    ),
    "wrong_state": Code(409, "409101", "cancelling a paid order"),
    "too_large": Code(413, "413001", "a body of more than 1 MiB"),
    "too_many_requests": Code(
        429, "429001", "too many calls per second, or webhook samples per minute"
    ),
    "internal": Code(500, "500001", "an internal error; quote `X-Request-Id`"),
    "bad_gateway": Code(502, "502001", "POST /v1/webhooks/{id}/test with an unreachable receiver"),
    "unavailable": Code(503, "503001", "the database is unavailable or full"),
    "gateway_timeout": Code(
        504, "504001", "POST /v1/webhooks/{id}/test with a receiver that does not answer"
    ),
    "no_space": Code(507, "507001", "POST /v1/imports while the disk is nearly full"),
}
# A refund that is refused is an answer, not an error: HTTP 200, FAILED, these codes.
REFUND_CODES: Final[Mapping[str, str]] = {
    "over_remainder": "2001", "wrong_state": "2002", "refund_currency": "2003",
    "refund_items": "2004",
}  # fmt: skip
REFUND_DIGITS: Final[Mapping[str, str]] = {
    "over_remainder": "400301", "wrong_state": "400302", "refund_currency": "400303",
    "refund_items": "400304",
}  # fmt: skip
HINT_MAX: Final = 500
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


def refusal(scope: Scope, problem: Problem) -> Refusal:
    """The whole answer to a Problem."""
    code = TABLE.get(f"{problem.code}/{problem.facts.get('detail')}") or TABLE[problem.code]
    headers: Headers = [_JSON, (b"x-recoup-code", code.digits.encode())]
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if code.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    if problem.code == "method_not_allowed":
        headers.append((b"allow", str(problem.facts.get("allow", "")).encode()))
    if code.status == 400 and (hints := _hints(problem)):
        headers.append((b"x-recoup-hint", hints))
    body = _validation(scope, problem) if code.status == 400 else _envelope(problem, code)
    return Refusal(code.status, encode(body), headers)


def _validation(scope: Scope, problem: Problem) -> dict[str, Any]:
    """Messages of a 400, one a field. A sentence that is the vendor's to the letter stays so:
    clients compare it."""
    fields = problem.fields or {"Body": [problem.message]}
    if problem.cure and not problem.verbatim:
        fields = {
            name: [f"{text} {problem.cure}" for text in texts] for name, texts in fields.items()
        }
    misspelt = {
        field_named(name): [text] for name, text in problem.facts.get("misspelt", {}).items()
    }
    return {"TraceId": [trace_id(scope)], **fields, **misspelt}


def field_named(name: str) -> str:
    """The key of a complaint about a field that the caller named; what is no name is of the
    body."""
    parts = name.split(".")
    plain = name.isascii() and all(part.isalnum() and part[0].isalpha() for part in parts)
    return ".".join(part[0].upper() + part[1:] for part in parts) if plain else "Body"


def _hints(problem: Problem) -> bytes:
    """Advice where the message may not give it: `ExpiryDateUtc: Send …`."""
    hints = dict(problem.facts.get("hints", {}))
    if problem.cure and problem.verbatim:
        hints |= dict.fromkeys(problem.fields, problem.cure)
    text_of_hints = "; ".join(f"{name}: {text}" for name, text in hints.items()).replace(
        "…", "..."
    )[:HINT_MAX]
    return "".join(letter for letter in text_of_hints if " " <= letter <= "~").encode()


def _properties(problem: Problem) -> dict[str, str]:
    """Its details for machines, and of a switch what is off."""
    offs = problem.facts.get("offs", ())
    switch = (
        {"kind": problem.facts["switch"], "off": ",".join(off.level for off in offs)}
        if offs
        else {}
    )
    return {**problem.facts.get("details", {}), **switch}


def _envelope(problem: Problem, code: Code) -> dict[str, Any]:
    text = problem.sentence()
    tuple_ = {"item1": text, "item2": code.digits, "item3": problem.code, "item4": True}
    return {
        "success": False,
        "result": text,
        "status": None,
        "statusCode": code.digits,
        "errors": [tuple_],
        "customProperties": _properties(problem),
    }
