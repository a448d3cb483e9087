"""Terms of a merchant for collecting a declined payment in parts: shown, changed, and asked for an
order."""

from dataclasses import asdict, replace
from typing import Any
from uuid import UUID

from recoup.audit.moves import note
from recoup.audit.rules import changes
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.merchants.store.sites import lock_merchant
from recoup.networks.codes import Reading
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.snapshot import Attempt, Order
from recoup.parts.rules import (
    OFF,
    PARTIAL_SCHEMES,
    PARTS_1,
    PartInput,
    PartTerms,
    changed,
    is_part,
    least_part,
    part_in,
)
from recoup.parts.store import OF_MERCHANT, StoredPartTerms, read_part_terms, write_part_terms
from recoup.policies.rules.policy import CURRENT
from recoup.rescue.rules.decide import decide
from recoup.rescue.rules.evidence import Tried
from recoup.rescue.rules.order_evidence import evidence_of, lack_of_money, sent_attempts


async def part_terms(world: World, merchant_id: UUID) -> StoredPartTerms | None:
    """The merchant's terms; None where nobody has ever set any: it is off."""
    return await read_part_terms(world.db, merchant_id)


async def set_part_terms(world: World, scope: Scope, values: dict[str, Any]) -> PartTerms:
    """Sets terms for decisions from now on; what becomes of parts that are collected holds for all
    orders that are open. `values`: what changes, by the names of `PartTerms`. Answers all of them.
    Raises: Problem not_found, invalid."""
    wall = world.clocks.wall()
    async with world.db.transaction() as tx:
        await known_offset(tx, scope.merchant_id)
        await lock_merchant(tx, scope.merchant_id)
        stored = await read_part_terms(tx, scope.merchant_id)
        before = stored.terms if stored is not None else OFF
        after = changed(before, values)
        if after != before or stored is None:
            await write_part_terms(tx, scope.merchant_id, scope.actor.text(), wall, after)
        if differing := changes(asdict(before), asdict(after)):
            await note(tx, scope, wall, "order.parts", "", differing)
    return after


def parts_of(order: Order) -> PartInput | None:
    """The input by which a part is decided, where the merchant allows one: of a managed MIT that is
    charged at once, that no billing of a processor charges too, and whose money the merchant does
    not have already."""
    terms, billed = (
        order.facet(OF_MERCHANT),
        order.facts.get("invoice") or order.facts.get("invoice_key"),
    )
    if not terms.enabled or order.kind != "mit_managed" or order.manual_capture or billed:
        return None
    if order.do_not_retry or order.advance is not None or order.own_tries:
        return None
    sent = sent_attempts(order)
    last = sent[-1] if sent else None
    return PartInput(
        PARTS_1.version,
        order.owed_units,
        terms.least_share,
        terms.count_max,
        tried=sum(is_part(order, attempt) for attempt in sent),
        whole_declined=last is not None and last.state == "declined" and not is_part(order, last),
        keeps=terms.at_expiry == "keep",
    )


def units_of(order: Order, decision: Decision, reading: Reading) -> int | None:
    """The units of the decision's next try, by its rule `part`."""
    part = part_in(decision, parts_of(order), reading.code, order.units, order.asset)
    return part.units if part is not None else None


def part_from(order: Order, attempt: Attempt, now: BusinessTime) -> int | None:
    """The least units that are taken of an attempt whose issuer has only a part of it; None where a
    part is not wanted. American Express forbids it for recurring payments, and other networks'
    rules are not public."""
    terms, parts = order.facet(OF_MERCHANT), parts_of(order)
    scheme = order.card.scheme if order.card is not None else ""
    if parts is None or parts.tried >= parts.count_max or attempt.initiator != "merchant":
        return None
    if (
        scheme not in PARTIAL_SCHEMES
        or not parts.keeps
        and not _may_bring_the_rest(order, attempt, now)
    ):
        return None
    least = least_part(order.units, terms.least_share)
    return least if least < attempt.units else None


def _may_bring_the_rest(order: Order, attempt: Attempt, now: BusinessTime) -> bool:
    """True when the schedule, within the merchant's policies, would attempt again after the
    part."""
    evidence = evidence_of(order, lack_of_money(order, attempt), now)
    after = replace(evidence, attempts=(*evidence.attempts, Tried(attempt.ladder, now)))
    return decide(after, CURRENT, order.retry.policies).verdict == "plan"


def keeps(order: Order) -> bool:
    """True when its merchant keeps what was collected when the rest never comes."""
    return order.facet(OF_MERCHANT).at_expiry == "keep"
