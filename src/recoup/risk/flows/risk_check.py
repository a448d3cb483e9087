"""The risk check of a payment whose customer waits: what it is decided by, and what follows."""

import asyncio
import ipaddress
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from recoup.db.coalesce import Coalescer
from recoup.db.pool import retrying
from recoup.db.statement import Read
from recoup.kernel.filled import filled
from recoup.kernel.problem import Problem
from recoup.kit.world import World
from recoup.networks.codes import Reading
from recoup.orders.moves.change import Change
from recoup.orders.store.intake import NewOrder
from recoup.rescue.flows.carriers import confirms_by
from recoup.rescue.flows.models import KEEP_SECONDS
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.moves import challenge as challenges
from recoup.rescue.moves.start import Check
from recoup.risk.flows.risk_versions import weights_of
from recoup.risk.rules.decide import decide_risk, exemption_of
from recoup.risk.rules.facts import Name, RiskFacts, Seen, avs_of, cvv_of, is_authenticated
from recoup.risk.rules.known import RiskKnown
from recoup.risk.rules.weights import PRIOR
from recoup.risk.store.risk import Sighted, Sighting, note_sightings
from recoup.risk.store.risk_weights import weights_in_use
from recoup.terms.rules.arm_terms import place_of
from recoup.terms.rules.arms import RiskArm
from recoup.terms.rules.costs import usual_costs
from recoup.terms.rules.terms import RiskTerms, risk_arm

LOOK_SECONDS: Final = 0.4
NAME_CHARS_MAX: Final = 256
_ADDRESS: Final = ("addressLine1", "zipcode", "postalCode", "zip", "countryCode")
log = structlog.get_logger()


class Risks:
    """Risk checks, one object a world and process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._weights, self._read_at = PRIOR, float("-inf")
        self._looks: Coalescer[Sighting, Sighted | None] = Coalescer(self._look)

    async def check(
        self,
        terms: RiskTerms,
        request: EvaluateRequest,
        row: NewOrder,
    ) -> Check | None:
        """The check of an order that was admitted just now; None where the merchant wants no check,
        and where nothing could be read in time."""
        known = await self._known(terms, request, row)
        return partial(check_risk, known) if known is not None else None

    async def _known(
        self,
        terms: RiskTerms,
        request: EvaluateRequest,
        row: NewOrder,
    ) -> RiskKnown | None:
        arm = self._arm(terms, row)
        if arm is None or not row.kind.startswith("cit"):
            return None
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                sighted = await self._looks.submit(self._sighting(request, row))
        except (TimeoutError, Problem) as error:
            log.warning("no risk check", order_id=str(row.order_id), error=type(error).__name__)
            return None
        if sighted is None:
            return None
        return RiskKnown(
            _facts(request, row, sighted),
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
        """The largest of the routes that the payment may go by; None where one of them says
        none."""
        world = self._world
        rates = [term.fraud_rate for term in world.routes.terms(world.processors, merchant_id)]
        known = [rate for rate in rates if rate is not None]
        return max(known) if known and len(known) == len(rates) else None

    def _arm(self, terms: RiskTerms, row: NewOrder) -> RiskArm | None:
        who = row.payer_id or row.token_id or row.order_id
        return risk_arm(
            terms, place_of(self._world.keys.mac("risk-arm", row.merchant_id.bytes + who.bytes))
        )

    def _sighting(self, request: EvaluateRequest, row: NewOrder) -> Sighting:
        payer, merchant = request.payer, row.merchant_id.bytes
        texts: Mapping[Name, str] = {
            "device": str(request.sense_key or "").strip()[:NAME_CHARS_MAX],
            "address": address_counted(payer.billing),
            "ip": ip_counted(payer.ip),
        }
        keys = self._world.keys
        names: dict[Name, UUID] = {
            name: keys.derived_id(f"risk-{name}", merchant, text)
            for name, text in texts.items()
            if text
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

        sighted = await retrying(once)
        return [sighted.get(row.order_id) for row in rows]

    async def _read_weights(self, connection: Read) -> None:
        """Reads the weights once in `KEEP_SECONDS`: a new version decides in every process within
        seconds."""
        now = self._world.clocks.monotonic()
        if now - self._read_at >= KEEP_SECONDS:
            self._weights = weights_of(await weights_in_use(connection))
            self._read_at = now


def ip_counted(text: str) -> str:
    """The address as it is counted: of IPv6 the network that one household or server has. Nothing
    of what is none."""
    try:
        address = ipaddress.ip_address(text.strip()[:64])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return (
            str(mapped) if mapped else str(ipaddress.ip_network((int(address), 64), strict=False))
        )
    return str(address)


def address_counted(billing: Mapping[str, Any] | None) -> str:
    """Letters and digits of street, postal code and country; nothing without a street."""
    if not billing or not billing.get("addressLine1"):
        return ""
    parts = [str(billing.get(name) or "")[:NAME_CHARS_MAX] for name in _ADDRESS]
    plain = unicodedata.normalize("NFKC", "|".join(parts)).casefold()
    kept = "".join(character for character in plain if character.isalnum() or character == "|")
    return kept[: 2 * NAME_CHARS_MAX] if kept.strip("|") else ""


def _facts(request: EvaluateRequest, row: NewOrder, sighted: Sighted) -> RiskFacts:
    billing, shipping = _country(request.payer.billing), _country(request.payer.shipping)
    issued = (request.method.country or "").strip().upper() if request.method else ""
    return RiskFacts(
        units=row.units,
        currency=row.asset,
        usual_units=sighted.usual,
        seen={name: Seen(**counts) for name, counts in sighted.seen.items()},
        avs=avs_of(request.avs),
        cvv=cvv_of(request.cvv_result),
        shipped_abroad=bool(billing and shipping and billing != shipping),
        foreign_card=bool(billing and issued and billing != issued),
        code_given=bool(request.cvv) or request.token_id is not None or request.method is not None,
        authenticated=is_authenticated(row.facts.get("three_d_secure")),
        paid_before=sighted.paid,
        processor_risk=sighted.risk or "unknown",
    )


def _country(address: Mapping[str, Any] | None) -> str:
    return str((address or {}).get("countryCode") or "").strip().upper()[:2]


def check_risk(known: RiskKnown, change: Change, reading: Reading) -> tuple[UUID | None, bool]:
    """Checks the risk as a `Check`: the customer is asked to confirm, or the order is declined;
    neither where the check only watches."""
    if not change.order.by_customer:
        return None, False
    try:
        if (
            known.may_challenge and not change.order.may_confirm()
        ):  # no route that carries this very payment
            known = replace(known, may_challenge=False)
        given = known.after(
            reading.reason, change.order.region(), change.now.date(), change.order.issuer_country
        )
        decision = decide_risk(given)
    except (
        ArithmeticError,
        LookupError,
        ValueError,
    ):  # numbers that somebody learned: the payment goes on
        return None, False
    decision_id = change.decide(decision, given.features())
    change.order.exemption = exemption_of(given)
    if not given.is_followed or decision.verdict == "attempt_now":
        return decision_id, False
    reasons = list(decision.reasons)
    if decision.verdict == "challenge":
        challenges.present(change, reading, decision_id, reasons, asks="confirm")
    else:
        change.step(
            "declined", decision_id=decision_id, why=reasons[0], reasons=reasons, cause="risk"
        )
    return decision_id, True
