"""Records of the sandbox's processor and channels, as a file that `recoup reconcile` reads."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.bank.store.accounts import payouts_sent
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.kit.report_spans import Span
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.processors.gateways.port import StatementLine

BOOKS = ("processor", "channel", "bank")
HEADER = ("id", "reference", "type", "amount", "currency", "date", "route")
LONG_AGO, FAR_AHEAD = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


async def sandbox_statement(
    world: World,
    merchant_id: UUID,
    book: str,
    period: Span | None = None,
    currency: str | None = None,
) -> AsyncIterator[str]:
    """`book`: processor, channel, or bank, whose sandbox twin knows what our files told it. Dates
    are the merchant's business time; a channel lives by the wall, so its dates are moved by what
    the merchant's clock is moved now.

    Raises: Problem(forbidden) outside a sandbox; Problem(not_found) for an unknown merchant.
    """
    if not world.policy.test_mode:
        raise Problem(
            "forbidden",
            "Statements are available only from the sandbox's simulated processors.",
            cure="Ask the processor for its statement.",
        )
    offset = await known_offset(world.db, merchant_id)
    yield HEAD
    begin, end = period or (LONG_AGO, FAR_AHEAD)
    moved = timedelta(microseconds=offset) if book == "channel" else timedelta(0)
    if book == "bank":
        for line in await payouts_sent(world.db, merchant_id):
            if begin <= line.at < end and currency in (None, line.currency):
                yield statement_line(line, "", timedelta(0))
        return
    for name in (
        world.channels if book == "channel" else world.routes.visible(world.processors, merchant_id)
    ):
        counterpart: Any = world.channels[name] if book == "channel" else world.processors[name]
        if not hasattr(counterpart, "movements"):  # a plugged world gives no statement
            continue
        async for lines in counterpart.movements(merchant_id, begin - moved, end - moved):
            for line in lines:
                if currency in (None, line.currency):
                    yield statement_line(line, name, moved)


def statement_line(line: StatementLine, route: str, moved: timedelta) -> str:
    """A row below HEAD. `moved`: of its date."""
    amount = to_text(line.units, EXPONENTS[line.currency])
    return _row(
        (
            line.id or "",
            line.reference,
            line.type,
            amount,
            line.currency,
            iso(line.at + moved),
            route,
        )
    )


def _row(cells: tuple[object, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()


HEAD: Final = _row(HEADER)
