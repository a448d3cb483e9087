"""Which cell has a merchant."""

from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Tx


@DIRECTORY.statement("SELECT cell FROM merchants_cells WHERE merchant_id = $1")
async def cell_of(db: Read, merchant_id: UUID) -> int | None:
    """None: no merchant, or one of the first cell's from before there were several."""


@DIRECTORY.statement("SELECT cell FROM cells ORDER BY cell")
async def list_cells(db: Read) -> list[int]: ...


@DIRECTORY.statement("""
INSERT INTO merchants_cells (merchant_id, cell) SELECT $1, $2 ON CONFLICT DO NOTHING
""")
async def _settle(db: Tx, merchant_id: UUID, cell: int) -> None: ...


async def settle_in(db: Tx, merchant_id: UUID, cell: int) -> bool:
    """False for a merchant of another cell."""
    await _settle(db, merchant_id, cell)
    return await cell_of(db, merchant_id) == cell
