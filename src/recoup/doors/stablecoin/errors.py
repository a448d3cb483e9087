"""How this dialect says that something is wrong: one table, one shape, messages in the caller's language. Source:
contract stablecoin-api §4."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recoup.doors.edge.asgi import Headers, Refusal, Scope, header
from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import accepted_language, catalogue
from recoup.rules.order.lifecycle import Stage
from recoup.rules.stable.words import order_status


class Code(NamedTuple):
    status: int
    code: str


# A Problem's code, or `code/detail` where one says more.
TABLE: Final[Mapping[str, Code]] = {
    "malformed": Code(400, "invalid_body"),
    "invalid": Code(400, "invalid_request"),
    "invalid/invalid_amount": Code(400, "invalid_amount"),
    "invalid/channel_not_found": Code(400, "channel_not_found"),
    "invalid/channel_environment_mismatch": Code(400, "channel_environment_mismatch"),
    "invalid/no_route": Code(400, "no_route"),
    "invalid/settlement_address_required": Code(400, "settlement_address_required"),
    "over_remainder": Code(400, "refund_exceeds_balance"),
    "refund_currency": Code(400, "invalid_request"),
    "refund_items": Code(400, "invalid_request"),
    "capture_amount": Code(400, "invalid_request"),
    "capture_refused": Code(409, "invalid_state"),
    "unauthenticated": Code(401, "invalid_api_key"),
    "unauthenticated/missing_auth": Code(401, "missing_auth"),
    "unauthenticated/invalid_api_key": Code(401, "invalid_api_key"),
    "unauthenticated/stale_request": Code(401, "stale_request"),
    "unauthenticated/bad_signature": Code(401, "bad_signature"),
    "unauthenticated/replayed_request": Code(401, "replayed_request"),
    "bad_credentials": Code(401, "invalid_api_key"),
    "forbidden": Code(403, "forbidden"),
    "forbidden/merchant_suspended": Code(403, "merchant_suspended"),
    "kind_switched_off": Code(403, "forbidden"),
    "blocked": Code(403, "customer_blocked"),
    "no_such_path": Code(404, "not_found"),
    "not_found": Code(404, "not_found"),
    "method_not_allowed": Code(405, "method_not_allowed"),
    "conflict": Code(409, "idempotency_conflict"),
    "in_progress": Code(503, "service_unavailable"),
    "wrong_state": Code(409, "invalid_state"),
    "wrong_state/order_not_refundable": Code(409, "order_not_refundable"),
    "wrong_state/refund_unsupported": Code(409, "refund_unsupported"),
    "wrong_state/insufficient_balance": Code(409, "insufficient_balance"),
    "too_large": Code(413, "payload_too_large"),
    "too_many_requests": Code(429, "rate_limited"),
    "internal": Code(500, "internal_error"),
    "bad_gateway": Code(502, "channel_unavailable"),
    "unavailable": Code(503, "service_unavailable"),
    "unavailable/channel_unavailable": Code(503, "channel_unavailable"),
    "gateway_timeout": Code(504, "channel_unavailable"),
    "no_space": Code(507, "service_unavailable"),
}
# Names that shared flows know from the other dialect.
_PARAMS: Final[Mapping[str, str]] = {
    "AmountToRefund": "amount", "Currency": "currency", "IdempotencyKey": "Idempotency-Key", "Url": "url",
    "Events": "events", "Body": "",
}  # fmt: skip
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


def code_of(problem: Problem) -> Code:
    detail = problem.facts.get("detail")
    found = TABLE.get(f"{problem.code}/{detail}") or TABLE[problem.code]
    return TABLE["invalid/invalid_amount"] if found.code == "invalid_request" and _param(problem) == "amount" else found


def refusal(scope: Scope, problem: Problem) -> Refusal:
    """The whole answer to a Problem."""
    code = code_of(problem)
    language = accepted_language((header(scope, b"accept-language") or b"").decode("latin-1"))
    message = catalogue(language).errors.get(code.code) or _sentence(problem)
    error: dict[str, Any] = {"code": code.code, "message": message}
    param = _param(problem)
    if param:
        error["param"] = param
    language_header = (b"content-language", language.encode())
    headers: Headers = [_JSON, language_header, (b"vary", b"accept-language")]
    if problem.retry_after_seconds is not None or code.status == 503:
        headers.append((b"retry-after", str(problem.retry_after_seconds or 2).encode()))
    if code.status == 401:
        headers.append((b"www-authenticate", b"HMAC-SHA256"))
    if problem.code == "method_not_allowed":
        headers.append((b"allow", str(problem.facts.get("allow", "")).encode()))
    return Refusal(code.status, encode({"error": error}), headers)


def _param(problem: Problem) -> str:
    return _PARAMS.get(problem.field or "", problem.field or "")


def _sentence(problem: Problem) -> str:
    """With this dialect's word for where the order stands."""
    field, stage = problem.field or "", problem.facts.get("stage")
    sentence = problem.sentence(stage=order_status(Stage(stage), 1, 0) if stage is not None else None)
    return sentence.replace(field, _PARAMS[field]) if _PARAMS.get(field) else sentence
