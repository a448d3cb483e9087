"""Closer of committed rows, merchant by merchant, under its own lock: the feed and the pages.

Writers never wait for it: they only insert. Numbers are given here, in the order of commits as far
as anyone can see, and without gaps. The functions are in `schema/world/90_functions.sql`.
"""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Tx


@MERCHANT.statement("SELECT DISTINCT merchant_id FROM outbox_queue")
async def merchants_with_events(db: Read) -> list[UUID]:
    """Merchants with events that have no number yet."""


@MERCHANT.statement("SELECT DISTINCT merchant_id FROM postings_queue")
async def merchants_with_postings(db: Read) -> list[UUID]:
    """Merchants with postings that are in no page yet."""


@MERCHANT.statement("SELECT true FROM closers WHERE merchant_id = $1 FOR UPDATE SKIP LOCKED")
async def lock_closer(db: Tx, merchant_id: UUID) -> bool:
    """Locks the merchant's closer; False when another process is closing this merchant right
    now."""


@MERCHANT.statement("SELECT feed_events($1, $2, $3)")
async def feed_events(db: Tx, merchant_id: UUID, limit: int, wall: datetime) -> int:
    """Numbers committed events and opens the lanes of the endpoints that want them. Under the
    closer's lock."""


@MERCHANT.statement("SELECT close_page($1, $2, $3)")
async def close_page(db: Tx, merchant_id: UUID, limit: int, wall: datetime) -> int:
    """Seals committed postings into the next page; answers how many. Under the closer's lock."""
