"""The lines of a settlement as a spreadsheet, with the sums that its page shows."""

from collections.abc import AsyncIterator
from typing import Any, Final

from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.time import iso
from recoup.kit.lists.table import Kind
from recoup.kit.sheet import ROWS_MAX, sheet_file, too_many
from recoup.kit.world import World
from recoup.settlement.flows.settlement_report import all_lines, line_id
from recoup.settlement.store.batches import Batch, BatchLine

COLUMNS: Final[tuple[tuple[str, Kind], ...]] = (
    ("Kind", "plain"), ("Amount", "number"), ("Currency", "plain"), ("External order", "text"),
    ("Order id", "plain"), ("Descriptor", "text"), ("Placed (UTC)", "moment"),
    ("Booked (UTC)", "moment"), ("Note", "text"), ("Line id", "plain"), ("Settlement id", "plain"),
)  # fmt: skip


async def batch_sheet(world: World, batch: Batch) -> AsyncIterator[bytes]:
    """Amounts are + in the merchant's favour and add up to 0. Raises: Problem(invalid) for more
    than ROWS_MAX lines."""
    if batch.lines > ROWS_MAX:
        raise too_many()
    scale = EXPONENTS[batch.asset]
    batches = (
        [_cells(batch, row, scale) for row in rows] async for rows in all_lines(world, batch)
    )
    return await sheet_file("Lines", COLUMNS, batches)


def _cells(batch: Batch, row: BatchLine, scale: int) -> tuple[Any, ...]:
    return (
        row.kind,
        to_text(row.units, scale),
        batch.asset,
        row.external_id,
        row.order_id,
        row.descriptor,
        iso(row.placed_at) if row.placed_at else None,
        iso(row.business_at),
        row.note,
        line_id(row.posting_id, row.line_no),
        batch.batch_id,
    )
