"""GET /balances: what the merchant is owed, now or as of a moment. Source: decision 0073."""

from typing import Final

from recoup.doors.edge.described import Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.as_of import NAMES, read_cut
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.balances import Balance, Balances, BalancesQuery
from recoup.flows.money.balances import read_balances


async def get_balances(call: Call) -> Reply:
    query = Query(call.query)
    query.refuse_unknown(NAMES)
    rows = await read_balances(call.services.world, call.scope.merchant_id, await read_cut(call, query))
    return Reply(Balances(data=[Balance(currency=row.asset, total=row.total, **row.units) for row in rows]))


GET: Final = Operation(
    "GET",
    "/v1/balances",
    "Balances",
    "What you are owed, from the ledger, by currency. With `asOf` or `asOfRecorded` it is the response as it was then.",
    group="Settlements",
    query=BalancesQuery,
    answers={200: Balances},
)
METHODS: Final = (Method(GET, get_balances, "orders"),)
