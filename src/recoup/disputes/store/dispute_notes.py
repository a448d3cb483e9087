"""Records about disputes beside their orders: notes, the contract, notices that somebody has dealt
with."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Tx, columns_of
from recoup.networks.disputes import Terms


@MERCHANT.statement("""
SELECT FROM disputes WHERE merchant_id = $1 AND dispute_id = $2 FOR NO KEY UPDATE
""")
async def lock_dispute(db: Tx, merchant_id: UUID, dispute_id: UUID) -> None:
    """Locks a dispute, so that what is added to it is counted one by one."""


@MERCHANT.statement("""
WITH standing AS MATERIALIZED (
  SELECT count(*) AS notes FROM dispute_notes WHERE merchant_id = $1 AND dispute_id = $3
)
INSERT INTO dispute_notes (merchant_id, note_id, dispute_id, text, actor, business_at)
SELECT $1, $2, $3, $4, $5, $6 FROM standing WHERE notes < $7
RETURNING true
""")
async def insert_note(
    db: Tx,
    merchant_id: UUID,
    note_id: UUID,
    dispute_id: UUID,
    text: str,
    actor: str,
    business_at: datetime,
    notes_max: int,
) -> bool:
    """Adds a note, under the dispute's lock. False when it has as many as it may."""


@MERCHANT.statement(
    "SELECT file_id FROM dispute_files WHERE merchant_id = $1 AND dispute_id = $2 AND sha256 = $3"
)
async def same_file(db: Read, merchant_id: UUID, dispute_id: UUID, sha256: bytes) -> UUID | None:
    """The one with these bytes."""


@MERCHANT.statement("""
WITH standing AS MATERIALIZED (
  SELECT count(*) AS files FROM dispute_files WHERE merchant_id = $1 AND dispute_id = $3
)
INSERT INTO dispute_files (merchant_id, file_id, dispute_id, name, media_type, bytes, sha256,
  sealed, actor,
  business_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 FROM standing WHERE files < $11
RETURNING file_id
""")
async def insert_file(
    db: Tx,
    merchant_id: UUID,
    file_id: UUID,
    dispute_id: UUID,
    name: str,
    media_type: str,
    size: int,
    sha256: bytes,
    sealed: bytes,
    actor: str,
    business_at: datetime,
    files_max: int,
) -> UUID | None:
    """Adds an evidence file, under the dispute's lock. None when it has as many as it may."""


_COLUMNS: Final = columns_of(Terms)


@MERCHANT.statement(f"""
INSERT INTO dispute_terms (merchant_id, terms_id, actor, made_at, business_at, {_COLUMNS})
SELECT $1, $2, $3, $4, $5, {_COLUMNS} FROM jsonb_populate_record(NULL::dispute_terms, $6)
ON CONFLICT (merchant_id, asset, valid_from) DO NOTHING RETURNING true
""")
async def insert_terms(
    db: Tx,
    merchant_id: UUID,
    terms_id: UUID,
    actor: str,
    made_at: datetime,
    business_at: datetime,
    terms: Terms,
) -> bool:
    """Adds terms; False when terms of that currency begin at that instant already."""


@MERCHANT.statement("""
UPDATE dispute_notices SET state = 'settled', why = $4
WHERE merchant_id = $1 AND route = $2 AND notice_id = $3 AND state = 'unmatched' RETURNING true
""")
async def settle_notice(db: Tx, merchant_id: UUID, route: str, notice_id: str, why: str) -> bool:
    """Somebody has dealt with it. False when it does not wait."""
