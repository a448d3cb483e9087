"""Which call this is: the request id, and the W3C trace that it belongs to."""

import os
import re
from typing import Final

from recoup.doors.edge.asgi import Scope, header, state
from recoup.kernel.ids import new_id
from recoup.rules.network.card_guard import holds_number

_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_TRACEPARENT: Final = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_NO_TRACE: Final = b"0" * 32
_NO_SPAN: Final = b"0" * 16


def request_id(scope: Scope) -> str:
    """The id of this call, for actors, logs and answers."""
    found: str = state(scope).get("request_id") or new_id().hex
    return found


def trace_id(scope: Scope) -> str:
    """`00-<32 hex>-<16 hex>-01`: the caller's trace, a span of ours; made when it is first asked for.

    Source: W3C Trace Context level 1 for `traceparent`; contract §1.2 for the trace id's shape.
    """
    kept = state(scope)
    found: str = kept.get("trace_id") or kept.setdefault("trace_id", _trace_id(header(scope, b"traceparent")))
    return found


def request_id_of(given: bytes | None) -> str:
    """The caller's X-Request-Id when it is sane and no card number, else one of ours."""
    if given is not None and _REQUEST_ID.fullmatch(given) and not holds_number(given.decode()):
        return given.decode()
    return new_id().hex


def _trace_id(given: bytes | None) -> str:
    found = _TRACEPARENT.fullmatch(given) if given is not None else None
    known = found is not None and found[1] != _NO_TRACE and found[2] != _NO_SPAN
    trace = found[1].decode() if found is not None and known else os.urandom(16).hex()
    return f"00-{trace}-{os.urandom(8).hex()}-01"
