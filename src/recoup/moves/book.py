"""Postings as rows of one write."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from recoup.kernel.ids import new_id
from recoup.kernel.time import BusinessTime, WallTime
from recoup.rules.money.ledger import Posting
from recoup.store.write.changes import Rows

_encode = msgspec.json.Encoder(order="sorted").encode


def book(
    rows: Rows, merchant_id: UUID, asset: str, source_kind: str, source_id: UUID, postings: Iterable[Posting], *,
    now: BusinessTime, wall: WallTime, order_id: UUID | None = None, available_at: datetime | None = None,
) -> None:  # fmt: skip
    """Once per (source, recipe): a second time the database refuses it. `available_at`: from when on a settlement may
    take it; now, unless it is told."""
    for posting in postings:
        if sum(e.units for e in posting.entries):
            raise AssertionError(f"{posting.recipe} does not balance")
        posting_id = new_id()
        content = [merchant_id, source_kind, source_id, posting.recipe, asset, now, [list(e) for e in posting.entries]]
        rows.postings.append({
            "merchant_id": merchant_id, "posting_id": posting_id, "source_kind": source_kind, "source_id": source_id,
            "recipe": posting.recipe, "order_id": order_id, "content_hash": "\\x" + content_hash(content),
            "business_at": now, "recorded_at": wall,
        })  # fmt: skip
        for number, entry in enumerate(posting.entries, 1):
            rows.entries.append({
                "merchant_id": merchant_id, "posting_id": posting_id, "line_no": number, "account": entry.account,
                "asset": asset, "place": entry.place, "units": entry.units, "available_at": available_at or now,
            })  # fmt: skip


def content_hash(content: list[Any]) -> str:
    """What a posting says, as hex of SHA-256; the page's root is built over these."""
    return hashlib.sha256(_encode(content)).hexdigest()
