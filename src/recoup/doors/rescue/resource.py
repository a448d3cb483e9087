"""One resource of the API: who calls, may it, what does it say, what is answered. In the order of precedence that the
whole product keeps: path, credential, method, permission, rate, content."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import structlog

from recoup.doors.edge.asgi import (
    Headers,
    Receive,
    Refusal,
    Scope,
    Send,
    answer_headers,
    header,
    send_refusal,
    send_stream,
    state,
)
from recoup.doors.edge.bearer import bearer_token
from recoup.doors.edge.called import called_by, refused_with, template_of, why_refused
from recoup.doors.edge.described import Operation
from recoup.doors.edge.json_body import ClientGone, read_json
from recoup.doors.edge.keys import Folding, Names, fold_keys, folding, names_of, unknown_names
from recoup.doors.edge.tracing import request_id
from recoup.doors.rescue.auth import Caller, authenticate, merchants_only
from recoup.doors.rescue.errors import refusal
from recoup.doors.rescue.query import Given
from recoup.doors.rescue.services import Services
from recoup.flows.no_cards import refuse_cards
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope as MerchantScope
from recoup.kernel.time import iso
from recoup.rules.network.card_text import json_may_hold_number

log = structlog.get_logger()
_encode: Final = msgspec.json.Encoder().encode
QUERY_FIELDS_MAX: Final = 500
CALLERS_MAX: Final = 1_000
UNKNOWN_TOLD: Final = 20
PARTNER: Final = "partner"  # the scope of a partner's key
FIND_ORDER: Final = (
    "Send the orderId that /evaluate answered; by your own order id it is found with GET /v1/orders?externalOrderId=…, "
    "by a reference number with ?referenceNumber=…"
)
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that was let in."""

    services: Services
    caller: Caller | None
    body: Any
    path: Mapping[str, str]
    query: Given
    raw_headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    request_id: str
    answer_headers: Headers = field(default_factory=list)
    receive: Receive | None = field(default=None, repr=False)  # the body's, for methods that stream it
    state: dict[str, Any] = field(default_factory=dict, repr=False)  # what is left for the edge
    client: tuple[str, int] | None = None  # the caller's address

    @property
    def scope(self) -> MerchantScope:
        assert self.caller is not None
        return MerchantScope(self.caller.merchant_id, self.caller.actor, self.request_id)

    @property
    def headers(self) -> Mapping[str, str]:
        """By name in lower case."""
        return {k.decode("latin-1"): v.decode("latin-1") for k, v in self.raw_headers}

    def object_id(self, name: str = "id", *, noun: str = "order", cure: str = FIND_ORDER) -> UUID:
        """Raises: Problem(not_found): an id that cannot be one is an id that nothing has."""
        found = parse_id(self.path[name])
        if found is None:
            raise Problem("not_found", f"There is no such {noun}.", cure=cure)
        return found


@dataclass(frozen=True, slots=True)
class Reply:
    """`body`: a Struct, told as JSON; or parts of a file as they come, whose type stands in `headers`."""

    body: Any
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Method:
    """An operation and what does it. `scope`: what the credential must allow, None for calls without one. `partners`:
    a partner's key may call it as well as a merchant's. `fold`: the names of the fields that its body is told to have;
    None for methods that take no body."""

    operation: Operation
    handle: Callable[[Call], Awaitable[Reply]]
    scope: str | None
    body_optional: bool = False
    partners: bool = False
    streams: bool = False  # the body is read by what handles the call, piece by piece
    strict: bool = False  # a field that nobody reads is refused: a slip in its name would do something else
    fold: Folding | None = field(init=False)
    names: Names | None = field(init=False)  # the same, as they are nested

    def __post_init__(self) -> None:
        told = replace(self.operation, body_optional=self.body_optional, strict=self.strict)
        object.__setattr__(self, "operation", told)
        body = told.body
        object.__setattr__(self, "names", names_of(body) if body is not None else None)
        object.__setattr__(self, "fold", folding(self.names) if self.names is not None else None)


class Resource:
    """An ASGI app for one path."""

    def __init__(self, services: Services, methods: Mapping[str, Method]) -> None:
        self._services, self._methods = services, methods
        self._open = all(method.scope is None for method in methods.values())
        self._second = 0
        self._callers: dict[bytes, Caller] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            reply = await self._answer(scope, receive)
        except ClientGone:
            return
        except Problem as problem:
            refused_with(scope, problem.code, why_refused(problem))
            await send_refusal(send, refusal(scope, problem))
            return
        except Exception as error:
            refused_with(scope, "internal")
            log.exception("unexpected", path=template_of(scope), request=request_id(scope), error=type(error).__name__)
            ours = Problem("internal", "Something went wrong on our side.", cure="Quote the request id to us.")
            await send_refusal(send, refusal(scope, ours))
            return
        if isinstance(reply.body, AsyncIterator):
            await send_stream(receive, send, reply.status, reply.headers, reply.body)
            return
        body = b"" if reply.status == 204 else _encode(reply.body)
        await send_refusal(send, Refusal(reply.status, body, [_JSON, *reply.headers]))

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        services = self._services
        caller = None if self._open else await self._caller(scope)
        method = self._methods.get(scope["method"])
        if method is None:
            allowed = ", ".join(self._methods)
            raise Problem("method_not_allowed", f"This resource takes {allowed}.", allow=allowed,
                          cure=f"Send it with {' or '.join(self._methods)}.")  # fmt: skip
        if caller is not None:
            called_by(state(scope), caller.mid, caller.app_key)
            _permit(method, caller)
            await services.limits.take(services.buckets, answer_headers(scope), caller.app_key,
                                       services.world.clocks.monotonic(), merchant_id=caller.mid,
                                       partner_id=caller.partner_id)  # fmt: skip
        body, content = await _body(method, scope, receive)
        who = (caller.mid or caller.partner_id) if caller is not None else None
        if body and json_may_hold_number(content):
            await refuse_cards(services.world, body, method.names, _pascal, caller=who)
        key = header(scope, b"idempotency-key")
        if key is not None:
            await refuse_cards(services.world, {"idempotencyKey": key.decode("latin-1")}, None, _pascal, caller=who)
        query = _query(scope["query_string"])
        call = Call(services, caller, body, scope.get("path_params", {}), query, scope["headers"], request_id(scope),
                    answer_headers(scope), receive, state(scope), scope.get("client"))  # fmt: skip
        reply = await method.handle(call)
        return await _with_clock(services, caller, reply)


    async def _caller(self, scope: Scope) -> Caller:
        """Who calls. What a bearer token says holds for the second in which it was checked: it ends at a whole one.
        Its key may end at any moment.

        Raises: Problem(unauthenticated).
        """
        given = header(scope, b"authorization")
        second = int(self._services.world.clocks.wall().timestamp())
        if second != self._second:
            self._second = second
            self._callers.clear()
        caller = self._callers.get(given) if given is not None else None
        if caller is None or await self._services.credentials.has_ended(caller.app_key):
            caller = await authenticate(self._services, scope)
            still = self._second == second  # else it was checked before a whole second that has passed meanwhile
            if still and given is not None and bearer_token(given) is not None and len(self._callers) < CALLERS_MAX:
                self._callers[given] = caller
        return caller


def _permit(method: Method, caller: Caller) -> None:
    """Raises: Problem(forbidden)."""
    if method.scope is None or (caller.partner_id is not None and method.partners):
        return
    if caller.partner_id is not None and method.scope != PARTNER:
        raise merchants_only(method.operation.path)
    if method.scope not in caller.scopes:
        kind = "partner's key" if method.scope == PARTNER else f"key with the scope {method.scope}"
        raise Problem("forbidden", f"This key does not allow {method.scope}.", cure=f"Use a {kind}.")


def _query(text: bytes) -> Given:
    """Raises: Problem(invalid)."""
    if not text:
        return Given()
    try:
        query = Given(parse_qsl(text.decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        cure = f"Send at most {QUERY_FIELDS_MAX}."
        raise Problem("invalid", "The query has too many parameters.", field="Query", cure=cure) from None
    if any("\0" in value for values in query.values() for value in values):
        raise Problem("invalid", "The query has a NUL character.", field="Query", cure="Leave it out.")
    return query


async def _body(method: Method, scope: Scope, receive: Receive) -> tuple[Any, bytes]:
    """With the names that its fields are told to have, and as it came."""
    if method.fold is None or method.streams:
        return None, b""
    if method.body_optional and not await _has_body(scope):
        return {}, b""
    value, content = await read_json(scope, receive)
    body = fold_keys(value, method.fold)
    if not isinstance(body, dict):
        raise Problem("malformed", "The body must be a JSON object.", field="Body",
                      cure="Put the fields in braces: {…}.")  # fmt: skip
    if method.strict:
        _refuse_unknown(body, method.fold)
    return body, content


def _refuse_unknown(body: dict[str, Any], fold: Folding) -> None:
    """Raises: Problem(invalid) naming each field."""
    told: dict[str, list[str]] = {}
    for name, alike in islice(unknown_names(body, fold), UNKNOWN_TOLD):
        parts = name.split(".")
        plain = name.isascii() and all(part.isalnum() and part[0].isalpha() for part in parts)
        field = ".".join(part[:1].upper() + part[1:] for part in parts) if plain else "Body"
        told.setdefault(field, [f"There is no field {name!r}." + (f" Did you mean {alike}?" if alike else "")])
    if told:
        raise Problem("invalid", next(iter(told.values()))[0], fields=told)


def _pascal(path: str) -> str:
    """As this dialect names a field: `PaymentMethod.HolderName`."""
    parts = ("".join(word[:1].upper() + word[1:] for word in part.split("_")) for part in path.split("."))
    return ".".join(parts) or "Body"


async def _has_body(scope: Scope) -> bool:
    names = {k: v for k, v in scope["headers"]}
    return names.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in names


async def _with_clock(services: Services, caller: Caller | None, reply: Reply) -> Reply:
    """A moved clock is named, so that nobody wonders about the dates."""
    if caller is None or caller.mid is None:
        return reply
    try:
        merchant = (await services.merchants.get(caller.mid)).merchant
    except Problem:
        return reply  # what was done is answered, with or without a note on the clock
    if not merchant.offset_us:
        return reply
    told = iso(merchant.business(services.world.clocks.wall())).encode()
    return Reply(reply.body, reply.status, (*reply.headers, (b"x-recoup-business-time", told)))
