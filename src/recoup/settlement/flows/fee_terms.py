"""The operator sets what it keeps of a merchant's orders. What was set before stays as history."""

from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.audit import moves as audit
from recoup.kernel.filled import filled
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import no_such_merchant
from recoup.merchants.store.merchants import load_merchant
from recoup.merchants.store.sites import raise_version
from recoup.settlement.store.fee_terms import Noted, add_fee_term
from recoup.terms.rules.fees import FeeTerm, Tariff, check_term
from recoup.terms.store.fee_rows import stored_fee_term


@frozen
class FeeTermRequest:
    """`valid_from` None: now. `ended`: the scope has no term of its own any more."""

    tariff: Tariff
    site_id: UUID | None = None
    order_type: str | None = None
    currency: str | None = None
    valid_from: datetime | None = None
    ended: bool = False
    note: str = ""


async def set_fee_term(world: World, scope: Scope, request: FeeTermRequest) -> FeeTerm:
    """Raises: Problem(not_found) for the merchant or site; Problem(invalid) naming the field, also
    for a past date."""
    async with world.db.transaction() as tx:
        await raise_version(tx, scope.merchant_id)
        known = await load_merchant(tx, scope.merchant_id)
        if known is None:
            raise no_such_merchant()
        if request.site_id is not None and request.site_id not in {
            site.site_id for site in known.sites
        }:
            raise Problem("not_found", "The merchant has no such site.", cure="See GET /v1/sites.")
        wall = world.clocks.wall()
        now = known.merchant.business(wall)
        term_id = new_id()
        term = filled(
            FeeTerm,
            request,
            term_id=term_id,
            valid_from=request.valid_from or now,
            tariff=request.tariff._replace(term_id=term_id),
        )
        check_term(term, now)
        noted = Noted(scope.merchant_id, scope.actor.text(), request.note, wall, now)
        await add_fee_term(tx, noted, stored_fee_term(term))
        await audit.note(tx, scope, wall, "fees.set", term_id, _log_details(term))
    return term


def _log_details(term: FeeTerm) -> dict[str, Any]:
    """Details of a fee term for the audit log."""
    named = {"site": term.site_id, "type": term.order_type, "currency": term.currency}
    of = {name: str(value or "every") for name, value in named.items()}
    tariff = (
        {"ended": True}
        if term.ended
        else {
            "basis_points": term.tariff.basis_points,
            "fixed_units": term.tariff.fixed_units,
            "minimum_units": term.tariff.minimum_units,
        }
    )
    return of | tariff | {"valid_from": iso(term.valid_from)}
