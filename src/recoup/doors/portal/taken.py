"""A file that somebody takes out of the portal is an act: in the audit log before its first byte leaves."""

from typing import Any
from uuid import UUID

from recoup.doors.edge.called import acted
from recoup.doors.portal.any_visit import AnyVisit
from recoup.doors.portal.visit import Visit
from recoup.flows.merchants.taken_files import note_file


async def taken(visit: AnyVisit, what: str, subject_id: UUID | str = "", **facts: Any) -> None:
    """`what` as "orders". `facts`: nobody's data, so no words that were searched for. A user without a merchant takes
    files of their partner's own applications only; these are not a merchant's to know."""
    if isinstance(visit, Visit):
        await note_file(visit.world, visit.scope, what, subject_id, **facts)
        acted(visit.request.scope)
