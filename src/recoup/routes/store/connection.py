"""Credentials that a merchant has to connect with."""

from datetime import datetime
from uuid import UUID

from recoup.db.statement import DIRECTORY, Read, Row


class WorkingKeys(Row):
    """Counts of working keys; of the API's those that allow payments."""

    api_keys: int
    tokenization_keys: int


@DIRECTORY.statement("""
SELECT
  (SELECT count(*) FROM api_keys a WHERE a.merchant_id = $1 AND a.revoked_at IS NULL
    AND coalesce(a.retires_at > $2, true) AND a.scopes && ARRAY['payments',
      'payments:write']) AS api_keys,
  (SELECT count(*) FROM tokenization_keys t WHERE t.merchant_id = $1 AND t.revoked_at IS NULL
    AND coalesce(t.retires_at > $2, true)) AS tokenization_keys
""")
async def count_keys(db: Read, merchant_id: UUID, at: datetime) -> WorkingKeys:
    """Counts the keys that work `at` that wall time."""
