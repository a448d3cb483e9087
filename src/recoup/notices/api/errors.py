"""Error bodies of this door: a single object with a code of ours, a message and what to do."""

from collections.abc import Mapping
from typing import Final

from recoup.kernel.encode import encode
from recoup.kernel.problem import Problem
from recoup.kit.edge.asgi import Headers, Refusal, Scope

STATUSES: Final[Mapping[str, int]] = {
    "malformed": 400, "invalid": 400, "unauthenticated": 401, "forbidden": 403, "no_such_path": 404,
    "not_found": 404, "method_not_allowed": 405, "conflict": 409, "in_progress": 409,
    "wrong_state": 409, "too_large": 413, "too_many_requests": 429, "internal": 500,
    "bad_gateway": 502, "unavailable": 503, "gateway_timeout": 504, "no_space": 507,
}  # fmt: skip
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


def refusal(scope: Scope, problem: Problem) -> Refusal:
    headers: Headers = [_JSON]
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if problem.code == "method_not_allowed":
        headers.append((b"allow", b"POST"))
    error = {
        "code": problem.code,
        "message": problem.message,
        "field": problem.field,
        "cure": problem.cure,
    }
    return Refusal(STATUSES.get(problem.code, 400), encode({"error": error}), headers)
