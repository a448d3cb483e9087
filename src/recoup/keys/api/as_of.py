"""`asOf` and `asOfRecorded` of a query: as of when a merchant's money is read. Source: decision
0073."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta

from recoup.keys.api.v1_resource import Call
from recoup.kit.api.query import Query
from recoup.kit.as_of import Cut
from recoup.merchants.flows.as_of import cut_of, partner_cut_of

BusinessAsOf = Annotated[
    datetime | None,
    Meta(description="As it stood at this business time: the bytes of an answer made then."),
]
RecordedAsOf = Annotated[
    datetime | None,
    Meta(description="As it had been recorded at this real time; instead of `asOf`."),
]


NAMES: Final = ("asOf", "asOfRecorded")


async def read_cut(call: Call, query: Query) -> Cut:
    """Reads the cut after all else in the query. Raises: Problem(invalid), with all that is wrong
    with the query, and as `cut_of`."""
    moments = query.instant("asOf"), query.instant("asOfRecorded")
    query.raise_if_any()
    return await cut_of(call.services.world, call.scope.merchant_id, *moments)


async def read_partner_cut(
    call: Call, query: Query, partner_id: UUID, merchant_id: UUID | None
) -> Cut:
    """Reads a cut as `read_cut`, of the partner's merchant or of all. Raises: Problem(not_found)
    for another's merchant."""
    moments = query.instant("asOf"), query.instant("asOfRecorded")
    query.raise_if_any()
    return await partner_cut_of(call.services.world, partner_id, merchant_id, *moments)
