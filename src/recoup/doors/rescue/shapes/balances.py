"""What the merchant is owed. Source: decision 0073."""

from typing import Annotated

from msgspec import Meta

from recoup.doors.rescue.shapes.as_of import BusinessAsOf, RecordedAsOf
from recoup.doors.rescue.wire import Members, Shape, Text4


class Balance(Shape, kw_only=True):
    """In one currency; positive is in your favour."""

    currency: Text4
    card: Annotated[int, Meta(description="Minor units: what the next settlement takes, or later ones.")]
    wallet: Annotated[int, Meta(description="Minor units: your stablecoins.")]
    reserve: Annotated[int, Meta(description="Minor units: held back by the terms of settlement.")]
    scheduled: Annotated[int, Meta(description="Minor units: settled, and not yet sent to your bank.")]
    payouts: Annotated[int, Meta(description="Minor units: stablecoin payouts under way.")]
    total: Annotated[int, Meta(description="Minor units: the sum of all of them.")]


class BalancesQuery(Shape, kw_only=True):
    """At most one of them."""

    as_of: BusinessAsOf = None
    as_of_recorded: RecordedAsOf = None


class Balances(Members, kw_only=True):
    """By currency; none where nothing is owed."""

    data: list[Balance]
