"""Credentials as lines for a shell, with the names that every sample of the documentation uses."""

import shlex
from typing import Final

from starlette.requests import Request

from recoup.kit.edge.tracing import request_id
from recoup.kit.world import World
from recoup.onboarding.flows.handover import Credentials, look
from recoup.onboarding.flows.partners import PartnerKey
from recoup.people.page.pages import Answer, Values, nothing, public, shown
from recoup.people.page.public_visit import PublicVisit, from_here
from recoup.people.page.rights import anybody

_MERCHANT: Final = (
    "mid", "site_id", "app_key", "app_secret", "tokenization_key", "webhook_key",
    "stablecoin_key_id",
    "stablecoin_secret", "stablecoin_webhook_secret",
)  # fmt: skip


def shell_lines(
    base: str, credentials: Credentials | None, partner: PartnerKey | None = None
) -> str:
    """`export NAME=value`, one below the other; what is empty is left out. `base`: where the APIs
    answer."""
    values = {"BASE": base.rstrip("/")}
    if credentials:
        values |= {name.upper(): getattr(credentials, name) for name in _MERCHANT}
    if partner:
        values |= {"PARTNER_APP_KEY": partner.app_key, "PARTNER_APP_SECRET": partner.app_secret}
    return "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in values.items() if value
    )


def base_address(world: World, request: Request) -> str:
    """The address where the APIs answer: the installation's own; without one, the host of this
    call."""
    return str(world.url or request.base_url)


@public.page("/handover/{token}", "onboarding/partner_handover.html")
async def handover(visit: PublicVisit) -> Values:
    """Open to everybody: the link is the proof. A button shows the credentials, not the link
    itself: programs that look at every link in a mail would use it up."""
    return {"given": None, "lines": ""}


@handover.post(may=anybody, reads=from_here, shows=nothing)
async def reveal(visit: PublicVisit) -> Answer:
    request = visit.request
    given = await look(visit.world, request.path_params["token"], request_id(request.scope))
    return shown(given=given, lines=shell_lines(base_address(visit.world, request), given))
