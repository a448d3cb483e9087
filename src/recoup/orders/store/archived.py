"""Orders that left for an archive: which file has each."""

from uuid import UUID

from recoup.db.statement import MERCHANT, Read
from recoup.kernel.problem import Problem, Sentence


@MERCHANT.statement("""
SELECT a.file FROM archived_orders o JOIN archives a USING (merchant_id, archive_id)
WHERE o.merchant_id = $1 AND o.order_id = $2
""")
async def _file_of(db: Read, merchant_id: UUID, order_id: UUID) -> str | None: ...


async def check_archived(db: Read, merchant_id: UUID, order_id: UUID) -> None:
    """Raises: Problem(not_found) that names the file, for an order that left."""
    file = await _file_of(db, merchant_id, order_id)
    if file is not None:
        raise Problem(
            "not_found",
            Sentence("This order was archived, in {0}.", file),
            cure="The operator can put it back: `recoup archive put-back FILE`.",
        )


async def not_found(db: Read, merchant_id: UUID, order_id: UUID, cure: str) -> Problem:
    """What is answered for an order that is not in the database. `cure`: where it never was."""
    try:
        await check_archived(db, merchant_id, order_id)
    except Problem as archived:
        return archived
    return Problem("not_found", "There is no such order.", cure=cure)
