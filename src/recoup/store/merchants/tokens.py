"""Refresh tokens, kept as keyed hashes; each works once."""

from datetime import datetime

from recoup.store.homes import DIRECTORY, MERCHANT
from recoup.store.statement import Tx


@MERCHANT.statement("INSERT INTO refresh_tokens VALUES ($1, $2, $3)")
async def add_refresh_token(db: Tx, token_hash: bytes, app_key: str, expires_at: datetime) -> None: ...


@MERCHANT.statement("DELETE FROM refresh_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING app_key")
async def take_refresh_token(db: Tx, token_hash: bytes, now: datetime) -> str | None:
    """The app key it was given to, or None when it is unknown, used or too old."""


@DIRECTORY.statement("UPDATE api_keys SET first_token_at = $2 WHERE app_key = $1 AND first_token_at IS NULL")
async def note_first_token(db: Tx, app_key: str, at: datetime) -> None:
    """Writes once in a key's life."""
