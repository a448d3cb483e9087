"""`asOf` and `asOfRecorded` of a query: as of when a merchant's money is read. Source: decision
0073."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from recoup.keys.api.v1_resource import Call
from recoup.kit.api.query import Query
from recoup.kit.as_of import Cut
from recoup.merchants.flows.as_of import cut_of

BusinessAsOf = Annotated[
    datetime | None,
    Meta(description="As it stood at this business time: the bytes of an answer made then."),
]
RecordedAsOf = Annotated[
    datetime | None,
    Meta(description="As it had been recorded at this real time; instead of `asOf`."),
]


async def read_cut(
    call: Call, query: Query, as_of: datetime | None, as_of_recorded: datetime | None
) -> Cut:
    """Reads the cut after all else in the query. Raises: Problem(invalid), with all that is wrong
    with the query, and as `cut_of`."""
    query.raise_if_any()
    return await cut_of(call.services.world, call.scope.merchant_id, as_of, as_of_recorded)
