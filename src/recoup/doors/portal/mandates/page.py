"""Mandates that customers have revoked at the bank, newest first, and whether a new one was given since."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from recoup.doors.portal.menu import Entry
from recoup.doors.portal.order.words import REVOKED
from recoup.doors.portal.pages import Values, member
from recoup.doors.portal.visit import Visit
from recoup.kernel.ids import HIGHEST, parse_id
from recoup.rules.order.mandates import Agreement, MandateChange, covers
from recoup.store.cards.mandates import ListedMandate, list_mandates

SIZE: Final = 50
_LAST: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ShownMandate:
    """`renewed_at`: of the first new mandate for the agreement; of several agreements for any of them."""

    row: ListedMandate
    word: str
    renewed_at: datetime | None


@member.page("/mandates", "mandates/mandates.html", menu=Entry("Queues", 5, "Revoked mandates", "cancelled"))
async def mandates(visit: Visit) -> Values:
    before, before_id = _behind(visit.request.query_params.get("before", ""))
    async with visit.world.db.read() as connection:
        rows = await list_mandates(connection, visit.merchant_id, before, before_id, SIZE + 1)
    last = rows[SIZE - 1] if len(rows) > SIZE else None
    return dict(
        rows=[shown(row) for row in rows[:SIZE]],
        more=f"{last.at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}_{last.change_id}" if last else None,
        paged=before != _LAST,
    )


def shown(row: ListedMandate) -> ShownMandate:
    revoked = MandateChange(row.change_id, "revoked", row.at, row.order_id, row.scope, row.code, row.subscription)
    renewals = [one for one in row.changes if one.kind == "renewed" and one.holds]
    agreement = Agreement(None if row.scope == "all" else row.subscription)
    since = [one.at for one in renewals if covers(one, revoked, agreement)]
    return ShownMandate(row, REVOKED[row.scope], min(since, default=None))


def _behind(text: str) -> tuple[datetime, UUID]:
    """What makes no sense is the beginning."""
    moment, _, change = text.partition("_")
    change_id = parse_id(change)
    try:
        at = datetime.fromisoformat(moment) if change_id is not None else _LAST
    except ValueError:
        at = _LAST
    if change_id is None or at.tzinfo is None or not 1970 < at.year < _LAST.year - 1:
        return _LAST, HIGHEST
    return at, change_id
