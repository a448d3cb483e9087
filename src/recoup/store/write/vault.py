"""Cards into the vault: prints, sealed numbers, codes that live for an hour. Set-based, inserts only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

# Of all prints of a number (keys rotate) the one that is known decides which card it is; a new number takes the id
# offered. A race for the same new number is settled by reading again.
_PRINTS = """
SELECT key_id, print, card_id FROM card_prints
WHERE (key_id, print) IN (SELECT * FROM unnest($1::text[], $2::bytea[]))
"""
_NEW_PRINTS = """
INSERT INTO card_prints (key_id, print, card_id)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[]) ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
_VAULT = """
WITH v AS (
  INSERT INTO vault (merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek,
    nonce, ciphertext, created_at, issuer_digits)
  SELECT merchant_id, token_id, pan_id, magic, scheme, bin, last4, exp_month, exp_year, kek_id, wrapped_dek, nonce,
    ciphertext, created_at, issuer_digits
  FROM jsonb_populate_recordset(NULL::vault, $1)
  ON CONFLICT DO NOTHING
)
INSERT INTO cvv_once (merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at)
SELECT merchant_id, token_id, kek_id, wrapped_dek, nonce, ciphertext, created_at
FROM jsonb_populate_recordset(NULL::cvv_once, $2)
ON CONFLICT DO NOTHING
"""
_CODE = """
SELECT kek_id, wrapped_dek, nonce, ciphertext FROM cvv_once WHERE merchant_id = $1 AND token_id = $2
"""
_ISSUERS = """
UPDATE vault v SET issuer_digits = k.digits
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS k (merchant_id, token_id, digits)
WHERE v.merchant_id = k.merchant_id AND v.token_id = k.token_id AND v.issuer_digits = ''
  AND k.token_id = ANY (ARRAY[k.token_id])  -- true; see `changes._FEW`
"""
_FORGET = "DELETE FROM cvv_once WHERE created_at < $1"
CVV_KEPT = timedelta(hours=1)

Print = tuple[str, bytes]


async def find_prints(connection: asyncpg.Connection, prints: Sequence[Print]) -> dict[Print, UUID]:
    rows = await connection.fetch(_PRINTS, [p[0] for p in prints], [p[1] for p in prints])
    return {(r["key_id"], r["print"]): r["card_id"] for r in rows}


async def add_prints(connection: asyncpg.Connection, prints: Sequence[tuple[str, bytes, UUID]]) -> None:
    await connection.execute(_NEW_PRINTS, [p[0] for p in prints], [p[1] for p in prints], [p[2] for p in prints])


async def store_cards(
    connection: asyncpg.Connection, cards: list[dict[str, Any]], codes: list[dict[str, Any]]
) -> None:
    """`cards` and `codes`: rows of vault and cvv_once, bytea as `\\x` hex."""
    await connection.execute(_VAULT, cards, codes)


async def find_code(connection: asyncpg.Connection, merchant_id: UUID, token_id: UUID) -> asyncpg.Record | None:
    return await connection.fetchrow(_CODE, merchant_id, token_id)


async def note_issuers(connection: asyncpg.Connection, cards: Sequence[tuple[UUID, UUID, str]]) -> None:
    """The issuer's digits of cards that came before these were kept: merchant, token, digits."""
    if cards:
        await connection.execute(_ISSUERS, *(list(column) for column in zip(*cards, strict=True)))


async def forget_codes(connection: asyncpg.Connection, now: datetime) -> None:
    await connection.execute(_FORGET, now - CVV_KEPT)
