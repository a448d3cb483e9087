"""The page of a challenge: the customer confirms, or corrects what their bank did not take.

GET /checkout/{token}, POST …/answer, POST …/refuse; GET …/bank on the way to the processor's page, and
GET /checkout/return/{token} on the way back. What they type is never shown again, kept in a log or an address.
"""

from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from recoup.doors.checkout.templates import problem_texts, render
from recoup.doors.checkout.visit import Visit
from recoup.doors.edge.tracing import request_id
from recoup.flows.cards.challenge import ChallengeAnswer, ChallengePage, answer, refuse, show
from recoup.kernel.money import Money
from recoup.kernel.problem import Problem
from recoup.rules.network.card_guard import check_words
from recoup.rules.network.descriptor import statement_text
from recoup.rules.order.browser import read_browser

SCHEMES: Final = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover"}
ADDRESS: Final = ("addressLine1", "addressLine2", "city", "state", "zipcode", "countryCode")
TEXT_MAX: Final = 100
YEARS_MAX: Final = 20


async def card_page(visit: Visit) -> Response:
    return _page(visit, await show(visit.checkout.world, *visit.key))


async def answer_card(visit: Visit) -> Response:
    """Back to the page by a redirect, which says what came of it; a wrong field has its message beside it."""
    checkout = visit.checkout
    page = await show(checkout.world, *visit.key)
    try:
        merchant = (await checkout.merchants.get(visit.key[0])).merchant
        given = await _given(visit.request, merchant.business(checkout.world.clocks.wall()))
        await answer(checkout.world, checkout.orders, checkout.vault, page, given, request_id(visit.request.scope))
    except Problem as problem:
        if problem.code == "invalid":
            return _page(visit, page, problem)
        if problem.code not in ("wrong_state", "conflict"):  # the page itself says where it stands
            raise
    then = await show(checkout.world, *visit.key)
    return RedirectResponse(f"{visit.address}/bank" if then.bank_url else visit.address, status_code=303)


async def bank_page(visit: Visit) -> Response:
    """Sends on to the processor's page; no redirect of the form, whose target the policy of these pages bounds."""
    page = await show(visit.checkout.world, *visit.key)
    if page.bank_url is None:
        return RedirectResponse(visit.address, status_code=303)
    values = {"page": page, "test": visit.checkout.world.policy.test_mode, "address": visit.address}
    return render("bank.html", visit.language, values)


async def refuse_card(visit: Visit) -> Response:
    checkout = visit.checkout
    page = await show(checkout.world, *visit.key)
    await refuse(checkout.world, checkout.orders, page, request_id(visit.request.scope))
    return RedirectResponse(visit.address, status_code=303)


def _page(visit: Visit, page: ChallengePage, problem: Problem | None = None) -> Response:
    world = visit.checkout.world
    return render(
        "card.html",
        visit.language,
        {
            "page": page,
            "amount": Money(page.units, page.asset).text(),
            "address": visit.address,
            "scheme": SCHEMES.get(page.scheme, "The card"),
            "problem": problem,
            "statement": statement_text(page.descriptor, page.scheme),
            "problem_text": problem_texts(visit.language, problem)[0] if problem else "",
            "test": world.policy.test_mode,
            "field": problem.field if problem else None,
            "country": page.billing.get("countryCode", ""),
            "confirms": page.confirms,
            "expired": f"{page.exp_month:02d}/{page.exp_year % 100:02d}",
        },
        status=400 if problem else 200,
        scripts=page.confirms == "by_redirect",
    )


async def _given(request: Request, now: datetime) -> ChallengeAnswer:
    """Raises: Problem(invalid) naming the field."""
    form = {name: str(value).strip() for name, value in (await request.form()).items()}
    pan = "".join(c for c in form.get("number", "") if c not in " -")
    code = form.get("code", "")
    if code and not (code.isascii() and code.isdecimal() and len(code) in (3, 4)):
        raise Problem("invalid", "A security code has three digits, or four on American Express.", field="Code")
    month = year = 0
    if pan:
        if not (pan.isascii() and pan.isdecimal() and 12 <= len(pan) <= 19):
            raise Problem("invalid", "A card number has 12 to 19 digits.", field="CardNumber")
        month, year = _expiry(form.get("expires", ""), now)
    billing = {name: form[name][:TEXT_MAX] for name in ADDRESS if form.get(name)}
    _check_plain(billing)
    check_words(billing)
    browser = read_browser(request.headers, form)
    return ChallengeAnswer(code, pan, month, year, billing or None, form.get("confirmed") == "1", browser)


def _expiry(text: str, now: datetime) -> tuple[int, int]:
    """`09 / 31` or `9/2031`, of a card that is valid. Raises: Problem(invalid)."""
    month, _, year = (part.strip() for part in text.partition("/"))
    fits = all(part.isascii() and part.isdecimal() for part in (month, year))
    if not fits or len(month) > 2 or len(year) not in (2, 4) or not 1 <= int(month) <= 12:
        raise Problem("invalid", "Enter month and year as shown on the card: 09/31.", field="Expires")
    whole = int(year) + (2000 if len(year) == 2 else 0)
    if not (now.year, now.month) <= (whole, int(month)) <= (now.year + YEARS_MAX, 12):
        raise Problem("invalid", "This card has expired, or the date is wrong.", field="Expires")
    return int(month), whole


def _check_plain(billing: dict[str, Any]) -> None:
    """Raises: Problem(invalid) for what no database keeps."""
    if any("\0" in text or any(0xD800 <= ord(c) <= 0xDFFF for c in text) for text in billing.values()):
        raise Problem("invalid", "The address has characters that cannot be kept.", field="Address")
