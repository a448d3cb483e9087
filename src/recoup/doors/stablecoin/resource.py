"""One resource of the API: who calls, may it, what does it say, what is answered. In the order of precedence that the
whole product keeps: path, credential, method, permission, rate, content."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from recoup.doors.edge.asgi import Receive, Refusal, Scope, Send, answer_headers, header, send_refusal, state
from recoup.doors.edge.called import called_by, refused_with, template_of, why_refused
from recoup.doors.edge.json_body import ClientGone, check_content_type, decode_json, read_body
from recoup.doors.edge.tracing import request_id
from recoup.doors.stablecoin.errors import refusal
from recoup.doors.stablecoin.fields import read_query
from recoup.doors.stablecoin.services import Services
from recoup.flows.no_cards import refuse_cards
from recoup.flows.stable.callers import Caller, Signed
from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope as MerchantScope
from recoup.kernel.time import iso
from recoup.rules.network.card_text import json_may_hold_number

log = structlog.get_logger()
_encode: Final = msgspec.json.Encoder().encode
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in. `body`: plain values, None for methods that take none."""

    services: Services
    caller: Caller
    body: Any
    path: Mapping[str, str]
    query: Mapping[str, str]
    idempotency_key: str | None
    request_id: str

    @property
    def scope(self) -> MerchantScope:
        return MerchantScope(self.caller.merchant_id, self.caller.actor, self.request_id)

    def object_id(self, prefix: str) -> UUID:
        """Raises: Problem(not_found): an id that cannot be one is an id that nothing has."""
        found = parse_wire_id(prefix, self.path["id"])
        if found is None:
            raise missing()
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    body: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Method:
    """`body`: whether the method takes one; it may always be left out."""

    handle: Callable[[Call], Awaitable[Reply]]
    body: bool = False


def missing() -> Problem:
    """The same for what does not exist and for what is another merchant's."""
    return Problem("not_found", "There is nothing with this id.", cure="Check the id.")


class Resource:
    """An ASGI app for one path."""

    def __init__(self, services: Services, methods: Mapping[str, Method]) -> None:
        self._services, self._methods = services, methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply, headers = await self._answer(scope, receive)
        except ClientGone:
            return
        except Problem as problem:
            refused_with(scope, problem.code, why_refused(problem))
            if problem.code == "too_large":
                raise  # the edge drains the body and answers
            await send_refusal(send, refusal(scope, problem))
            return
        except Exception as error:
            refused_with(scope, "internal")
            log.exception("unexpected", path=template_of(scope), request=request_id(scope), error=type(error).__name__)
            ours = Problem("internal", "Something went wrong on our side.", cure="Quote the request id to us.")
            await send_refusal(send, refusal(scope, ours))
            return
        await send_refusal(send, Refusal(reply.status, _encode(reply.body), [_JSON, *headers]))

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[Reply, list[tuple[bytes, bytes]]]:
        services = self._services
        content = await read_body(receive)
        caller = await services.callers.verify(_signed(scope, content))
        called_by(state(scope), caller.merchant_id, caller.key_id)
        method = self._methods.get(scope["method"])
        if method is None:
            allowed = ", ".join(self._methods)
            raise Problem("method_not_allowed", f"This resource takes {allowed}.", allow=allowed,
                          cure="Use one of these.")  # fmt: skip
        await services.limits.take(services.buckets, answer_headers(scope), caller.key_id,
                                   services.world.clocks.monotonic(), merchant_id=caller.merchant_id)  # fmt: skip
        body = None
        if method.body:
            check_content_type(header(scope, b"content-type"))
            body = decode_json(content) if content else {}
        key = _idempotency_key(scope)
        if json_may_hold_number(b"%b,%b" % (content, (key or "").encode("latin-1"))):
            sent = {"Idempotency-Key": key, **body} if isinstance(body, dict) else [key, body]
            await refuse_cards(services.world, sent, caller=caller.merchant_id)
        call = Call(
            services, caller, body, scope.get("path_params", {}), read_query(scope["query_string"]), key,
            request_id(scope),
        )  # fmt: skip
        reply = await method.handle(call)
        return reply, await _clock(services, caller)


def _signed(scope: Scope, content: bytes) -> Signed:
    def text(name: bytes) -> str:
        return (header(scope, name) or b"").decode("latin-1")

    path: bytes = scope.get("sent_path") or scope.get("raw_path") or scope["path"].encode()
    return Signed(text(b"x-api-key"), text(b"x-timestamp"), text(b"x-signature"), scope["method"], path,
                  scope["query_string"], content)  # fmt: skip


def _idempotency_key(scope: Scope) -> str | None:
    """Raises: Problem(invalid)."""
    key = (header(scope, b"idempotency-key") or b"").decode("latin-1").strip()
    if len(key) > 128 or "\0" in key:
        raise Problem("invalid", "The Idempotency-Key has more than 128 characters.", field="Idempotency-Key")
    return key or None


async def _clock(services: Services, caller: Caller) -> list[tuple[bytes, bytes]]:
    """A moved clock is named, so that nobody wonders about the dates."""
    try:
        merchant = (await services.merchants.get(caller.merchant_id)).merchant
    except Problem:
        return []  # what was done is answered, with or without a note on the clock
    if not merchant.offset_us:
        return []
    return [(b"x-recoup-business-time", iso(merchant.business(services.world.clocks.wall())).encode())]
