"""How many notices processors sent lately."""

from datetime import datetime

from recoup.store.homes import DIRECTORY
from recoup.store.statement import Read, statement


@statement(
    DIRECTORY,
    """
SELECT route, sum(count)::bigint AS count FROM processor_notice_counts
WHERE day >= ($1::timestamptz AT TIME ZONE 'UTC')::date GROUP BY route ORDER BY route
""",
)
async def notices_since(db: Read, since: datetime) -> dict[str, int]:
    """By route, from the day of that moment on; signed ones, of which some were repeated or unknown."""
