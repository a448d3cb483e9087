"""Deletes what has served its time and is no record."""

from datetime import datetime

from recoup.store.homes import MERCHANT
from recoup.store.statement import Tx


@MERCHANT.statement("DELETE FROM refresh_tokens WHERE expires_at < $1")
async def forget_expired_tokens(db: Tx, now: datetime) -> None:
    """Nobody can use them any more."""
