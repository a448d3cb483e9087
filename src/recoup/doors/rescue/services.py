"""What the door's resources work with; made once by `main`."""

from dataclasses import dataclass, field
from uuid import UUID

from recoup.doors.edge.limits import Limits, PayerLimits
from recoup.doors.edge.rate import Buckets
from recoup.flows.cards.evaluate import Evaluate
from recoup.flows.cards.tokenize import Vault
from recoup.flows.cards.transmit import Transmit
from recoup.flows.hosted_link import checkout_token
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.merchants.credentials import Credentials
from recoup.flows.merchants.quotas import Quotas
from recoup.flows.world import World
from recoup.store.orders.order_totals import Totals


@dataclass(frozen=True, slots=True)
class Services:
    world: World
    orders: Orders
    merchants: Merchants
    vault: Vault
    evaluate: Evaluate
    transmit: Transmit
    credentials: Credentials
    limits: Limits
    buckets: Buckets = field(default_factory=lambda: Buckets(per_second=2_000, burst=10_000))
    payers: PayerLimits = field(default_factory=PayerLimits)
    url: str = ""
    totals: Totals = field(default_factory=Totals)

    def challenge_url(self, merchant_id: UUID, order_id: UUID) -> str:
        """The hosted page on which the customer answers."""
        return f"{self.url}/checkout/{checkout_token(self.world, merchant_id, order_id)}"


def make_services(
    world: World, orders: Orders, rate_per_second: int = 2_000, url: str = "", *, payer_calls_per_minute: int = 300
) -> Services:
    """`url`: where customers reach the checkout, without a slash at the end."""
    merchants = Merchants(world)
    vault = Vault(world)
    return Services(
        world,
        orders,
        merchants,
        vault,
        Evaluate(world, orders, merchants, vault),
        Transmit(world, orders, merchants),
        Credentials(world),
        Limits(Quotas(world).of),
        Buckets(per_second=rate_per_second, burst=5 * rate_per_second),
        PayerLimits(payer_calls_per_minute),
        url,
    )
