"""Every answer of the door against what its operation is told to answer."""

import json
import re
from codecs import BOM_UTF8
from typing import Annotated, Any

import httpx
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from tests.operations import check_answer, finder

from recoup.kit.edge.described import Operation
from recoup.main.stablecoin_api import OPERATIONS
from recoup.stablecoin.api.resource import TABLE

NUMBER = re.compile(r"(?:\d[ -]?){12}")
STATUSES: dict[str, set[int]] = {}
for _code in TABLE.values():
    STATUSES.setdefault(_code.code, set()).add(_code.status)
# What any call may hear besides its operation's own problems.
ANY = frozenset(
    {
        "invalid_body",
        "invalid_request",
        "missing_auth",
        "invalid_api_key",
        "stale_request",
        "bad_signature",
        "replayed_request",
        "forbidden",
        "method_not_allowed",
        "payload_too_large",
        "rate_limited",
        "internal_error",
        "service_unavailable",
    }
)
# What is named by `param` besides members of body and query.
HEADERS = frozenset({"Idempotency-Key", "content-type"})
Told = Annotated[str, Meta(min_length=1)]
operation_of = finder(OPERATIONS)


class Error(Struct, forbid_unknown_fields=True):
    code: Told
    message: Told
    param: Told | UnsetType = UNSET
    scope: Told | UnsetType = UNSET


class Refused(Struct, forbid_unknown_fields=True):
    error: Error


def check_refused(answer: httpx.Response) -> Error:
    """Any answer of this dialect that is no success: its shape, its status, its headers."""
    told = f"{answer.status_code} {answer.text[:400]}"
    assert answer.headers["content-type"] == "application/json; charset=utf-8", told
    assert answer.headers["content-language"], told
    try:
        error = msgspec.json.decode(answer.content, type=Refused).error
    except msgspec.ValidationError as wrong:
        raise AssertionError(f"{wrong} in {told}") from None
    assert answer.status_code in STATUSES[error.code], told
    assert ("www-authenticate" in answer.headers) == (answer.status_code == 401), told
    assert answer.headers.get("retry-after", "").isdigit() or answer.status_code not in (
        429,
        503,
    ), told
    return error


def check_told(operation: Operation, answer: httpx.Response) -> Any:
    """The answer is one that is told, and a refusal names what the caller can find; the body."""
    told = f"{operation.method} {operation.path}: {answer.status_code} {answer.text[:400]}"
    if answer.status_code < 400:
        return check_answer(operation, answer, told)
    error = check_refused(answer)
    assert error.code in ANY | set(operation.problems), told
    if error.param is not UNSET:
        shapes = [shape for shape in (operation.body, operation.query) if shape is not None]
        names = {
            field.encode_name for shape in shapes for field in msgspec.structs.fields(shape)
        } | HEADERS
        names |= _with_numbers(
            answer.request.content
        )  # a card's number is refused in fields that nobody knows, too
        assert any(f"{error.param}.".startswith((f"{name}.", f"{name}[")) for name in names), told
    return answer.json()


def _with_numbers(body: bytes) -> set[str]:
    """Names of the members that hold what may be a card's number."""
    try:
        found = json.loads(body.removeprefix(BOM_UTF8))
    except ValueError:
        return set()
    if not isinstance(found, dict):
        return set()
    return {name or '""' for name, value in found.items() if NUMBER.search(json.dumps(value))}
