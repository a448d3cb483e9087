"""What this API does its own way: signatures over the bytes of a body, which may always be left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from recoup.doors.edge import resource as kit
from recoup.doors.edge.asgi import Receive, Refusal, Scope, answer_headers, header, state
from recoup.doors.edge.json_body import check_content_type, decode_json, read_body
from recoup.doors.edge.limits import Limits
from recoup.doors.edge.rate import Buckets
from recoup.doors.edge.tracing import request_id
from recoup.doors.stablecoin.errors import refusal
from recoup.doors.stablecoin.fields import read_query
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.merchants.quotas import Quotas
from recoup.flows.no_cards import refuse_cards
from recoup.flows.stable.callers import Caller, Callers, Signed
from recoup.flows.stable.charge import Charges
from recoup.flows.world import World
from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import Problem
from recoup.kernel.unseen import check_seen
from recoup.rules.network.card_text import json_may_hold_number
from recoup.store.orders.order_totals import Totals


@dataclass(frozen=True, slots=True)
class Services:
    """`url`: where payers reach the checkout, without a slash at the end."""

    world: World
    orders: Orders
    merchants: Merchants
    callers: Callers
    charges: Charges
    buckets: Buckets
    url: str
    limits: Limits
    totals: Totals = field(default_factory=Totals)


def make_services(
    world: World,
    orders: Orders,
    url: str,
    rate_per_second: int = 2_000,
    merchants: Merchants | None = None,
    *,
    reads_once: bool = True,
    limits: Limits | None = None,
) -> Services:
    merchants = merchants or Merchants(world)
    return Services(
        world,
        orders,
        merchants,
        Callers(world, reads_once=reads_once),
        Charges(world, merchants),
        Buckets(per_second=rate_per_second, burst=5 * rate_per_second),
        url,
        limits or Limits(Quotas(world).of),
    )


class Call(kit.Call[Services, Caller, Mapping[str, str]]):
    """A call that was let in."""

    __slots__ = ()

    def object_id(self, prefix: str) -> UUID:
        """Raises: Problem(not_found): an id that cannot be one is an id that nothing has."""
        found = parse_wire_id(prefix, self.path["id"])
        if found is None:
            raise missing()
        return found


Method = kit.Method[Call]


def missing() -> Problem:
    """The same for what does not exist and for what is another merchant's."""
    return Problem("not_found", "There is nothing with this id.", cure="Check the id.")


class Dialect(kit.Dialect[Services, Caller, Call]):
    left_to_edge = frozenset({"too_large"})  # its body is read before anything is known: the edge drains it

    async def authenticate(self, scope: Scope, receive: Receive) -> tuple[Caller, bytes]:
        content = await read_body(receive)
        return await self.services.callers.verify(_signed(scope, content)), content

    def permit(self, method: Method, caller: Caller) -> None:
        """Every key allows everything."""

    async def read(self, method: Method, scope: Scope, receive: Receive, caller: Caller | None, content: bytes) -> Call:
        assert caller is not None  # no path of this API is open
        body = None
        if scope["method"] != "GET":
            check_content_type(header(scope, b"content-type"))
            body = decode_json(content) if content else {}
        key = _idempotency_key(scope)
        if json_may_hold_number(b"%b,%b" % (content, (key or "").encode("latin-1"))):
            sent = {"Idempotency-Key": key, **body} if isinstance(body, dict) else [key, body]
            await refuse_cards(self.services.world, sent, caller=caller.merchant_id)
        return Call(
            self.services,
            caller,
            body,
            scope.get("path_params", {}),
            read_query(scope["query_string"]),
            scope["headers"],
            request_id(scope),
            answer_headers(scope),
            receive,
            state(scope),
            scope.get("client"),
            key,
        )

    def refusal(self, scope: Scope, problem: Problem) -> Refusal:
        return refusal(scope, problem)

    def other_method(self, allowed: Sequence[str]) -> str:
        return "Use one of these."


def _signed(scope: Scope, content: bytes) -> Signed:
    def text(name: bytes) -> str:
        return (header(scope, name) or b"").decode("latin-1")

    path: bytes = scope.get("sent_path") or scope.get("raw_path") or scope["path"].encode()
    return Signed(
        text(b"x-api-key"),
        text(b"x-timestamp"),
        text(b"x-signature"),
        scope["method"],
        path,
        scope["query_string"],
        content,
    )


def _idempotency_key(scope: Scope) -> str | None:
    """Raises: Problem(invalid)."""
    key = (header(scope, b"idempotency-key") or b"").decode("latin-1").strip()
    if len(key) > 128 or "\0" in key:
        raise Problem("invalid", "The Idempotency-Key has more than 128 characters.", field="Idempotency-Key")
    check_seen(key, "Idempotency-Key")
    return key or None
