"""Signatures work once. Committed without waiting for the disk: what a call does is written to it
after its signature. Where the table was lost, what was signed before is refused instead."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Row, Tx

BUCKET_SECONDS = 300
# One more than the window can reach back, for a timestamp may lie in the future.
BUCKETS_KEPT = 3


def bucket_of(seconds: int) -> int:
    return seconds // BUCKET_SECONDS


class Signature(Row):
    """`signature`: hex."""

    merchant_id: UUID
    bucket: int
    key_id: str
    signature: str


class _Taken(Row):
    since: datetime | None
    fresh: tuple[str, ...]


@MERCHANT.statement("""
WITH input AS MATERIALIZED (
  SELECT i.*, set_config('synchronous_commit', 'off', true)
  FROM jsonb_to_recordset($1) AS i (merchant_id uuid, bucket bigint, key_id text, signature text)
), fresh AS (
  INSERT INTO seen_signatures (merchant_id, bucket, key_id, signature)
  SELECT merchant_id, bucket, key_id, decode(signature, 'hex') FROM input ORDER BY 1, 2, 3, 4
  ON CONFLICT DO NOTHING RETURNING key_id, signature
)
SELECT (SELECT since FROM signatures_since) AS since,
  ARRAY(SELECT key_id || ' ' || encode(signature, 'hex') FROM fresh) AS fresh
""")
async def _take(db: Tx, signatures: Sequence[Signature]) -> _Taken: ...


async def take_signatures(
    db: Tx, signatures: Sequence[Signature]
) -> tuple[datetime | None, set[tuple[str, str]]]:
    """Takes signatures; returns which (key_id, signature) were not seen before, and since when all
    are known: None where that is not known."""
    taken = await _take(db, signatures)
    return taken.since, {
        (entry.partition(" ")[0], entry.partition(" ")[2]) for entry in taken.fresh
    }


@DIRECTORY.statement("INSERT INTO signatures_since (since) SELECT $1 ON CONFLICT DO NOTHING")
async def begin_signatures(db: Tx, since: datetime) -> None: ...


@MERCHANT.statement("DELETE FROM seen_signatures WHERE bucket < $1")
async def _forget(db: Tx, before: int) -> None: ...


async def forget_signatures(db: Tx, now: datetime) -> None:
    """Deletes signatures whose timestamps no call may carry any more."""
    await _forget(db, bucket_of(int(now.timestamp())) - BUCKETS_KEPT)
