"""Mandates that customers have revoked at the bank, newest first, and whether a new one was given
since."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from recoup.db.statement import Read
from recoup.kernel.filled import filled
from recoup.kernel.ids import HIGHEST
from recoup.kernel.problem import Sentence, joined
from recoup.kit.lists.paging import cut, parse_place
from recoup.mandates.rules import SAID, MandateChange, covers, stopped_by
from recoup.mandates.store import OF_CARD, ListedMandate, list_mandates, mandates_of_payer
from recoup.mandates.words import ENDS
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.feature_parts import Panel, PortalPart
from recoup.people.page.form_shape import As
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
async def mandates(
    visit: Visit, *, before: Annotated[tuple[datetime, UUID], As(parse_place)] = (_LAST, HIGHEST)
) -> Values:
    rows, last = cut(
        await list_mandates(visit.world.db.reader, visit.merchant_id, *before, SIZE + 1), SIZE
    )
    return dict(
        rows=[shown(row) for row in rows],
        more=f"{last.at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{last.change_id}"
        if last
        else None,
        paged=before[0] != _LAST,
    )


def shown(row: ListedMandate) -> Values:
    """`renewed_at`: of the first new mandate for the agreement; of several agreements for any of
    them."""
    revoked = filled(MandateChange, row, kind="revoked")
    renewals = [change for change in row.changes if change.kind == "renewed" and change.holds]
    agreement = Agreement(None if row.scope == "all" else row.subscription)
    since = [renewal.at for renewal in renewals if covers(renewal, revoked, agreement)]
    return dict(row=row, word=SAID[row.scope], renewed_at=min(since, default=None))


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
