"""/charge, "What is this charge?": a cardholder learns which shop stands behind a line of a statement.

Who knows last four, amount and date (give or take a day) is told the shop's name, address, text on statements, contact
and what became of the money, and nothing else. All else gets one answer, after the same time; callers are counted.
Source: decision 0024.
"""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from recoup.doors.checkout.templates import render
from recoup.doors.edge.rate import Buckets, check_rate, client_address
from recoup.doors.edge.tracing import request_id
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.kernel.world import World
from recoup.rules.network.descriptor import statement_text
from recoup.store.read.charges import ChargeFound, find_charges

log = structlog.get_logger()
ANSWER_SECONDS: Final = 0.4  # both answers take this long
AROUND: Final = timedelta(days=1)  # zones, and the days between paying and booking
FIRST_YEAR, LAST_YEAR = 2000, 2100
STATES: Final = {
    "charged": "Charged.",
    "part_refunded": "Charged. A part of it was refunded.",
    "refunded": "Charged, then refunded in full.",
    "held": "Held on the card, not charged yet.",
    "returned": "Given back: the payment did not go through in time.",
}


class ChargePage:
    """Counts its callers in this process's memory: one address alone, and all of them together."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._each = Buckets(per_second=1 / 10, burst=6)
        self._all = Buckets(per_second=10, burst=50, keys_max=1)

    async def form(self, request: Request) -> Response:
        return self._page({})

    async def look_up(self, request: Request) -> Response:
        clocks = self._world.clocks
        started = clocks.monotonic()
        given: dict[str, str] = {}
        try:
            check_rate(self._each, client_address(request.scope) or "", started)
            check_rate(self._all, "all", started)
            given = {name: str(value).strip()[:40] for name, value in (await request.form()).items()}
            found = await self._find(given)
        except Problem as problem:
            return self._page(given, problem=problem)
        except HTTPException:
            return self._page(given, problem=Problem("invalid", "This form cannot be read.", cure="Send it again."))
        except Exception as error:
            log.exception("unexpected", path="/charge", request=request_id(request.scope), error=type(error).__name__)
            return self._page(given, problem=Problem("internal", "Something went wrong on our side.",
                                                     cure="Please try again."))  # fmt: skip
        await asyncio.sleep(max(0.0, started + ANSWER_SECONDS - clocks.monotonic()))
        return self._page(given, found=found)

    async def _find(self, given: dict[str, str]) -> list[ChargeFound]:
        """Raises: Problem(invalid) naming the field."""
        last4, asset = given.get("last4", ""), given.get("currency", "").upper()
        if not (len(last4) == 4 and last4.isascii() and last4.isdecimal()):
            raise Problem("invalid", "Fill in the card's last four digits.", field="last4")
        if asset not in EXPONENTS:
            raise Problem("invalid", "Fill in the currency as three letters: USD.", field="currency")
        amount = from_text(given.get("amount", "").replace(",", "."), asset, "amount")
        day = _day(given.get("date", ""))
        since = datetime.combine(day, time.min, UTC) - AROUND
        async with self._world.db.connection() as connection:
            return await find_charges(connection, last4, amount.units, asset, since, since + 3 * AROUND)

    def _page(
        self, given: dict[str, str], *, problem: Problem | None = None, found: list[ChargeFound] | None = None
    ) -> Response:
        shown: list[dict[str, Any]] | None = None
        if found is not None:
            shown = [
                {"name": f.name, "url": f.url, "support": f.support, "state": STATES[f.state],
                 "statement": statement_text(f.descriptor, f.scheme), "link": _link(f.url)}
                for f in found
            ]  # fmt: skip
        status = {"too_many_requests": 429, "unavailable": 503, "internal": 500}.get(problem.code, 400) if problem \
            else 200  # fmt: skip
        page = render("charge.html", "en", {
            "given": {name: given.get(name, "") for name in ("last4", "amount", "currency", "date")},
            "problem": problem, "found": shown, "test": self._world.policy.test_mode,
        }, status=status)  # fmt: skip
        if problem and problem.retry_after_seconds:
            page.headers["retry-after"] = str(problem.retry_after_seconds)
        return page


def _day(text: str) -> date:
    """Raises: Problem(invalid)."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Problem("invalid", "Fill in the day as it stands on the statement: 2026-01-31.", field="date")
    return day


def _link(url: str) -> str | None:
    """A site's address may lack its scheme; only a plain web address becomes a link."""
    whole = url if "//" in url else f"https://{url}"
    return whole if whole.startswith(("https://", "http://")) else None
