"""Postings as rows of one write."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from recoup.kernel.encode import encode_sorted
from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime, WallTime
from recoup.orders.rules.ledger import Posting
from recoup.orders.store.changes import Rows
from recoup.orders.store.rows import EntryRow, PostingRow


def book(
    rows: Rows,
    merchant_id: UUID,
    asset: str,
    source_kind: str,
    source_id: UUID,
    postings: Iterable[Posting],
    *,
    now: BusinessTime,
    wall: WallTime,
    order_id: UUID | None = None,
    available_at: datetime | None = None,
) -> None:
    """Books postings once per (source, recipe): a second time the database refuses it.
    `available_at`: from when on a settlement may take it; now, unless it is given."""
    for posting in postings:
        if sum(e.units for e in posting.entries):
            raise AssertionError(f"{posting.recipe} does not balance")
        posting_id = new_id()
        content = [
            merchant_id,
            source_kind,
            source_id,
            posting.recipe,
            asset,
            now,
            [list(e) for e in posting.entries],
        ]
        rows.postings.append(
            PostingRow(
                merchant_id,
                posting_id,
                source_kind,
                source_id,
                posting.recipe,
                order_id,
                _digest(content),
                now,
                wall,
            )
        )
        for number, entry in enumerate(posting.entries, 1):
            rows.entries.append(
                EntryRow(
                    merchant_id,
                    posting_id,
                    number,
                    entry.account,
                    asset,
                    entry.place,
                    entry.units,
                    available_at or now,
                )
            )


def content_hash(content: list[Any]) -> str:
    """The content of a posting, as hex of SHA-256; the page's root is built over these."""
    return _digest(content).hex()


def _digest(content: list[Any]) -> bytes:
    return hashlib.sha256(encode_sorted(content)).digest()
