"""What the door's resources work with; what some need is made when the first of them asks for it."""

from uuid import UUID

from recoup.core.kit.services import Services as Kit
from recoup.doors.edge.limits import Limits, PayerLimits
from recoup.doors.edge.rate import Buckets
from recoup.flows.hosted_link import checkout_token
from recoup.flows.merchant_cache import Merchants
from recoup.flows.merchants.quotas import Quotas
from recoup.flows.world import World
from recoup.store.orders.order_totals import Totals


class Services(Kit):
    """Of one world. `shared`: services that other doors of this process use too. `url`: where customers reach the
    checkout, without a slash at the end."""

    def __init__(
        self,
        world: World,
        *shared: object,
        rate_per_second: int = 2_000,
        url: str = "",
        payer_calls_per_minute: int = 300,
    ) -> None:
        super().__init__(world, *shared)
        self.world, self.merchants, self.url = world, self.get(Merchants), url
        self.limits = Limits(Quotas(world).of)
        self.buckets = Buckets(per_second=rate_per_second, burst=5 * rate_per_second)
        self.payers = PayerLimits(payer_calls_per_minute)
        self.totals = Totals()

    def challenge_url(self, merchant_id: UUID, order_id: UUID) -> str:
        """The hosted page on which the customer answers."""
        return f"{self.url}/checkout/{checkout_token(self.world, merchant_id, order_id)}"
