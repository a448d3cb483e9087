"""Parts of an export's file. All of a run stand in the partition of the day on which it began,
which is dropped when no file of it may be fetched any more."""

from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Tx


@MERCHANT.statement("""
INSERT INTO export_parts (merchant_id, run_id, part_no, packed) VALUES ($1, $2, $3, $4)
""")
async def add_part(db: Tx, merchant_id: UUID, run_id: UUID, part_no: int, packed: bytes) -> None:
    """Beside a beat of its run, which keeps others from taking over."""


@MERCHANT.statement(
    "SELECT packed FROM export_parts WHERE merchant_id = $1 AND run_id = $2 AND part_no = $3"
)
async def read_part(db: Read, merchant_id: UUID, run_id: UUID, part_no: int) -> bytes | None: ...


@MERCHANT.statement("DELETE FROM export_parts WHERE merchant_id = $1 AND run_id = $2")
async def drop_parts(db: Tx, merchant_id: UUID, run_id: UUID) -> None: ...
