"""What the door's resources work with; made once by `main`."""

from dataclasses import dataclass, field

from recoup.doors.edge.limits import Limits
from recoup.doors.edge.rate import Buckets
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.merchants.quotas import Quotas
from recoup.flows.stable.callers import Callers
from recoup.flows.stable.charge import Charges
from recoup.flows.world import World
from recoup.store.orders.order_totals import Totals


@dataclass(frozen=True, slots=True)
class Services:
    """`url`: where payers reach the checkout, without a slash at the end."""

    world: World
    orders: Orders
    merchants: Merchants
    callers: Callers
    charges: Charges
    buckets: Buckets
    url: str
    limits: Limits
    totals: Totals = field(default_factory=Totals)


def make_services(
    world: World,
    orders: Orders,
    url: str,
    rate_per_second: int = 2_000,
    merchants: Merchants | None = None,
    *,
    reads_once: bool = True,
    limits: Limits | None = None,
) -> Services:
    merchants = merchants or Merchants(world)
    return Services(
        world,
        orders,
        merchants,
        Callers(world, reads_once=reads_once),
        Charges(world, merchants),
        Buckets(per_second=rate_per_second, burst=5 * rate_per_second),
        url,
        limits or Limits(Quotas(world).of),
    )
