"""POST /checkout/{token}/pay and /fail: in test mode the buttons do what a payer and a network would."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from starlette.responses import RedirectResponse, Response

from recoup.doors.checkout.visit import Visit
from recoup.flows.stable.pay import simulate
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.rules.stable.channels import enabled

PAYER = Actor("payer", "checkout")
FIELDS_MAX = 20


async def _picked(visit: Visit) -> str | None:
    """What the page's form says. Raises: Problem(invalid)."""
    try:
        fields = dict(parse_qsl((await visit.request.body()).decode("latin-1"), max_num_fields=FIELDS_MAX))
    except ValueError:
        raise Problem("invalid", "That is not the page's form.", cure="Press the button on the page.") from None
    return fields.get("channel")


def simulate_payment(*, approve: bool) -> Callable[[Visit], Awaitable[Response]]:
    async def press(visit: Visit) -> Response:
        checkout = visit.checkout
        channel = await _picked(visit) or None
        if channel not in {None, *(one.code for one in enabled(test=checkout.world.policy.test_mode))}:
            raise Problem("invalid", "There is no such way to pay.", cure="Choose one of those on the page.")
        await simulate(checkout.world, checkout.orders, visit.key, approve=approve, actor=PAYER, channel=channel)
        return RedirectResponse(visit.address, status_code=303)

    return press
