"""Cards that are one: what is sent of any of them counts for each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import HUB, Read, Tx

# Of a card `{0}` the array of all that are one with it, for a lateral join.
SAME_CARDS: Final = """(SELECT h.head_id || ARRAY(SELECT o.card_id FROM cards o
  WHERE o.joined_to = h.head_id) AS cards
  FROM (SELECT coalesce((SELECT c.joined_to FROM cards c WHERE c.card_id = {0}),
    {0}) AS head_id) h)"""


@HUB.statement("SELECT join_cards($1, $2)")
async def join_cards(db: Tx, same: Sequence[UUID], at: datetime) -> None:
    """Joins cards for good, and once, however often it is said. A card that was never sent is
    made."""


async def are_joined(db: Read, same: Sequence[UUID]) -> bool:
    """Unlocked: true stays true."""
    heads = await _heads(db, same)
    return len(heads) == len(set(same)) and len(set(heads)) == 1


@HUB.statement("SELECT coalesce(joined_to, card_id) FROM cards WHERE card_id = ANY($1::uuid[])")
async def _heads(db: Read, same: Sequence[UUID]) -> list[UUID]:
    """Heads of the cards that have a row."""


@HUB.statement("""
SELECT max(o.joined_at) FROM cards c
JOIN cards o ON o.card_id = c.card_id OR o.joined_to = coalesce(c.joined_to, c.card_id)
WHERE c.card_id = $1
""")
async def last_joined_at(db: Read, card_id: UUID) -> datetime | None:
    """The time when it last became one with another; None: it is joined with no other."""
