"""GET /balances: what the merchant is owed, now or as of a moment. Source: decision 0073."""

from typing import Final

from recoup.keys.api.as_of import BusinessAsOf, RecordedAsOf, read_cut
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.query import read_query
from recoup.kit.api.wire import Members, Shape, Text4
from recoup.settlement.flows.balances import read_balances


class Balance(Shape):
    """In one currency; positive is in your favour."""

    currency: Text4
    card: int
    """Minor units: what the next settlement takes, or later ones."""
    wallet: int
    """Minor units: your stablecoins."""
    reserve: int
    """Minor units: held back by the terms of settlement."""
    scheduled: int
    """Minor units: settled, and not yet sent to your bank."""
    payouts: int
    """Minor units: stablecoin payouts under way."""
    total: int
    """Minor units: the sum of all of them."""


class BalancesQuery(Shape):
    """At most one of them."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Balances(Members):
    """By currency; none where nothing is owed."""

    data: list[Balance]


api: Final = Api(group="Settlements", scope="reports")


@api("GET /v1/balances", query=BalancesQuery)
async def get_balances(call: Call) -> Balances:
    """Balances. What you are owed, from the ledger, by currency. With `asOf` or `asOfRecorded` it
    is the response as it was then."""
    wanted, query = read_query(call.query, BalancesQuery)
    cut = await read_cut(call, query, wanted.as_of, wanted.as_of_recorded)
    rows = await read_balances(call.services.world, call.scope.merchant_id, cut)
    return Balances(
        data=[Balance(currency=row.asset, total=row.total, **row.units) for row in rows]
    )
