"""Refunds that wait for a second person, as the desk of approvals and the order's page show
them."""

from collections.abc import Mapping

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kit.personal import SHOWN
from recoup.orders.rules.refund_limits import NONE, Limits, check_one, is_theirs
from recoup.orders.store.order_page_rows import PageRequest
from recoup.people.page.feature_parts import refunds_to
from recoup.people.page.portal_visit import Visit, named
from recoup.refunds.store.refund_limits import WaitingRequest, list_limits, waiting_requests


@frozen
class Waiting:
    """A refund that waits for approval. `not_now`: why this person cannot agree to it, empty when
    they can; `mine`: it is their own request; `to`: the wallet that it goes to, empty where it goes
    back to a card."""

    row: WaitingRequest | PageRequest
    requested_by: str
    mine: bool
    not_now: str
    to: str


async def waiting_rows(visit: Visit) -> list[Waiting]:
    """Oldest first."""
    rows = await waiting_requests(
        visit.world.db.reader, visit.merchant_id, clear=visit.pii_access == SHOWN
    )
    limits = await list_limits(visit.world.db.reader, visit.merchant_id)
    names = await named(visit, [row.requested_by for row in rows])
    wallets = await refunds_to(
        visit.world.db.reader, visit.merchant_id, [row.order_id for row in rows]
    )
    return [
        Waiting(
            row,
            names[row.requested_by],
            is_theirs(row.requested_by, visit.scope.actor.text()),
            not_now(visit, row.requested_by, row.units, row.asset, limits),
            wallets.get(row.request_id, ""),
        )
        for row in rows
    ]


def not_now(
    visit: Visit,
    requested_by: str,
    units: int,
    asset: str,
    limits: Mapping[tuple[str, str], Limits],
) -> str:
    """Reason this person cannot agree to it; empty when they can."""
    if is_theirs(requested_by, visit.scope.actor.text()):
        return "You requested it: somebody else has to approve."
    if not visit.session.may("approve") or visit.session.merchant is None:
        return "Your role may not approve refunds."
    try:
        check_one(limits.get((visit.session.merchant.role, asset), NONE), units, asset)
    except Problem as problem:
        return problem.message
    return ""
