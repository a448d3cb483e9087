"""Attempts of an import again, as the world protocol's `history` with `ref`: what was imported can
be imported."""

from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any, Final
from uuid import UUID

from recoup.imports.flows.work import one_import
from recoup.imports.rules.attempt import Attempt
from recoup.imports.store.imported import attempts_of_import, bad_lines
from recoup.kernel.encode import encode
from recoup.kit.files.cells import csv_row
from recoup.kit.world import World

ROWS_AT_ONCE: Final = 5_000
HEAD: Final = ("line", "code", "reason")


async def history(world: World, merchant_id: UUID, import_id: UUID) -> AsyncIterator[bytes]:
    """JSON lines, in the file's order. No connection is held while a slow reader takes its time.

    Raises: Problem(not_found).
    """
    await one_import(world, merchant_id, import_id)
    after, ref = 0, ""
    while True:
        rows = await attempts_of_import(world.db, merchant_id, import_id, after, ref, ROWS_AT_ONCE)
        if not rows:
            return
        after, ref = rows[-1].row, rows[-1].ref
        yield b"".join(encode(history_row(row)) + b"\n" for row in rows)


async def lines_file(world: World, merchant_id: UUID, import_id: UUID) -> AsyncIterator[bytes]:
    """CSV of the lines from which nothing was taken, with the reason; what stood in them is not
    kept."""
    yield csv_row(HEAD).encode()
    after = 0
    while True:
        rows = await bad_lines(world.db, merchant_id, import_id, after, ROWS_AT_ONCE)
        if not rows:
            return
        after = rows[-1].line_no
        yield "".join(csv_row([row.line_no, row.code, str(row.why)]) for row in rows).encode()


def history_row(row: Attempt) -> dict[str, Any]:
    """Members that are not known are left out; `propensity` is null where the instant was not
    drawn."""
    card = {"first6": row.bin, "last4": row.last4, "scheme": row.scheme, "funding": row.funding}
    known = {
        "country": row.country,
        "utcOffsetMinutes": row.utc_offset,
        "attempt": row.attempt_no,
        "schemeCode": row.scheme_code,
        "adviceCode": row.advice_code,
        "processor": row.source,
        "processorCode": row.processor_code,
        "text": row.text,
        "card": {name: value for name, value in card.items() if value},
        "cardId": row.card,
        "guessed": row.guessed or None,
        "failedLater": row.failed_later or None,
        "modifiedAt": _at(row.modified_at) if row.modified_at else None,
    }
    return {
        "ref": row.ref,
        "provider": row.provider,
        "customerId": row.customer or None,
        "orderId": row.payment,
        "at": _at(row.at),
        "amount": row.units,
        "currency": row.asset,
        "approved": row.state == "approved",
        "state": row.state,
        **{name: value for name, value in known.items() if value not in (None, "", {})},
        "propensity": row.propensity,
    }


def _at(moment: Any) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")  # type: ignore[no-any-return]
