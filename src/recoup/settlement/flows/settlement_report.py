"""A batch for its merchant: its lines as CSV, and the settlement file that proves itself. Both a
part at a time."""

from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from recoup.kernel.ids import LOWEST, parse_id
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.texts import parse_whole
from recoup.kernel.time import iso
from recoup.kit.as_of import NOW, Cut
from recoup.kit.files.cells import Number, csv_row
from recoup.kit.world import World
from recoup.orders.store.sealed_pages import (
    PAGES_MAX,
    PostingContent,
    pages_of_batch,
    posting_contents,
    sealed_pages,
)
from recoup.settlement.flows.settle import close_pages_of
from recoup.settlement.rules.settlement_file import FORMAT, encoded
from recoup.settlement.store.batches import Batch, BatchLine, batch_lines, shown_batch
from recoup.terms.rules.settlement import COLUMNS

CSV_COLUMNS: Final = (
    "settlement_id", "line_id", "kind", "amount", "currency", "order_id", "external_order_id",
    "site_id", "descriptor", "date_placed_utc", "date_booked_utc", "source", "source_id", "note",
)  # fmt: skip
SEAL_TRIES: Final = 50


async def read_batch(world: World, merchant_id: UUID, batch_id: UUID, cut: Cut = NOW) -> Batch:
    """Raises: Problem(not_found), also for one that was not there yet."""
    row = await shown_batch(world.db, merchant_id, batch_id, cut)
    if row is None and cut.is_past:
        raise Problem(
            "not_found",
            "There was no such settlement then.",
            cure="Check the id, or name a later moment.",
        )
    if row is None:
        raise Problem(
            "not_found",
            "There is no such settlement.",
            cure="Check the id; see the list of settlements.",
        )
    return row


async def batch_csv(world: World, batch: Batch) -> AsyncIterator[bytes]:
    """UTF-8; amounts are decimals of the currency, + in the merchant's favour, and add up to 0."""
    yield csv_row(CSV_COLUMNS).encode()
    scale = EXPONENTS[batch.asset]
    async for rows in all_lines(world, batch):
        yield "".join(
            csv_row(
                (
                    batch.batch_id,
                    line_id(row.posting_id, row.line_no),
                    row.kind,
                    Number(to_text(row.units, scale)),
                    batch.asset,
                    row.order_id,
                    row.external_id,
                    row.site_id,
                    row.descriptor,
                    iso(row.placed_at) if row.placed_at else None,
                    iso(row.business_at),
                    row.source_kind,
                    row.source_id,
                    row.note,
                )
            )
            for row in rows
        ).encode()


async def settlement_file(world: World, batch: Batch) -> AsyncIterator[bytes]:
    """See settlement/rules/settlement_file. What the batch itself booked is sealed first.

    Raises: Problem(unavailable) when another process is closing the merchant's pages for too long.
    """
    low, high = await _sealed_span(world, batch.merchant_id, batch.batch_id)
    digest = sha256()
    async for text in _parts(world, batch, low, max(high, batch.page_to)):
        digest.update(text)
        yield text
    yield _part({"type": "end", "sha256": digest.hexdigest()})


async def _parts(world: World, batch: Batch, low: int, top: int) -> AsyncIterator[bytes]:
    """All but the end; pages from `low` to `top`."""
    merchant_id = batch.merchant_id
    yield _part(_head(batch))
    for first in range(low, top + 1, PAGES_MAX):
        pages = await sealed_pages(world.db, merchant_id, first, top)
        yield b"".join(
            _part(
                {
                    "type": "page",
                    "page": page.page_no,
                    "previousRoot": page.prev_root,
                    "root": page.root,
                    "sums": page.sums,
                    "postings": page.hashes,
                }
            )
            for page in pages
        )
    async for rows in all_lines(world, batch):
        contents = await posting_contents(world.db, merchant_id, {row.posting_id for row in rows})
        yield b"".join(_part(_line(row, contents[row.posting_id])) for row in rows)


def line_id(posting_id: UUID, line_no: int) -> str:
    """An entry of the ledger: its posting and its number there."""
    return f"{posting_id}.{line_no}"


def parse_line_id(text: str) -> tuple[UUID, int] | None:
    posting, _, number = text.partition(".")
    posting_id, line_no = parse_id(posting), parse_whole(number, 4)
    return None if posting_id is None or line_no is None else (posting_id, line_no)


async def all_lines(world: World, batch: Batch) -> AsyncIterator[list[BatchLine]]:
    """A connection for each part, so that a slow reader holds none."""
    after = (LOWEST, 0)
    while True:
        rows = await batch_lines(world.db, batch.merchant_id, batch.batch_id, after=after)
        if not rows:
            return
        yield rows
        after = (rows[-1].posting_id, rows[-1].line_no)


async def _sealed_span(world: World, merchant_id: UUID, batch_id: UUID) -> tuple[int, int]:
    for _ in range(SEAL_TRIES):
        span = await pages_of_batch(world.db, merchant_id, batch_id)
        if not span.unsealed:
            assert span.low is not None, "a batch has lines"
            assert span.high is not None
            return span.low, span.high
        await close_pages_of(world, merchant_id)
    raise Problem(
        "unavailable", "The ledger page of this settlement is being closed.", retry_after_seconds=1
    )


def _head(batch: Batch) -> dict[str, Any]:
    return {
        "type": "settlement",
        "format": FORMAT,
        "settlementId": batch.batch_id,
        "merchantId": batch.merchant_id,
        "currency": batch.asset,
        "scale": EXPONENTS[batch.asset],
        "periodFrom": iso(batch.period_from),
        "periodTo": iso(batch.period_to),
        "closed": iso(batch.closed_at),
        "page": batch.page_to,
        "root": batch.root.hex(),
        "amounts": {kind: batch.units(kind) for kind in COLUMNS},
        "payout": batch.payout_units,
        "lines": batch.lines,
    }


def _line(row: BatchLine, posting: PostingContent) -> dict[str, Any]:
    return {
        "type": "line",
        "lineId": line_id(row.posting_id, row.line_no),
        "kind": row.kind,
        "amount": row.units,
        "page": row.page_no,
        "position": row.position,
        "entry": row.line_no,
        "orderId": row.order_id,
        "externalOrderId": row.external_id,
        "siteId": row.site_id,
        "descriptor": row.descriptor,
        "placed": iso(row.placed_at) if row.placed_at else None,
        "booked": iso(row.business_at),
        "posting": [
            posting.merchant_id,
            posting.source_kind,
            posting.source_id,
            posting.recipe,
            posting.asset,
            posting.business_at,
            posting.entries,
        ],
    }


def _part(part: dict[str, Any]) -> bytes:
    return encoded(part) + b"\n"
