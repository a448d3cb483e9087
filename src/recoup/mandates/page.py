"""Mandates that customers have revoked at the bank, newest first, and whether a new one was given
since."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.kernel.problem import Sentence, joined
from recoup.mandates.rules import SAID, MandateChange, covers, stopped_by
from recoup.mandates.store import OF_CARD, ListedMandate, list_mandates, mandates_of_payer
from recoup.mandates.words import ENDS
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.feature_parts import Panel, PortalPart
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit
from recoup.people.page.timeline_entry import LogContext, TimelineEntry, plain
from recoup.processors.rules.agreement import Agreement, agreement_of

SIZE: Final = 50
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@member.page(
    "/mandates", "mandates/mandates.html", menu=Entry("Queues", 5, "Revoked mandates", "cancelled")
)
async def mandates(visit: Visit) -> Values:
    before, before_id = _behind(visit.request.query_params.get("before", ""))
    rows = await list_mandates(
        visit.world.db.reader, visit.merchant_id, before, before_id, SIZE + 1
    )
    last = rows[SIZE - 1] if len(rows) > SIZE else None
    return dict(
        rows=[shown(row) for row in rows[:SIZE]],
        more=f"{last.at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{last.change_id}"
        if last
        else None,
        paged=before != _LAST,
    )


def shown(row: ListedMandate) -> Values:
    """`renewed_at`: of the first new mandate for the agreement; of several agreements for any of
    them."""
    revoked = MandateChange(
        row.change_id, "revoked", row.at, row.order_id, row.scope, row.code, row.subscription
    )
    renewals = [change for change in row.changes if change.kind == "renewed" and change.holds]
    agreement = Agreement(None if row.scope == "all" else row.subscription)
    since = [renewal.at for renewal in renewals if covers(renewal, revoked, agreement)]
    return dict(row=row, word=SAID[row.scope], renewed_at=min(since, default=None))


def _behind(text: str) -> tuple[datetime, UUID]:
    """Reads a place in the list; what makes no sense is the beginning."""
    moment, _, change = text.partition("_")
    change_id = parse_id(change)
    try:
        at = datetime.fromisoformat(moment) if change_id is not None else _LAST
    except ValueError:
        at = _LAST
    if change_id is None or at.tzinfo is None or not 1970 < at.year < _LAST.year - 1:
        return _LAST, HIGHEST
    return at, change_id


def _of_order(page: OrderPage) -> dict[str, Any] | None:
    """Mandate that stops the order's payments."""
    known = OF_CARD.of(page.facets) if page.order.kind.startswith("mit") else ()
    revoked = stopped_by(agreement_of(page.order.facts), known, page.order.order_id)
    return dict(revoked=revoked, revoked_words=SAID) if revoked is not None else None


async def _of_customer(db: Read, merchant_id: UUID, payer_id: UUID) -> dict[str, Any] | None:
    """Mandates of the customer's cards."""
    rows = await mandates_of_payer(db, merchant_id, payer_id)
    return dict(mandates=[shown(row) for row in rows]) if rows else None


def _mandate_revoked(context: LogContext) -> TimelineEntry:
    code, agreement = Sentence("Code {0}.", context.get("code")), context.get("subscription")
    named = (
        Sentence("Agreement {0}.", agreement) if agreement else "The payment named no agreement."
    )
    what = SAID.get(context.get("scope"), SAID["agreement"])
    then = ENDS["payment" if context.get("scope") == "payment" else "agreement"]
    return TimelineEntry(
        "Mandate revoked", joined((what, code, named, then)), "cancelled", "bad", "other"
    )


PORTAL: Final = PortalPart(
    order=Panel("mandates/order.html", _of_order),
    customer=Panel("mandates/customer.html", _of_customer),
    timeline={
        "mandate_revoked": _mandate_revoked,
        "mandate_renewed": plain(
            "A new mandate",
            "The customer made a payment with this card: what was revoked before is open again.",
            "check",
            "ok",
        ),
    },
)
