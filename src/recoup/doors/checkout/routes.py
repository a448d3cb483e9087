"""All addresses of the checkout, one file a page. `main` puts them beside the other doors."""

from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl
from uuid import UUID

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from recoup.doors.checkout.card import answer_card, bank_page, card_page, refuse_card
from recoup.doors.checkout.charge import ChargePage
from recoup.doors.checkout.templates import HEADERS, render
from recoup.doors.checkout.visit import Checkout, Visit, page
from recoup.doors.edge.tracing import request_id
from recoup.flows.cards.payer_return import come_back
from recoup.flows.cards.tokenize import Vault
from recoup.flows.hosted_link import PAYER_RETURN, checkout_token, named_by
from recoup.flows.locked import Orders
from recoup.flows.merchant_cache import Merchants
from recoup.flows.messages.contacts import ContactPage, contact_page, unsubscribe
from recoup.flows.stable.pay import simulate
from recoup.flows.world import World
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.rules.order.lifecycle import OPEN
from recoup.rules.stable.channels import enabled
from recoup.rules.stable.words import order_status
from recoup.store.cards.challenges import kind_of_order
from recoup.store.stable.stable_orders import stable_order


async def pay_page(visit: Visit) -> Response:
    checkout, (merchant_id, order_id) = visit.checkout, visit.key
    world = checkout.world
    async with world.db.read() as connection:
        order = await stable_order(connection, merchant_id, order_id)
    if order is None:
        raise Problem("not_found", "No payment found for this link.", cure="Ask the shop for a new one.")
    merchant = (await checkout.merchants.get(merchant_id)).merchant
    now = merchant.business(world.clocks.wall())
    over = order.expires_at is not None and order.expires_at <= now
    open_ = order.stage in OPEN and not over
    status = "expired" if order.stage in OPEN and over else order_status(order.stage, order.units, order.refunded_units)
    # A payer chooses among those that take the currency, where the charge left it open.
    channels = [c for c in enabled(test=world.policy.test_mode) if c.takes(order.asset)] if not order.channel else []
    return render(
        "pay.html",
        visit.language,
        {
            "order": order,
            "merchant": merchant.name,
            "now": now,
            "open": open_,
            "status": status,
            "channels": channels,
            "test": world.policy.test_mode,
            "address": visit.address,
            "subject": order.facts.get("subject") or "",
            "description": order.facts.get("description") or "",
            "return_url": order.facts.get("return_url"),
            "cancel_url": order.facts.get("cancel_url"),
        },
    )


def attempt_of_token(world: World, token: str) -> tuple[UUID, UUID] | None:
    """(merchant, attempt), or None for what we did not sign for a return."""
    return named_by(world, PAYER_RETURN, token)


# The address of a return is of one attempt, made for one charge and given to its processor alone. It counts once, as
# long as that charge waits for the customer; whoever comes by it later sees where the order stands.
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


async def unsubscribe_page(visit: Visit) -> Response:
    """The link at the foot of a mail. Opening it changes nothing; its button, or a mail program by its own POST, stops
    such mails. Source: RFC 8058."""
    return _page(visit, await contact_page(visit.checkout.world, *visit.key))


async def take_unsubscribe(visit: Visit) -> Response:
    return _page(visit, await unsubscribe(visit.checkout.world, *visit.key))


def _page(visit: Visit, page: ContactPage) -> Response:
    values = {"page": page, "address": visit.address, "test": visit.checkout.world.policy.test_mode}
    return render("unsubscribe.html", visit.language, values)


def routes(world: World, orders: Orders, merchants: Merchants) -> list[BaseRoute]:
    checkout = Checkout(world, orders, merchants, Vault(world))
    charge = ChargePage(world)
    return [
        Route("/charge", charge.form, methods=["GET"]),
        Route("/charge", charge.look_up, methods=["POST"]),
        Route("/checkout/return/{token}", returned_page(checkout), methods=["GET"]),
        Route("/checkout/{token}", page(checkout, hosted_page), methods=["GET"]),
        Route("/checkout/{token}/bank", page(checkout, bank_page), methods=["GET"]),
        Route("/checkout/{token}/pay", page(checkout, simulate_payment(approve=True)), methods=["POST"]),
        Route("/checkout/{token}/fail", page(checkout, simulate_payment(approve=False)), methods=["POST"]),
        Route("/checkout/{token}/answer", page(checkout, answer_card), methods=["POST"]),
        Route("/checkout/{token}/unsubscribe", page(checkout, unsubscribe_page), methods=["GET"]),
        Route("/checkout/{token}/unsubscribe", page(checkout, take_unsubscribe), methods=["POST"]),
        Route("/checkout/{token}/refuse", page(checkout, refuse_card), methods=["POST"]),
    ]


async def hosted_page(visit: Visit) -> Response:
    """One link for both: money on a channel, or a challenge of the payer's bank."""
    async with visit.checkout.world.db.read() as connection:
        kind = await kind_of_order(connection, *visit.key)
    return await (pay_page if kind == "stable" else card_page)(visit)
