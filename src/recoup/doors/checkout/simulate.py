"""POST /checkout/{token}/pay and /fail: in test mode the buttons do what a payer and a network would."""

from collections.abc import Awaitable, Callable

from starlette.responses import RedirectResponse, Response

from recoup.doors.checkout.visit import Visit
from recoup.flows.stable.pay import simulate
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.rules.stable.channels import enabled

PAYER = Actor("payer", "checkout")


def simulate_payment(*, approve: bool) -> Callable[[Visit], Awaitable[Response]]:
    async def press(visit: Visit) -> Response:
        checkout = visit.checkout
        form = await visit.request.form()
        channel = str(form.get("channel") or "mock")
        if channel not in {one.code for one in enabled(test=checkout.world.policy.test_mode)}:
            raise Problem("invalid", "There is no such way to pay.", cure="Choose one of those on the page.")
        await simulate(checkout.world, checkout.orders, visit.key, approve=approve, actor=PAYER, channel=channel)
        return RedirectResponse(visit.address, status_code=303)

    return press
