"""Ways of this API that are its own: signatures over the bytes of a body, which may always be left
out."""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.cards.flows.no_cards import refuse_cards
from recoup.db.coalesce import Together
from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_wire_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.unseen import check_seen
from recoup.keys.api import resource as kit
from recoup.keys.flows.quotas import Quotas
from recoup.kit.edge.asgi import Headers, Receive, Refusal, Scope, answer_headers, header, state
from recoup.kit.edge.json_body import check_content_type, decode_json, read_body
from recoup.kit.edge.limits import Limits
from recoup.kit.edge.rate import Buckets
from recoup.kit.edge.tracing import request_id
from recoup.kit.languages.catalogues import accepted_language, catalogue
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.card_text import json_may_hold_number
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.store.order_totals import Totals
from recoup.rescue.flows.locked import Orders
from recoup.stablecoin.api.fields import read_query
from recoup.stablecoin.flows.callers import Caller, Callers, Signed
from recoup.stablecoin.flows.charge import Charges
from recoup.stablecoin.rules.words import order_status
from recoup.stablecoin.store.stable_orders import PlacedOrder, stable_orders


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
    "invalid/refund_destination_required": Code(400, "refund_destination_required"),
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
    "AmountToRefund": "amount", "Currency": "currency", "IdempotencyKey": "Idempotency-Key",
    "Url": "url", "Events": "events", "Body": "",
}  # fmt: skip
_JSON: Final = (b"content-type", b"application/json; charset=utf-8")


def code_of(problem: Problem) -> Code:
    detail = problem.facts.get("detail")
    row = TABLE.get(f"{problem.code}/{detail}") or TABLE[problem.code]
    return (
        TABLE["invalid/invalid_amount"]
        if row.code == "invalid_request" and _param(problem) == "amount"
        else row
    )


def refusal(scope: Scope, problem: Problem) -> Refusal:
    """The whole answer to a Problem."""
    code = code_of(problem)
    language = accepted_language((header(scope, b"accept-language") or b"").decode("latin-1"))
    message = catalogue(language).errors.get(code.code) or _sentence(problem)
    error: dict[str, Any] = {"code": code.code, "message": message}
    param = _param(problem)
    if param:
        error["param"] = param
    error |= problem.facts.get("details", {})
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
    """Sentence of a problem, with this dialect's word for where the order stands."""
    field, stage = problem.field or "", problem.facts.get("stage")
    sentence = problem.sentence(
        stage=order_status(Stage(stage), 1, 0) if stage is not None else None
    )
    sentence = sentence.replace(field, _PARAMS[field]) if _PARAMS.get(field) else sentence
    return " ".join([sentence, *problem.facts.get("misspelt", {}).values()])


@frozen
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
    reads: Together[PlacedOrder]
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
        Buckets(per_second=rate_per_second, burst=5 * rate_per_second, name="stablecoin "),
        url,
        limits or Limits(Quotas(world).of),
        Together(world.db.reader, stable_orders),
    )


class Call(kit.Call[Services, Caller, Mapping[str, str]]):
    """A call that was let in."""

    __slots__ = ()

    def object_id(self, prefix: str) -> UUID:
        """Raises: Problem(not_found): an id that cannot be one is an id that nothing has."""
        object_id = parse_wire_id(prefix, self.path["id"])
        if object_id is None:
            raise missing()
        return object_id


Api = kit.Api[Call]


def signed_api(group: str, scope: str) -> Api:
    """Operations that a merchant's signature calls, with a key of that scope."""
    return Api(group=group, credential="signature", scope=scope, lenient=True)


Method = kit.Method[Call]


def missing() -> Problem:
    """The same for what does not exist and for what is another merchant's."""
    return Problem("not_found", "There is nothing with this id.", "Check the id.")


class Dialect(kit.Dialect[Services, Caller, Call]):
    left_to_edge = frozenset(
        {"too_large"}
    )  # its body is read before anything is known: the edge drains it

    async def authenticate(self, scope: Scope, receive: Receive) -> tuple[Caller, bytes]:
        content = await read_body(receive)
        return await self.services.callers.verify(_signed(scope, content)), content

    async def read(
        self, method: Method, scope: Scope, receive: Receive, caller: Caller | None, content: bytes
    ) -> Call:
        assert caller  # no path of this API is open
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
        raise invalid("The Idempotency-Key has more than 128 characters.", "Idempotency-Key")
    check_seen(key, "Idempotency-Key")
    return key or None
