"""Paths of an API: who calls, may it, what does it say, what is answered. In the order of
precedence that the whole product keeps: path, credential, method, permission, rate, content. What
an API does its own way is its Dialect."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import NoneType
from typing import Any, Final, Generic, Protocol, TypeVar, get_type_hints
from uuid import UUID

import structlog
from msgspec import structs
from starlette.routing import Route

from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.kernel.scope import Scope as MerchantScope
from recoup.kernel.time import iso
from recoup.keys.rules.key_scopes import CUSTOMERS, covers
from recoup.kit.edge.asgi import (
    ClientGone,
    Headers,
    Receive,
    Refusal,
    Scope,
    Send,
    answer_headers,
    send_refusal,
    send_stream,
    state,
)
from recoup.kit.edge.called import called_by, refused_with, template_of, why_refused
from recoup.kit.edge.described import Example, Operation
from recoup.kit.edge.field_names import (
    Folding,
    Names,
    folding,
    misspelt_fields,
    names_of,
    unread_fields,
)
from recoup.kit.edge.limits import Limits
from recoup.kit.edge.masked import masked
from recoup.kit.edge.rate import Buckets
from recoup.kit.edge.tracing import request_id
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants

log = structlog.get_logger()
JSON_TYPE: Final = (b"content-type", b"application/json; charset=utf-8")


class Services(Protocol):
    """What every door works with."""

    @property
    def world(self) -> World: ...
    @property
    def merchants(self) -> Merchants: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def buckets(self) -> Buckets: ...


class Caller(Protocol):
    """Who calls. `key_id`: the public half of the key; `mid`, `partner_id`: whose it is.
    `merchant_id`: whom the call is for; raises Problem(forbidden) where that is nobody."""

    @property
    def key_id(self) -> str: ...
    @property
    def mid(self) -> UUID | None: ...
    @property
    def partner_id(self) -> UUID | None: ...
    @property
    def merchant_id(self) -> UUID: ...
    @property
    def actor(self) -> Actor: ...
    @property
    def scopes(self) -> Collection[str]: ...


ServicesT = TypeVar("ServicesT", bound=Services)
CallerT = TypeVar("CallerT", bound=Caller | None)
QueryT = TypeVar("QueryT")


@dataclass(slots=True)
class Call(Generic[ServicesT, CallerT, QueryT]):
    """A call that was let in. `body`: plain values, None for methods that take none."""

    services: ServicesT
    caller: CallerT
    body: Any
    path: Mapping[str, str]
    query: QueryT
    raw_headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    request_id: str
    answer_headers: Headers = field(default_factory=list)
    receive: Receive | None = field(
        default=None, repr=False
    )  # the body's, for methods that stream it
    state: dict[str, Any] = field(default_factory=dict, repr=False)  # what is left for the edge
    client: tuple[str, int] | None = None  # the caller's address
    idempotency_key: str | None = None
    warnings: list[str] = field(default_factory=list)  # fields of the body that nobody reads

    @property
    def scope(self) -> MerchantScope:
        assert self.caller is not None
        return MerchantScope(self.caller.merchant_id, self.caller.actor, self.request_id)

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers by name in lower case."""
        return {k.decode("latin-1"): v.decode("latin-1") for k, v in self.raw_headers}


CallT = TypeVar("CallT", bound=Call[Any, Any, Any])


@frozen
class Reply:
    """`body`: a Struct, sent as JSON; or parts of a file as they come, whose type stands in
    `headers`."""

    body: Any
    status: int = 200
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


@dataclass(frozen=True)
class Method(Generic[CallT]):
    """An operation and what does it. `fold`: the documented names of its body's fields; None for
    methods that take no body; `names`: the same, as they are nested."""

    operation: Operation
    handle: Callable[[CallT], Awaitable[Reply]]
    fold: Folding | None = field(init=False)
    names: Names | None = field(init=False)

    def __post_init__(self) -> None:
        body = self.operation.body
        object.__setattr__(self, "names", names_of(body) if body is not None else None)
        object.__setattr__(self, "fold", folding(self.names) if self.names is not None else None)


HandleT = TypeVar("HandleT", bound=Callable[..., Awaitable[Any]])


class Api(Generic[CallT]):
    """The operations of one subject, each declared above the function that does it, in the order of
    the documentation. `usual`: what their declarations have in common."""

    def __init__(self, **usual: Any) -> None:
        self._usual = {"body_optional": False} | usual
        self._examples: list[tuple[str, Any, Any]] = []
        self.methods: list[Method[CallT]] = []

    def __call__(
        self, called: str, *, status: int = 200, **said: Any
    ) -> Callable[[HandleT], HandleT]:
        """Declares the function below, `called` like `GET /v1/orders`. Its docstring is the
        operation's summary, one sentence, and its text, unless `text` is. It returns the body of
        the answer `status`, of the type that it is annotated with; or a Reply, and `answers` has
        the types."""

        def declare(function: HandleT) -> HandleT:
            method, _, path = called.partition(" ")
            summary, _, text = " ".join((function.__doc__ or "").split()).partition(". ")
            described = {"summary": summary.removesuffix("."), "text": text} | self._usual | said
            if "answers" not in described:
                gives = get_type_hints(function)["return"]
                described["answers"] = {status: gives} if gives is not NoneType else {204: None}
            first = next(iter(described["answers"]))
            if self._examples:
                described["examples"] = tuple(
                    Example(name, sent, first, got) for name, sent, got in self._examples
                )
                self._examples.clear()
            self.methods.append(
                Method(Operation(method, path, **described), partial(_replied, function, first))
            )
            return function

        return declare

    def example(
        self, name: str, request: Any = None, answer: Any = None
    ) -> Callable[[HandleT], HandleT]:
        """An example of the operation below, in its order."""

        def note(function: HandleT) -> HandleT:
            self._examples.insert(0, (name, request, answer))
            return function

        return note


async def _replied(function: Callable[[Any], Awaitable[Any]], status: int, call: Any) -> Reply:
    made = await function(call)
    return made if isinstance(made, Reply) else Reply(made, status)


class Dialect(ABC, Generic[ServicesT, CallerT, CallT]):
    """What one API does its own way, in the order in which a call meets it."""

    left_to_edge: frozenset[str] = frozenset()  # codes of problems that the edge answers

    def __init__(self, services: ServicesT) -> None:
        self.services: Final = services

    @abstractmethod
    async def authenticate(self, scope: Scope, receive: Receive) -> tuple[CallerT, bytes]:
        """Authenticates the caller; and answers the body, where the proof covers it. Raises:
        Problem(unauthenticated)."""

    def permit(self, operation: Operation, caller: CallerT) -> None:
        """Raises: Problem(forbidden)."""
        need = operation.needs
        if caller is not None and need and not covers(caller.scopes, need):
            cure = f"Use a key with {need}, or make one; an owner approves what your role may not."
            raise Problem(
                "forbidden", f"This key does not allow {need}.", cure=cure, details={"scope": need}
            )

    @abstractmethod
    async def read(
        self,
        method: Method[CallT],
        scope: Scope,
        receive: Receive,
        caller: CallerT | None,
        content: bytes,
    ) -> CallT:
        """The call, its body and query read; without a caller where the path takes no credential.
        Raises: Problem(malformed, invalid)."""

    @abstractmethod
    def refusal(self, scope: Scope, problem: Problem) -> Refusal:
        """The whole answer to a Problem."""

    def other_method(self, allowed: Sequence[str]) -> str:
        """Advice after a method that the path does not take."""
        return f"Send it with {' or '.join(allowed)}."


class Resource(Generic[ServicesT, CallerT, CallT]):
    """An ASGI app for one path, by method."""

    def __init__(
        self, dialect: Dialect[ServicesT, CallerT, CallT], methods: Mapping[str, Method[CallT]]
    ) -> None:
        self._dialect, self._methods = dialect, methods
        self._open = all(method.operation.scope is None for method in methods.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        dialect = self._dialect
        try:
            reply, extra = await self.answer(scope, receive)
        except ClientGone:
            return
        except Problem as problem:
            refused_with(scope, problem.code, why_refused(problem))
            if problem.code in dialect.left_to_edge:
                raise
            await send_refusal(send, dialect.refusal(scope, problem))
            return
        except Exception as error:
            refused_with(scope, "internal")
            log.exception(
                "unexpected",
                path=template_of(scope),
                request=request_id(scope),
                error=type(error).__name__,
            )
            ours = Problem(
                "internal", "Something went wrong on our side.", cure="Quote the request id to us."
            )
            await send_refusal(send, dialect.refusal(scope, ours))
            return
        if isinstance(reply.body, AsyncIterator):
            await send_stream(receive, send, reply.status, (*reply.headers, *extra), reply.body)
            return
        body = b"" if reply.status == 204 else encode(reply.body)
        await send_refusal(send, Refusal(reply.status, body, [JSON_TYPE, *reply.headers, *extra]))

    async def answer(self, scope: Scope, receive: Receive) -> tuple[Reply, Headers]:
        """The reply, and headers that it has besides. Raises: Problem; ClientGone."""
        dialect, services = self._dialect, self._dialect.services
        caller, content = (None, b"") if self._open else await dialect.authenticate(scope, receive)
        if caller is not None:
            called_by(state(scope), caller.mid, caller.key_id)
        method = self._methods.get(scope["method"])
        if method is None:
            allowed = ", ".join(self._methods)
            cure = dialect.other_method(list(self._methods))
            raise Problem(
                "method_not_allowed", f"This resource takes {allowed}.", allow=allowed, cure=cure
            )
        if caller is not None:
            dialect.permit(method.operation, caller)
            await services.limits.take(
                services.buckets,
                answer_headers(scope),
                caller.key_id,
                services.world.clocks.monotonic(),
                merchant_id=caller.mid,
                partner_id=caller.partner_id,
            )
        standing = services.world.standing
        if scope["method"] != "GET" and (standing.refuses_all or not method.operation.intake):
            standing.check()
        call = await dialect.read(method, scope, receive, caller, content)
        call.warnings += unread_fields(call.body, method.fold) if method.operation.lenient else []
        try:
            reply = await method.handle(call)
        except Problem as problem:
            if problem.code == "invalid" and method.operation.lenient:
                problem.facts["misspelt"] = misspelt_fields(call.body, method.fold)
            raise
        if call.warnings and hasattr(reply.body, "warnings"):
            reply = replace(reply, body=structs.replace(reply.body, warnings=call.warnings))
        if caller is not None and caller.mid is not None and CUSTOMERS not in caller.scopes:
            reply = replace(reply, body=masked(reply.body))
        return reply, await _clock(
            services, caller.mid
        ) if caller is not None and caller.mid is not None else []


async def _clock(services: Services, merchant_id: UUID) -> Headers:
    """A moved clock is named, so that nobody wonders about the dates."""
    try:
        merchant = (
            services.merchants.known(merchant_id) or await services.merchants.get(merchant_id)
        ).merchant
    except Problem:
        return []  # what was done is answered, with or without a note on the clock
    if not merchant.offset_us:
        return []
    return [
        (b"x-recoup-business-time", iso(merchant.business(services.world.clocks.wall())).encode())
    ]


def by_path(methods: Sequence[Method[CallT]]) -> dict[str, dict[str, Method[CallT]]]:
    """path -> method -> what does it."""
    paths: dict[str, dict[str, Method[CallT]]] = {}
    for method in methods:
        paths.setdefault(method.operation.path, {})[method.operation.method] = method
    return paths


def routes_of(
    dialect: Dialect[ServicesT, CallerT, CallT], methods: Sequence[Method[CallT]]
) -> list[Route]:
    """Each path answers every method itself: a wrong one is refused after the credential, in the
    dialect's shape."""
    return [
        Route(path, Resource(dialect, by_method)) for path, by_method in by_path(methods).items()
    ]
