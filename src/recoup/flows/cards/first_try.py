"""The first try of an order whose caller waits. It goes on when the caller goes away."""

import asyncio
import ipaddress
import unicodedata
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import structlog

from recoup.flows.cards.pick_route import ways_of
from recoup.flows.cards.send import Intent, carry_out, finish, first_of_new, intent_of, send_attempt
from recoup.flows.cards.taken import CardholderInput, EvaluateRequest
from recoup.flows.cards.tokenize import Vault
from recoup.flows.carriers import confirms_by
from recoup.flows.locked import Admission, Orders
from recoup.flows.models import KEEP_SECONDS
from recoup.flows.outlive import outliving
from recoup.flows.risk_versions import weights_of
from recoup.flows.world import World
from recoup.kernel.filled import filled
from recoup.kernel.ids import first_id_of
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.moves.change import Change
from recoup.rules.order.snapshot import Attempt, Order
from recoup.rules.rescue.arm_terms import place_of
from recoup.rules.risk.arms import RiskArm
from recoup.rules.risk.costs import usual_costs
from recoup.rules.risk.facts import Name, RiskFacts, Seen, avs_of, cvv_of, is_authenticated
from recoup.rules.risk.known import RiskKnown
from recoup.rules.risk.terms import RiskTerms, risk_arm
from recoup.rules.risk.weights import PRIOR
from recoup.store.coalesce import Coalescer
from recoup.store.insight.risk import Sighted, Sighting, note_sightings
from recoup.store.insight.risk_weights import weights_in_use
from recoup.store.orders.intake import NewOrder
from recoup.store.pool import retrying
from recoup.store.statement import Read

LOOK_SECONDS: Final = 0.4
NAME_CHARS_MAX: Final = 256
_ADDRESS: Final = ("addressLine1", "zipcode", "postalCode", "zip", "countryCode")
log = structlog.get_logger()


class Risks:
    """One a world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._weights, self._read_at = PRIOR, float("-inf")
        self._looks: Coalescer[Sighting, Sighted | None] = Coalescer(self._look)

    async def known(self, terms: RiskTerms, request: EvaluateRequest, row: NewOrder) -> RiskKnown | None:
        """Of an order that was admitted just now; None where the merchant wants no check, and where nothing could be
        read in time."""
        arm = self._arm(terms, row)
        if arm is None or not row.kind.startswith("cit"):
            return None
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = await self._looks.submit(self._sighting(request, row))
        except (TimeoutError, Problem) as error:
            log.warning("no risk check", order_id=str(row.order_id), error=type(error).__name__)
            return None
        if found is None:
            return None
        return RiskKnown(
            _facts(request, row, found),
            self._weights,
            usual_costs(row.asset, terms.margin),
            may_challenge=row.kind == "cit_web" and self._may_confirm(request, row),
            arm=arm,
            settings=terms.version or None,
            fraud_rate=self._fraud_rate(row.merchant_id),
        )

    def _may_confirm(self, request: EvaluateRequest, row: NewOrder) -> bool:
        stored_at = request.method.route if request.method is not None else None
        return confirms_by(self._world, row.merchant_id, stored_at) != "never"

    def _fraud_rate(self, merchant_id: UUID) -> int | None:
        """The largest of the routes that the payment may go by; None where one of them says none."""
        world = self._world
        rates = [one.fraud_rate for one in world.routes.terms(world.processors, merchant_id)]
        known = [rate for rate in rates if rate is not None]
        return max(known) if known and len(known) == len(rates) else None

    def _arm(self, terms: RiskTerms, row: NewOrder) -> RiskArm | None:
        who = row.payer_id or row.token_id or row.order_id
        return risk_arm(terms, place_of(self._world.keys.mac("risk-arm", row.merchant_id.bytes + who.bytes)))

    def _sighting(self, request: EvaluateRequest, row: NewOrder) -> Sighting:
        payer, merchant = request.payer, row.merchant_id.bytes
        texts: Mapping[Name, str] = {
            "device": str(request.sense_key or "").strip()[:NAME_CHARS_MAX],
            "address": address_counted(payer.billing),
            "ip": ip_counted(payer.ip),
        }
        keys = self._world.keys
        names: dict[Name, UUID] = {
            name: keys.derived_id(f"risk-{name}", merchant, text) for name, text in texts.items() if text
        }
        if row.payer_id is not None:
            names["payer"] = row.payer_id
        return filled(
            Sighting,
            row,
            subject=keys.derived_id("risk-order", merchant, row.external_id),
            at=row.recorded_at,
            names=names,
        )

    async def _look(self, rows: Sequence[Sighting]) -> list[Sighted | None]:
        async def once() -> dict[UUID, Sighted]:
            async with self._world.db.connection() as connection:
                await self._read_weights(connection)
                return await note_sightings(connection, rows)

        found = await retrying(once)
        return [found.get(row.order_id) for row in rows]

    async def _read_weights(self, connection: Read) -> None:
        """Once in `KEEP_SECONDS`: a new version decides in every process within seconds."""
        now = self._world.clocks.monotonic()
        if now - self._read_at >= KEEP_SECONDS:
            self._weights = weights_of(await weights_in_use(connection))
            self._read_at = now


def ip_counted(text: str) -> str:
    """The address as it is counted: of IPv6 the network that one household or server has. Nothing of what is none."""
    try:
        address = ipaddress.ip_address(text.strip()[:64])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(address), 64), strict=False))
    return str(address)


def address_counted(billing: Mapping[str, Any] | None) -> str:
    """Letters and digits of street, postal code and country; nothing without a street."""
    if not billing or not billing.get("addressLine1"):
        return ""
    parts = [str(billing.get(name) or "")[:NAME_CHARS_MAX] for name in _ADDRESS]
    plain = unicodedata.normalize("NFKC", "|".join(parts)).casefold()
    kept = "".join(one for one in plain if one.isalnum() or one == "|")
    return kept[: 2 * NAME_CHARS_MAX] if kept.strip("|") else ""


def _facts(request: EvaluateRequest, row: NewOrder, found: Sighted) -> RiskFacts:
    billing, shipping = _country(request.payer.billing), _country(request.payer.shipping)
    issued = (request.method.country or "").strip().upper() if request.method else ""
    return RiskFacts(
        units=row.units,
        currency=row.asset,
        usual_units=found.usual,
        seen={name: Seen(**one) for name, one in found.seen.items()},
        avs=avs_of(request.avs),
        cvv=cvv_of(request.cvv_result),
        shipped_abroad=bool(billing and shipping and billing != shipping),
        foreign_card=bool(billing and issued and billing != issued),
        code_given=bool(request.cvv) or request.token_id is not None or request.method is not None,
        authenticated=is_authenticated(row.facts.get("three_d_secure")),
        paid_before=found.paid,
        processor_risk=found.risk or "unknown",
    )


def _country(address: Mapping[str, Any] | None) -> str:
    return str((address or {}).get("countryCode") or "").strip().upper()[:2]


CROWD_SECONDS_EACH = 0.006
CROWD_SECONDS_MAX = 0.6


class Tried(NamedTuple):
    """`order`: as the try left it, where that is known. `without_code`: it went without a security code that could have
    come along: the customer's card is a token, and its code was never given or is used up."""

    order: Order | None = None
    without_code: bool = False


class FirstTries:
    """Those under way. One a flow and process."""

    def __init__(self, world: World, orders: Orders, vault: Vault) -> None:
        self._world, self._orders, self._vault = world, orders, vault
        self._out: set[asyncio.Task[Tried]] = set()
        self._risks = Risks(world)

    def crowd(self) -> float:
        """Seconds earlier to decide, for those that are tried side by side will all have to be answered at once."""
        return min(CROWD_SECONDS_MAX, CROWD_SECONDS_EACH * len(self._out))

    async def admitted(self, scope: Scope, row: NewOrder, recent: timedelta) -> asyncio.Task[Tried] | bool:
        """The try of a sync MIT that is admitted with it, in one transaction; False for an order that is not new.

        Raises: Problem(unavailable).
        """
        known: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        work = self._begin(self._admit_and_try(scope, row, recent, known))
        return work if await known else False

    def with_customer(
        self, scope: Scope, request: EvaluateRequest, row: NewOrder, terms: RiskTerms
    ) -> asyncio.Task[Tried]:
        """The try of an order that stands, made while the customer waits. `terms`: of the risk check before it."""
        return self._begin(self._try_with_customer(scope, request, row, terms))

    def _begin(self, work: Coroutine[Any, Any, Tried]) -> asyncio.Task[Tried]:
        task = outliving(work)
        self._out.add(task)
        task.add_done_callback(self._out.discard)
        return task

    async def _admit_and_try(
        self, scope: Scope, row: NewOrder, recent: timedelta, known: asyncio.Future[bool]
    ) -> Tried:
        """`known`: whether it was admitted now; its caller may be gone."""
        admission = Admission(row, first_id_of(self._world.clocks.wall() - recent))
        try:
            taken = await first_of_new(
                self._world, self._orders, admission, actor=scope.actor, request_id=scope.request_id
            )
        except Exception as error:  # noqa: BLE001 - whatever it was, it is the caller's
            if not known.done():
                known.set_exception(error)
            return Tried()
        if not known.done():
            known.set_result(taken is not None)
        if taken is None or taken.answer is None:
            return Tried()
        if isinstance(taken.answer, Problem):
            raise taken.answer
        return Tried(
            await finish(self._world, self._orders, taken.answer, actor=scope.actor, request_id=scope.request_id)
        )

    async def _try_with_customer(
        self, scope: Scope, request: EvaluateRequest, row: NewOrder, terms: RiskTerms
    ) -> Tried:
        assert row.token_id is not None
        key = (scope.merchant_id, row.order_id)
        code = request.cvv
        if not code and request.method is None:
            code = await self._vault.code(scope.merchant_id, row.token_id)
        at_hand = CardholderInput(request.payer.phone, code)
        intent = _with_risk(self._world, await self._risks.known(terms, request, row))
        state = await carry_out(
            self._world, self._orders, key, intent, actor=scope.actor, request_id=scope.request_id, at_hand=at_hand
        )
        if state == "not_sent" and ways_of(self._world, scope.merchant_id) > 1:
            await send_attempt(
                self._world, self._orders, key, actor=scope.actor, request_id=scope.request_id, at_hand=at_hand
            )
        return Tried(without_code=row.kind == "cit_web" and request.token_id is not None and not code)


def _with_risk(world: World, risk: RiskKnown | None) -> Intent:
    """The first try of an order that is decided in the same transaction, with what is known of its risk."""
    plain = intent_of(world, pick_up=True, with_customer=True)

    def intent(change: Change) -> tuple[Order, Attempt] | None:
        change.risk = risk
        return plain(change)

    return intent
