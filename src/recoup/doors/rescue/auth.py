"""Bearer tokens, with the word or without, and `ApiKey id:secret` (additive)."""

from dataclasses import dataclass
from uuid import UUID

from recoup.core.kit.services import Services as Kit
from recoup.doors.edge.asgi import Scope, header
from recoup.doors.edge.bearer import bearer_token
from recoup.doors.edge.limits import Limits, PayerLimits
from recoup.doors.edge.rate import Buckets
from recoup.flows.hosted_link import checkout_token
from recoup.flows.merchant_cache import Merchants
from recoup.flows.merchants.credentials import Credentials
from recoup.flows.merchants.quotas import Quotas
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
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


@dataclass(frozen=True, slots=True)
class Caller:
    """A merchant's developer; or with `partner_id` a partner's, who has no `mid`."""

    key_id: str
    mid: UUID | None
    scopes: frozenset[str]
    partner_id: UUID | None = None

    @property
    def merchant_id(self) -> UUID:
        """Raises: Problem(forbidden) for a partner: what is a merchant's is called with the merchant's own key."""
        if self.mid is None:
            raise merchants_only()
        return self.mid

    @property
    def actor(self) -> Actor:
        return Actor("api" if self.partner_id is None else "partner", self.key_id)


async def authenticate(services: Services, scope: Scope) -> Caller:
    """Raises: Problem(unauthenticated), with what to do."""
    given = header(scope, b"authorization")
    token = bearer_token(given)
    kind, _, value = (given or b"").decode("latin-1").strip().partition(" ")
    value = value.strip()
    if token is not None:
        identity = await services.get(Credentials).from_token(token.decode("latin-1"))
    elif kind.lower() == "apikey" and ":" in value:
        app_key, _, secret = value.partition(":")
        identity = await services.get(Credentials).from_api_key(app_key, secret)
    else:
        cure = "Get a token at /v1/oauth2/token and send it as `Authorization: Bearer <token>`."
        raise Problem("unauthenticated", "The call carries no credential.", cure=cure)
    return Caller(identity.app_key, identity.mid, identity.scopes, identity.partner_id)


def merchants_only(path: str = "") -> Problem:
    """For a partner's key. `path`: what was called."""
    cure = "Call payments and orders with the merchant's own key."
    if path.startswith("/v1/webhooks"):
        cure = "Your own endpoints are at /v1/partner/webhooks; a merchant's are called with the merchant's own key."
    return Problem("forbidden", "A partner's key opens /v1/partner, /v1/onboarding and GET /v1/events only.", cure=cure)
