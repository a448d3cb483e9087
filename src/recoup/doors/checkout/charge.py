"""/charge, "What is this charge?": a cardholder learns which shop stands behind a line of a statement.

With last four, amount and date (give or take a day) the page shows the shop's name, address, text on statements,
contact and what became of the money, and nothing else. All else gets one answer, after the same time; callers are
counted. Source: decision 0024.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.checkout.visit import fields_of, problem_texts, render
from recoup.doors.edge.rate import Buckets, check_rate, client_address
from recoup.doors.edge.tracing import request_id
from recoup.flows.world import World
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem, invalid
from recoup.rules.files.moments import typed_day
from recoup.rules.languages.catalogues import accepted_language
from recoup.rules.network.descriptor import statement_text
from recoup.store.cards.charges import ChargeFound, find_charges

log = structlog.get_logger()
ANSWER_SECONDS: Final = 0.4  # both answers take this long
AROUND: Final = timedelta(days=1)  # zones, and the days between paying and booking
STATUSES: Final = {"too_many_requests": 429, "unavailable": 503, "internal": 500}
_SLOWLY: Final = "Too many attempts in a short time."


class ChargePage:
    """Counts wrong answers: those of one address, and of all of them together, which is so many that some hundred
    addresses are needed to keep others out."""

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
            found = await self._find(given)
            if found:
                self._forgive(request)
        except Problem as problem:
            if problem.code != "too_many_requests":
                self._forgive(request)
            return self._page(request, given, problem=problem)
        except Exception as error:
            log.exception("unexpected", path="/charge", request=request_id(request.scope), error=type(error).__name__)
            ours = Problem("internal", "Something went wrong on our side.", cure="Please try again.")
            return self._page(request, given, problem=ours)
        await asyncio.sleep(max(0.0, started + ANSWER_SECONDS - clocks.monotonic()))
        return self._page(request, given, found=found)

    def _count(self, request: Request, now: float) -> None:
        """Raises: Problem(too_many_requests)."""
        try:
            check_rate(self._each, client_address(request.scope) or "", now)
            check_rate(self._all, "all", now)
        except Problem as problem:
            wait = problem.retry_after_seconds
            raise Problem(
                "too_many_requests", _SLOWLY, cure="Wait a minute, then try again.", retry_after_seconds=wait
            ) from None

    def _forgive(self, request: Request) -> None:
        """It was no guess: right, or nothing that could be looked up."""
        self._each.give_back(client_address(request.scope) or "")
        self._all.give_back("all")

    async def _find(self, given: dict[str, str]) -> list[ChargeFound]:
        """Raises: Problem(invalid) naming the field."""
        last4, asset = given.get("last4", ""), given.get("currency", "").upper()
        if not (len(last4) == 4 and last4.isascii() and last4.isdecimal()):
            raise invalid("Enter the card's last four digits.", "last4")
        if asset not in EXPONENTS:
            raise invalid("Enter the currency as three letters: USD.", "currency")
        try:
            units = from_text(given.get("amount", "").replace(",", "."), asset, "amount").units
        except Problem:
            message = "Enter the amount as shown on the statement: 19.99."
            raise invalid(message, "amount") from None
        since = datetime.combine(_day(given.get("date", "")), time.min, UTC) - AROUND
        return await find_charges(self._world.db.reader, last4, units, asset, since, since + 3 * AROUND)

    def _page(
        self,
        request: Request,
        given: dict[str, str],
        *,
        problem: Problem | None = None,
        found: list[ChargeFound] | None = None,
    ) -> Response:
        language = accepted_language(request.headers.get("accept-language", ""))
        message, cure = problem_texts(language, problem) if problem else ("", "")
        shown = None
        if found is not None:
            shown = [(f, _link(f.url), statement_text(f.descriptor, f.scheme)) for f in found]
        page = render(
            "charge.html",
            language,
            {
                "given": {name: given.get(name, "") for name in ("last4", "amount", "currency", "date")},
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
