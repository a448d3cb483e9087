"""Identity of a call: the request id, and the W3C trace that it belongs to."""

import re
from typing import Final

from recoup.kernel.cause import Cause
from recoup.kernel.ids import new_id
from recoup.kit.edge.asgi import Scope, header, state
from recoup.networks.card_guard import holds_number

_LONG: Final = re.compile(rb"[0-9]{13,}")
_CARD_DIGITS_MAX: Final = 19
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def request_id(scope: Scope) -> str:
    """The id of this call, for actors, logs and answers."""
    known: str = state(scope).get("request_id") or new_id().hex
    return known


def trace_id(scope: Scope) -> str:
    """`00-<32 hex>-<16 hex>-01`: the caller's trace, a span of ours."""
    kept = state(scope)
    trace: str | None = kept.get("trace_id")
    if trace is None:
        cause: Cause = kept.get("cause") or Cause("", traceparent_of(header(scope, b"traceparent")))
        trace = kept["trace_id"] = cause.trace
    return trace


def request_id_of(given: bytes | None) -> str:
    """The caller's X-Request-Id when it is sane and no card number, else one of ours."""
    if given is not None and _REQUEST_ID.fullmatch(given) and not holds_number(given.decode()):
        return given.decode()
    return new_id().hex


def traceparent_of(given: bytes | None) -> bytes | None:
    """The caller's, unless a card number may stand in it: its trace id is logged with each call."""
    numbers = _LONG.findall(given[3:35]) if given is not None else ()
    return (
        None
        if any(
            len(number) > _CARD_DIGITS_MAX or holds_number(number.decode()) for number in numbers
        )
        else given
    )
