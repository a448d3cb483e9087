"""A payer's visit: which order the link names, and the message when something is wrong."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.checkout.templates import problem_page
from recoup.doors.edge.tracing import request_id
from recoup.flows.cards.tokenize import Vault
from recoup.flows.hosted_link import order_of_token
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.rules.languages.catalogues import accepted_language

log = structlog.get_logger()
STATUSES = {"not_found": 404, "wrong_state": 409, "forbidden": 403, "unavailable": 503, "invalid": 400}
Answer = Callable[[Request], Awaitable[Response]]
Named = Callable[[World, str], tuple[UUID, UUID] | None]


@dataclass(frozen=True, slots=True)
class Checkout:
    world: World
    orders: Orders
    merchants: Merchants
    vault: Vault


@dataclass(frozen=True, slots=True)
class Visit:
    """The token is the right to see and pay this one order; it also keeps others' pages from posting here."""

    checkout: Checkout
    request: Request
    key: tuple[UUID, UUID]
    language: str

    @property
    def address(self) -> str:
        return f"/checkout/{self.request.path_params['token']}"


def page(checkout: Checkout, work: Callable[[Visit], Awaitable[Response]], named: Named = order_of_token) -> Answer:
    """`named`: what the token of the address stands for: the merchant, and what of it."""
    test = checkout.world.policy.test_mode

    async def answer(request: Request) -> Response:
        language = accepted_language(request.headers.get("accept-language", ""))
        try:
            key = named(checkout.world, request.path_params["token"])
            if key is None:
                raise Problem("not_found", "No payment found for this link.", cure="Ask the shop for a new one.")
            return await work(Visit(checkout, request, key, language))
        except Problem as problem:
            status = STATUSES.get(problem.code, 400)
            return problem_page(language, problem, test=test, status=status)
        except HTTPException:
            odd = Problem("invalid", "This form cannot be read.", cure="Go back to the page and send it again.")
            return problem_page(language, odd, test=test, status=400)
        except Exception as error:
            log.exception("unexpected", path="/checkout", request=request_id(request.scope), error=type(error).__name__)
            ours = Problem("internal", "Something went wrong on our side.", cure="Please try again.")
            return problem_page(language, ours, test=test, status=500)

    return answer
