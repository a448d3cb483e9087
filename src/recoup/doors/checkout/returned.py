"""GET /checkout/return/{token}: a customer comes back from the processor's page, and goes on to their order's.

The address is of one attempt, made for one charge and given to its processor alone. It counts once, as long as that
charge waits for them; whoever comes by it later sees where the order stands.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from recoup.doors.checkout.templates import HEADERS
from recoup.doors.checkout.visit import Checkout, Visit, page
from recoup.doors.edge.tracing import request_id
from recoup.flows.cards.payer_return import come_back
from recoup.flows.hosted_link import PAYER_RETURN, checkout_token, named_by
from recoup.flows.world import World


def attempt_of_token(world: World, token: str) -> tuple[UUID, UUID] | None:
    """(merchant, attempt), or None for what we did not sign for a return."""
    return named_by(world, PAYER_RETURN, token)


def returned_page(checkout: Checkout) -> Callable[[Request], Awaitable[Response]]:
    return page(checkout, _returned, attempt_of_token)


async def _returned(visit: Visit) -> Response:
    checkout, (merchant_id, attempt_id) = visit.checkout, visit.key
    request = visit.request
    if request.method != "GET":  # a look at the address is no return
        return Response(headers=HEADERS)
    order_id = await come_back(
        checkout.world, checkout.orders, merchant_id, attempt_id, request.query_params, request_id(request.scope)
    )
    link = checkout_token(checkout.world, merchant_id, order_id)
    return RedirectResponse(f"/checkout/{link}", status_code=303, headers=HEADERS)
