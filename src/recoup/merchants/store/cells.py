"""Which cell has a merchant, and how full each is."""

from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx


@DIRECTORY.statement("SELECT cell FROM merchants_cells WHERE merchant_id = $1")
async def cell_of(db: Read, merchant_id: UUID) -> int | None:
    """None: no merchant, or one of the first cell's from before there were several."""


@DIRECTORY.statement("""
INSERT INTO merchants_cells (merchant_id, cell) VALUES ($1, $2) ON CONFLICT DO NOTHING
""")
async def _settle(db: Tx, merchant_id: UUID, cell: int) -> None: ...


async def settle_in(db: Tx, merchant_id: UUID, cell: int) -> bool:
    """False for a merchant of another cell."""
    await _settle(db, merchant_id, cell)
    return await cell_of(db, merchant_id) == cell


@DIRECTORY.statement("""
SELECT merchant_id FROM api_keys WHERE app_key = $1
UNION ALL SELECT merchant_id FROM tokenization_keys WHERE environment_key = $1
UNION ALL SELECT merchant_id FROM signing_keys WHERE key_id = $1
LIMIT 1
""")
async def merchant_of_key(db: Read, key: str) -> UUID | None: ...


class Filling(Row):
    """What a cell holds. `events`: of all feeds, by which its size goes."""

    merchants: int
    events: int


@MERCHANT.statement("""
SELECT count(*) AS merchants, coalesce(sum(feed_no), 0)::bigint AS events FROM closers
""")
async def filling(db: Read) -> Filling: ...
