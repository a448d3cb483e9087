"""All pages of the checkout, and the search for a charge. `main` puts them beside the other
doors."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from importlib import import_module
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from recoup.checkout.places import PAY_PAGE
from recoup.checkout.visit import (
    HEADERS,
    Checkout,
    Visit,
    fields_of,
    moment_text,
    page,
    problem_texts,
    render,
    say,
)
from recoup.kernel.money import EXPONENTS, Money, apart, from_text
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor
from recoup.kernel.texts import is_digits
from recoup.kit.edge.rate import Buckets, check_rate, client_address
from recoup.kit.edge.tracing import request_id
from recoup.kit.files.moments import typed_day
from recoup.kit.languages.catalogues import accepted_language
from recoup.kit.languages.numbers import number_of
from recoup.kit.world import World
from recoup.merchants.flows.cells import of_each
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.networks.card_guard import check_words
from recoup.networks.descriptor import statement_text
from recoup.networks.expiry import read_expiry
from recoup.orders.flows.hosted_link import PAYER_RETURN, checkout_token, named_by
from recoup.orders.rules.lifecycle import OPEN
from recoup.orders.store.charges import MATCHES_MAX, ChargeFound, find_charges
from recoup.processors.rules.browser import read_browser
from recoup.rescue.flows.challenge import (
    ChallengeAnswer,
    ChallengePage,
    agree,
    answer,
    come_back,
    refuse,
    show,
)
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.store.challenges import kind_of_order
from recoup.stablecoin.flows.pay import simulate
from recoup.stablecoin.rules.channels import enabled
from recoup.stablecoin.rules.words import order_status
from recoup.stablecoin.store.stable_orders import stable_order
from recoup.webhooks.flows.contacts import ContactPage, contact_page, unsubscribe

log = structlog.get_logger()
ANSWER_SECONDS: Final = 0.4  # both answers take this long
AROUND: Final = timedelta(days=1)  # zones, and the days between paying and booking
STATUSES: Final = {"too_many_requests": 429, "unavailable": 503, "internal": 500}
_SLOWLY: Final = "Too many attempts in a short time."


class ChargePage:
    """Counts wrong answers: those of one address, and of all of them together, which is so many
    that some hundred addresses are needed to keep others out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._each = Buckets(per_second=1 / 10, burst=6, name="charge ")
        self._all = Buckets(per_second=100, burst=2_000, name="charges")

    async def form(self, request: Request) -> Response:
        return self._page(request, {})

    async def look_up(self, request: Request) -> Response:
        clocks = self._world.clocks
        started = clocks.monotonic()
        given: dict[str, str] = {}
        try:
            self._count(request, started)
            given = {name: value[:40] for name, value in (await fields_of(request)).items()}
            charges = await self._find(given)
            if charges:
                self._forgive(request)
        except Problem as problem:
            if problem.code != "too_many_requests":
                self._forgive(request)
            return self._page(request, given, problem=problem)
        except Exception as error:
            log.exception(
                "unexpected",
                path="/charge",
                request=request_id(request.scope),
                error=type(error).__name__,
            )
            ours = Problem("internal", "Something went wrong on our side.", "Please try again.")
            return self._page(request, given, problem=ours)
        await asyncio.sleep(max(0.0, started + ANSWER_SECONDS - clocks.monotonic()))
        return self._page(request, given, charges=charges)

    def _count(self, request: Request, now: float) -> None:
        """Raises: Problem(too_many_requests)."""
        try:
            check_rate(self._each, client_address(request.scope) or "", now)
            check_rate(self._all, "all", now)
        except Problem as problem:
            raise Problem(
                "too_many_requests",
                _SLOWLY,
                "Wait a minute, then try again.",
                retry_after_seconds=problem.retry_after_seconds,
            ) from None

    def _forgive(self, request: Request) -> None:
        """Gives back what a request cost that was no guess: right, or nothing that could be looked
        up."""
        self._each.give_back(client_address(request.scope) or "")
        self._all.give_back("all")

    async def _find(self, given: dict[str, str]) -> list[ChargeFound]:
        """Raises: Problem(invalid) naming the field."""
        last4, asset = given.get("last4", ""), given.get("currency", "").upper()
        if not is_digits(last4, 4):
            raise invalid("Enter the card's last four digits.", "last4")
        if asset not in EXPONENTS:
            raise invalid("Enter the currency as three letters: USD.", "currency")
        try:
            units = from_text(given.get("amount", "").replace(",", "."), asset, "amount").units
        except Problem:
            raise invalid("Enter the amount as shown on the statement: 19.99.", "amount") from None
        since = datetime.combine(_day(given.get("date", "")), time.min, UTC) - AROUND
        charges = await of_each(
            self._world,
            lambda cell: find_charges(
                cell.db.reader, last4, units, asset, since, since + 3 * AROUND
            ),
        )
        return list(dict.fromkeys(charges))[:MATCHES_MAX]

    def _page(
        self,
        request: Request,
        given: dict[str, str],
        *,
        problem: Problem | None = None,
        charges: list[ChargeFound] | None = None,
    ) -> Response:
        language = accepted_language(request.headers.get("accept-language", ""))
        message, cure = problem_texts(language, problem) if problem else ("", "")
        shown = None
        if charges is not None:
            shown = [(f, _link(f.url), statement_text(f.descriptor, f.scheme)) for f in charges]
        page = render(
            "charge.html",
            language,
            {
                "given": {
                    name: given.get(name, "") for name in ("last4", "amount", "currency", "date")
                },
                "field": problem.field if problem else None,
                "problem_text": message,
                "cure": cure,
                "found": shown,
                "test": self._world.policy.test_mode,
            },
            status=STATUSES.get(problem.code, 400) if problem else 200,
        )
        if problem and problem.retry_after_seconds:
            page.headers["retry-after"] = str(problem.retry_after_seconds)
        return page


def _day(text: str) -> date:
    """Raises: Problem(invalid)."""
    day = typed_day(text)
    if day is None:
        raise invalid("Enter the date as shown on the statement: 2026-01-31.", "date")
    return day


def _link(url: str) -> str | None:
    """A site's address may lack its scheme; only a plain web address becomes a link."""
    whole = url if "//" in url else f"https://{url}"
    return whole if whole.startswith(("https://", "http://")) else None


SCHEMES: Final = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
}
ADDRESS: Final = ("addressLine1", "addressLine2", "city", "state", "zipcode", "countryCode")
TEXT_MAX: Final = 100
YEARS_MAX: Final = 20


async def card_page(visit: Visit) -> Response:
    return _card_page(visit, await show(visit.checkout.world, *visit.key))


async def answer_card(visit: Visit) -> Response:
    """Back to the page by a redirect, which says what came of it; a wrong field has its message
    beside it."""
    checkout = visit.checkout
    page = await show(checkout.world, *visit.key)
    try:
        merchant = (await checkout.merchants.get(visit.key[0])).merchant
        given = await _given(visit.request, merchant.business(checkout.world.clocks.wall()))
        await answer(
            checkout.world,
            checkout.orders,
            checkout.vault,
            page,
            given,
            request_id(visit.request.scope),
        )
    except Problem as problem:
        if problem.code == "invalid":
            return _card_page(visit, page, problem)
        if problem.code not in ("wrong_state", "conflict"):  # the page itself says where it stands
            raise
    then = await show(checkout.world, *visit.key)
    return RedirectResponse(
        f"{visit.address}/bank" if then.bank_url else visit.address, status_code=303
    )


async def bank_page(visit: Visit) -> Response:
    """Sends on to the processor's page; no redirect of the form, whose target the policy of these
    pages bounds."""
    page = await show(visit.checkout.world, *visit.key)
    if page.bank_url is None:
        return RedirectResponse(visit.address, status_code=303)
    values = {"page": page, "test": visit.checkout.world.policy.test_mode, "address": visit.address}
    return render("bank.html", visit.language, values)


# What a payer agrees to after their card was declined; another text is another version.
LATER_VERSION: Final = "later-1"
LATER: Final = (
    "If you say yes, {merchant} tries the card ending {last4} again on later days, until {until} "
    "at "
    "the latest, and charges {amount} in all if your bank accepts it. You can still say no on this "
    "page until then."
)


def _later(visit: Visit, page: ChallengePage) -> tuple[str, str]:
    """The text of what the payer would agree to, as they read it, and its digest, by which it is
    known what they have read. Empty where they are not asked."""
    if page.asks_again is None or page.expires_at is None:
        return "", ""
    said = say(
        visit.language,
        LATER,
        merchant=page.merchant,
        amount=f"{Money(page.units, page.asset).text()} {page.asset}",
        last4=page.typed_last4,
        until=moment_text(visit.language, page.expires_at),
    )
    words = said.unescape()
    return words, sha256(f"{page.asks_again} {LATER_VERSION} {words}".encode()).hexdigest()


async def agree_card(visit: Visit) -> Response:
    """The payer lets the card that they typed be tried again later. Where what they have read is
    not asked any more, the page shows how it is now."""
    page, id_ = await show(visit.checkout.world, *visit.key), request_id(visit.request.scope)
    words, seen = _later(visit, page)
    if seen and (await fields_of(visit.request)).get("seen") == seen:
        consent = {"version": LATER_VERSION, "language": visit.language, "words": words}
        try:
            await agree(visit.checkout.orders, page, consent, id_)
        except Problem as problem:
            if problem.code not in ("wrong_state", "conflict"):
                raise
    return RedirectResponse(visit.address, status_code=303)


async def refuse_card(visit: Visit) -> Response:
    checkout = visit.checkout
    page = await show(checkout.world, *visit.key)
    await refuse(checkout.world, checkout.orders, page, request_id(visit.request.scope))
    return RedirectResponse(visit.address, status_code=303)


def _card_page(visit: Visit, page: ChallengePage, problem: Problem | None = None) -> Response:
    world = visit.checkout.world
    later, seen = _later(visit, page)
    return render(
        "card.html",
        visit.language,
        {
            "page": page,
            "amount": _amount(visit.language, page.units, page.asset),
            "collected": _amount(visit.language, page.collected, page.asset),
            "later": later,
            "seen": seen,
            "address": visit.address,
            "scheme": SCHEMES.get(page.scheme, "The card"),
            "problem": problem,
            "statement": statement_text(page.descriptor, page.scheme),
            "problem_text": problem_texts(visit.language, problem)[0] if problem else "",
            "test": world.policy.test_mode,
            "field": problem.field if problem else None,
            "country": page.billing.get("countryCode", ""),
            "confirms": page.confirms,
            "expires": f"{page.exp_month:02d}/{page.exp_year % 100:02d}" if page.exp_month else "",
        },
        status=400 if problem else 200,
        scripts=page.confirms == "by_redirect",
    )


def _amount(language: str, units: int, asset: str) -> str:
    return number_of(language, apart(Money(units, asset).text()))


async def _given(request: Request, now: datetime) -> ChallengeAnswer:
    """Raises: Problem(invalid) naming the field."""
    form = await fields_of(request)
    pan = "".join(c for c in form.get("number", "") if c not in " -")
    code = form.get("code", "")
    if code and not is_digits(code, 3, 4):
        raise invalid("A security code has three digits, or four on American Express.", "Code")
    month = year = 0
    if pan:
        if not is_digits(pan, 12, 19):
            raise invalid("A card number has 12 to 19 digits.", "CardNumber")
        month, year = _valid_expiry(form.get("expires", ""), now)
    billing = {name: form[name][:TEXT_MAX] for name in ADDRESS if form.get(name)}
    if any(
        "\0" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text) for text in billing.values()
    ):  # no database keeps it
        raise invalid("The address has characters that cannot be kept.", "Address")
    check_words(billing)
    return ChallengeAnswer(
        code,
        pan,
        month,
        year,
        billing or None,
        form.get("confirmed") == "1",
        read_browser(request.headers, form),
    )


def _valid_expiry(text: str, now: datetime) -> tuple[int, int]:
    """Raises: Problem(invalid) for one that cannot be read, is over or too far away."""
    moment = read_expiry(text)
    if moment is None:
        raise invalid("Enter month and year as on the card, four digits: 0931 or 09/31.", "Expires")
    month, year = moment
    if not (now.year, now.month) <= (year, month) <= (now.year + YEARS_MAX, 12):
        raise invalid("This card has expired, or the date is wrong.", "Expires")
    return moment


async def pay_page(visit: Visit) -> Response:
    checkout, (merchant_id, order_id) = visit.checkout, visit.key
    world = checkout.world
    order = await stable_order(world.db.reader, merchant_id, order_id)
    if order is None:
        raise Problem("not_found", "No payment found for this link.", "Ask the shop for a new one.")
    for module in PAY_PAGE:
        shown: Response | None = await import_module(module).pay_page(visit, order)
        if shown:
            return shown
    merchant = (await checkout.merchants.get(merchant_id)).merchant
    now = merchant.business(world.clocks.wall())
    over = order.expires_at is not None and order.expires_at <= now
    open_ = order.stage in OPEN and not over
    status = (
        "expired"
        if order.stage in OPEN and over
        else order_status(order.stage, order.units, order.refunded_units)
    )
    # A payer chooses among those that take the currency, where the charge left it open; not a
    # chain, which has terms.
    channels = [
        c
        for c in enabled(test=world.policy.test_mode)
        if not order.channel and c.takes(order.asset) and not c.requires_watcher
    ]
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


# The address of a return is of one attempt, made for one charge and given to its processor alone.
# It counts once, as
# long as that charge waits for the customer; whoever comes by it later sees where the order stands.
async def _returned(visit: Visit) -> Response:
    checkout, (merchant_id, charge) = visit.checkout, visit.key
    request = visit.request
    if request.method != "GET":  # a look at the address is no return
        return Response(headers=HEADERS)
    order_id = await come_back(
        checkout.world,
        checkout.orders,
        merchant_id,
        charge,
        request.query_params,
        request_id(request.scope),
    )
    link = checkout_token(checkout.world, merchant_id, order_id)
    return RedirectResponse(f"/checkout/{link}", status_code=303, headers=HEADERS)


PAYER = Actor("payer", "checkout")


def simulate_payment(*, approve: bool) -> Callable[[Visit], Awaitable[Response]]:
    async def press(visit: Visit) -> Response:
        checkout = visit.checkout
        channel = (await fields_of(visit.request)).get("channel") or None
        able = [
            channel.code
            for channel in enabled(test=checkout.world.policy.test_mode)
            if not channel.requires_watcher
        ]
        if channel not in {None, *able}:
            raise Problem(
                "invalid", "There is no such way to pay.", "Choose one of those on the page."
            )
        await simulate(
            checkout.world,
            checkout.orders,
            visit.key,
            approve=approve,
            actor=PAYER,
            channel=channel,
        )
        return RedirectResponse(visit.address, status_code=303)

    return press


async def unsubscribe_page(visit: Visit) -> Response:
    """The link at the foot of a mail. Opening it changes nothing; its button, or a mail program by
    its own POST, stops such mails. Source: RFC 8058."""
    return _page(visit, await contact_page(visit.checkout.world, *visit.key))


async def take_unsubscribe(visit: Visit) -> Response:
    return _page(visit, await unsubscribe(visit.checkout.world, *visit.key))


def _page(visit: Visit, page: ContactPage) -> Response:
    values = {"page": page, "address": visit.address, "test": visit.checkout.world.policy.test_mode}
    return render("unsubscribe.html", visit.language, values)


def routes(world: World, orders: Orders, merchants: Merchants) -> list[BaseRoute]:
    checkout = Checkout(world, orders, merchants, Vault(world))
    charge = ChargePage(world)
    returned = page(checkout, _returned, lambda world, token: named_by(world, PAYER_RETURN, token))
    buttons = {
        "pay": simulate_payment(approve=True),
        "fail": simulate_payment(approve=False),
        "answer": answer_card,
        "unsubscribe": take_unsubscribe,
        "agree": agree_card,
        "refuse": refuse_card,
    }
    return [
        Route("/charge", charge.form, methods=["GET"]),
        Route("/charge", charge.look_up, methods=["POST"]),
        Route("/checkout/return/{token}", returned, methods=["GET"]),
        Route("/checkout/{token}", page(checkout, hosted_page), methods=["GET", "POST"]),
        Route("/checkout/{token}/bank", page(checkout, bank_page), methods=["GET"]),
        Route("/checkout/{token}/unsubscribe", page(checkout, unsubscribe_page), methods=["GET"]),
        *(
            Route(f"/checkout/{{token}}/{name}", page(checkout, work), methods=["POST"])
            for name, work in buttons.items()
        ),
    ]


async def hosted_page(visit: Visit) -> Response:
    """Shows the page of one link, for both: money on a channel, or a challenge of the payer's
    bank."""
    kind = await kind_of_order(visit.checkout.world.db.reader, *visit.key)
    return await (pay_page if kind == "stable" else card_page)(visit)
