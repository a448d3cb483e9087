"""Dialect of this API: bearers, each checked once a second; names in any case, complaints in
PascalCase."""

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import islice
from typing import Any, Final
from urllib.parse import parse_qsl
from uuid import UUID

from recoup.cards.flows.no_cards import refuse_cards
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor
from recoup.kernel.services import Services as Kit
from recoup.keys.api import resource as kit
from recoup.keys.flows.credentials import Credentials
from recoup.keys.flows.quotas import Quotas
from recoup.kit.api.body import ShapeT
from recoup.kit.api.errors import field_named, refusal
from recoup.kit.api.query import QueryValues, read_query
from recoup.kit.edge.asgi import Receive, Refusal, Scope, answer_headers, header, state
from recoup.kit.edge.bearer import bearer_token
from recoup.kit.edge.described import Operation
from recoup.kit.edge.field_names import UNKNOWN_NAMED_MAX, Folding, fold_keys, unknown_names
from recoup.kit.edge.json_body import read_json
from recoup.kit.edge.limits import Limits, Minutes, PayerLimits
from recoup.kit.edge.rate import Buckets
from recoup.kit.edge.tracing import request_id
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.card_text import json_may_hold_number
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.store.order_totals import Totals


class Services(Kit):
    """Of one world. `shared`: services that other doors of this process use too. `url`: where
    customers reach the checkout, without a slash at the end. `is_ending`: whoever waits is answered
    now."""

    def __init__(
        self,
        world: World,
        *shared: object,
        rate_per_second: int = 2_000,
        url: str = "",
        payer_calls_per_minute: int = 300,
        is_ending: Callable[[], bool] = bool,
        minutes: Minutes | None = None,
    ) -> None:
        super().__init__(world, *shared)
        self.world, self.merchants, self.url, self.is_ending = (
            world,
            self.get(Merchants),
            url,
            is_ending,
        )
        self.limits = Limits(Quotas(world).of, minutes)
        self.buckets = Buckets(
            per_second=rate_per_second, burst=5 * rate_per_second, name="rescue "
        )
        self.payers = PayerLimits(payer_calls_per_minute)
        self.totals = Totals()

    def challenge_url(self, merchant_id: UUID, order_id: UUID) -> str:
        """The hosted page on which the customer answers."""
        return f"{self.url}/checkout/{checkout_token(self.world, merchant_id, order_id)}"


@frozen
class Caller:
    """A merchant's developer; or with `partner_id` a partner's, who has no `mid`."""

    key_id: str
    mid: UUID | None
    scopes: frozenset[str]
    partner_id: UUID | None = None

    @property
    def merchant_id(self) -> UUID:
        """Raises: Problem(forbidden) for a partner: what is a merchant's is called with the
        merchant's own key."""
        if self.mid is None:
            raise merchants_only()
        return self.mid

    @property
    def actor(self) -> Actor:
        return Actor("api" if self.partner_id is None else "partner", self.key_id)


async def authenticate(services: Services, scope: Scope) -> Caller:
    """Raises: Problem(unauthenticated), with what to do."""
    given = header(scope, b"authorization")
    token = bearer_token(given)
    kind, _, value = (given or b"").decode("latin-1").strip().partition(" ")
    value = value.strip()
    if token is not None:
        identity = await services.get(Credentials).from_token(token.decode("latin-1"))
    elif kind.lower() == "apikey" and ":" in value:
        app_key, _, secret = value.partition(":")
        identity = await services.get(Credentials).from_api_key(app_key, secret)
    else:
        cure = "Get a token at /v1/oauth2/token and send it as `Authorization: Bearer <token>`."
        raise Problem("unauthenticated", "The call carries no credential.", cure=cure)
    return Caller(identity.app_key, identity.mid, identity.scopes, identity.partner_id)


def merchants_only(path: str = "") -> Problem:
    """Refusal for a partner's key. `path`: what was called."""
    cure = "Call payments and orders with the merchant's own key."
    if path.startswith("/v1/webhooks"):
        cure = (
            "Your own endpoints are at /v1/partner/webhooks; a merchant's are called with the "
            "merchant's own key."
        )
    return Problem(
        "forbidden",
        "A partner's key opens /v1/partner, /v1/onboarding and GET /v1/events only.",
        cure=cure,
    )


QUERY_FIELDS_MAX: Final = 500
CALLERS_MAX: Final = 1_000
_NAME: Final = re.compile(r"[A-Z][A-Za-z0-9]*(?:\[[0-9]+\])?")
PARTNER: Final = "partner"  # the scope of a partner's key
FIND_ORDER: Final = (
    "Send the orderId that /evaluate answered; by your own order id it is found with GET "
    "/v1/orders?externalOrderId=…, "
    "by a reference number with ?referenceNumber=…"
)


class Call(kit.Call[Services, Caller | None, QueryValues]):
    """A call that was let in."""

    __slots__ = ()

    def parameters(self, shape: type[ShapeT], *first: str, any_names: bool = False) -> ShapeT:
        """The query, about which there is no more to say. `first`, `any_names`: as `read_query` has
        them. Raises: Problem(invalid), all complaints at once."""
        wanted, query = read_query(self.query, shape, *first, any_names=any_names)
        query.raise_if_any()
        return wanted

    def object_id(self, name: str = "id", *, noun: str = "order", cure: str = FIND_ORDER) -> UUID:
        """Raises: Problem(not_found): an id that cannot be one is an id that nothing has."""
        object_id = parse_id(self.path[name])
        if object_id is None:
            raise Problem("not_found", f"There is no such {noun}.", cure=cure)
        return object_id


def file_reply(
    parts: AsyncIterator[bytes], name: str, media_type: str = "text/csv; charset=utf-8"
) -> kit.Reply:
    """A file that the caller saves under `name`, sent as its parts come."""
    disposition = f'attachment; filename="{name}"'.encode()
    return kit.Reply(
        parts,
        headers=((b"content-type", media_type.encode()), (b"content-disposition", disposition)),
    )


def form_of_reply(call: Call, wanted: str | None) -> str:
    """`json` or `csv`: by the parameter `format`, else by the header Accept."""
    accepts_csv = call.headers.get("accept", "").lower().startswith("text/csv")
    return wanted or ("csv" if accepts_csv else "json")


class Api(kit.Api[Call]):
    """The operations of one subject, of which some are verbs of the command line, too."""

    def add_verbs(self, group: Any, word: str) -> None:
        """Adds to a group of commands those whose verb begins with this word."""
        from recoup.keys.cli.operations import add_verb

        for method in self.methods:
            if method.operation.verb.split()[:1] == [word]:
                add_verb(group, method)


Method = kit.Method[Call]
Resource = kit.Resource[Services, Caller | None, Call]


class Dialect(kit.Dialect[Services, Caller | None, Call]):
    """One a door: its resources share what they know of callers."""

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._endings = services.world.key_endings
        self._second = 0
        self._callers: dict[bytes, Caller] = {}

    async def authenticate(self, scope: Scope, receive: Receive) -> tuple[Caller | None, bytes]:
        """Authenticates by a bearer token, which holds for the second in which it was checked: it
        ends at a whole one. Its key may end at any moment."""
        given = header(scope, b"authorization")
        second = int(self.services.world.clocks.wall().timestamp())
        if second != self._second:
            self._second = second
            self._callers.clear()
        caller = self._callers.get(given) if given is not None else None
        if caller is None or not (
            self._endings.is_open(caller.key_id) or not await self._endings.has_ended(caller.key_id)
        ):
            caller = await authenticate(self.services, scope)
            still = (
                self._second == second
            )  # else it was checked before a whole second that has passed meanwhile
            if (
                still
                and given is not None
                and bearer_token(given) is not None
                and len(self._callers) < CALLERS_MAX
            ):
                self._callers[given] = caller
        return caller, b""

    def permit(self, operation: Operation, caller: Caller | None) -> None:
        is_partner = caller is not None and caller.partner_id is not None
        if is_partner and operation.partners and operation.scope != "keys":
            operation = replace(operation, scope=PARTNER)
        if caller is not None and operation.scope is not None and not operation.partners:
            if is_partner and operation.credential != PARTNER:
                raise merchants_only(operation.path)
            if not is_partner and operation.credential == PARTNER:
                raise Problem(
                    "forbidden", "This call is for partners.", cure="Use a partner's key."
                )
        super().permit(operation, caller)

    async def read(
        self, method: Method, scope: Scope, receive: Receive, caller: Caller | None, content: bytes
    ) -> Call:
        """The body with the documented names of its fields."""
        world = self.services.world
        body, content = await _body(method, scope, receive)
        who = (caller.mid or caller.partner_id) if caller is not None else None
        if body and json_may_hold_number(content):
            await refuse_cards(world, body, method.names, _pascal, caller=who)
        key = header(scope, b"idempotency-key")
        if key is not None:
            await refuse_cards(
                world, {"idempotencyKey": key.decode("latin-1")}, None, _pascal, caller=who
            )
        query = _query(scope["query_string"])
        return Call(
            self.services,
            caller,
            body,
            scope.get("path_params", {}),
            query,
            scope["headers"],
            request_id(scope),
            answer_headers(scope),
            receive,
            state(scope),
            scope.get("client"),
        )

    def refusal(self, scope: Scope, problem: Problem) -> Refusal:
        return refusal(scope, problem)


def _query(text: bytes) -> QueryValues:
    """Raises: Problem(invalid)."""
    if not text:
        return QueryValues()
    try:
        query = QueryValues(parse_qsl(text.decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX))
    except ValueError:
        cure = f"Send at most {QUERY_FIELDS_MAX}."
        raise invalid("The query has too many parameters.", "Query", cure) from None
    if any("\0" in value for values in query.values() for value in values):
        raise invalid("The query has a NUL character.", "Query", "Leave it out.")
    return query


async def _body(method: Method, scope: Scope, receive: Receive) -> tuple[Any, bytes]:
    """The body with the documented names of its fields, and as it came."""
    if method.fold is None or method.operation.streams:
        return None, b""
    if method.operation.body_optional and not await _has_body(scope):
        return {}, b""
    value, content = await read_json(scope, receive, method.operation.chars_max)
    body = fold_keys(value, method.fold)
    if not isinstance(body, dict):
        raise Problem(
            "malformed",
            "The body must be a JSON object.",
            field="Body",
            cure="Put the fields in braces: {…}.",
        )
    if not method.operation.lenient:
        _refuse_unknown(body, method.fold)
    return body, content


def _refuse_unknown(body: dict[str, Any], fold: Folding) -> None:
    """Raises: Problem(invalid) naming each field."""
    complaints: dict[str, list[str]] = {}
    for name, alike in islice(unknown_names(body, fold), UNKNOWN_NAMED_MAX):
        meant = f" Did you mean {alike}?" if alike else ""
        complaints.setdefault(field_named(name), [f"There is no field {name!r}.{meant}"])
    if complaints:
        raise Problem("invalid", next(iter(complaints.values()))[0], fields=complaints)


def _pascal(path: str) -> str:
    """Name of a field in this dialect: `PaymentMethod.HolderName`; the innermost one whose name is
    a name."""
    names = list[str]()
    for part in path.split("."):
        name = "".join(word[:1].upper() + word[1:] for word in part.split("_"))
        if not _NAME.fullmatch(name):
            break
        names.append(name)
    return ".".join(names) or "Body"


async def _has_body(scope: Scope) -> bool:
    names = {k: v for k, v in scope["headers"]}
    return names.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in names
