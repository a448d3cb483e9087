"""Each version of what closed orders say about advances is what the weeks before it make today.

Source: decision 0079.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time
from typing import Any, Final
from uuid import UUID

from recoup.flows.threads import run_stoppable
from recoup.rules.money.advance_bounds import kept_tables, weeks_until
from recoup.store.cards.advance_bounds import kept_weeks
from recoup.store.insight.proofs.advances import KeptBounds, assets_bounded, kept_bounds
from recoup.store.insight.proofs.walk import Difference, text
from recoup.store.statement import Read

AT_ONCE: Final = 100
_Pair = tuple[str, Any, Any]  # what differs, what it should be, what is there


async def bounds(connection: Read, merchant_id: UUID) -> list[Difference]:
    """Of each asset the first version that differs: a week that was changed is in all that follow."""
    found = []
    for asset in await assets_bounded(connection, merchant_id):
        wrong = await _first_wrong(connection, merchant_id, asset)
        if wrong is not None:
            found.append(wrong)
    return found


async def _first_wrong(connection: Read, merchant_id: UUID, asset: str) -> Difference | None:
    last = 0
    while rows := await kept_bounds(connection, merchant_id, asset, last, AT_ONCE):
        for row in rows:
            if wrong := await _wrong(connection, merchant_id, asset, row, last + 1):
                name, expected, here = wrong
                field = f"{name} of version {row.version} of the bounds of advances in {asset}"
                return Difference(merchant_id, None, field, text(expected), text(here))
            last = row.version
    return None


async def _wrong(connection: Read, merchant_id: UUID, asset: str, row: KeptBounds, number: int) -> _Pair | None:
    if row.version != number:
        return "number", number, row.version
    until = weeks_until(datetime.combine(row.made_on, time(), UTC))
    if row.until != until:
        return "until", until, row.until
    weeks = await kept_weeks(connection, merchant_id, asset, row.until)
    try:
        again = await run_stoppable(kept_tables, [(week.begins, week.cells) for week in weeks], row.until)
    except (ValueError, LookupError, TypeError, ArithmeticError) as error:
        return "weeks", "ones that can be read", f"{type(error).__name__}: {error}"
    return next(_differing(again, row.tables), None)


def _differing(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[_Pair]:
    """From the name of a table and of its line, to the tenth."""
    for scored, table in expected.items():
        there = found.get(scored)
        if not isinstance(there, Mapping):
            yield f"table of the {scored}", table, there
            continue
        for name, line in table.items():
            if list(line) != there.get(name):
                yield f"{name} by the {scored}", list(line), there.get(name)
        yield from ((f"{name} by the {scored}", None, there[name]) for name in there.keys() - table.keys())
    yield from ((f"table of the {scored}", None, found[scored]) for scored in found.keys() - expected.keys())
