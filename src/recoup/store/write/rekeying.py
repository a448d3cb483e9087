"""What stands under older keys, page by page, and its change to the current ones; how much still needs each key.

Each page is a statement of its own: whoever is killed on the way begins again and finds what is left.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.kernel.ids import LOWEST

PAGE: Final = 500
SEALED_PAGE: Final = 50  # documents are large
START: Final = (LOWEST, LOWEST)


class Place(NamedTuple):
    """A column of sealed bytes; `keys` name its row."""

    table: str
    keys: tuple[str, ...]
    column: str


WORLD: Final = (
    Place("merchants", ("merchant_id",), "webhook_key"), Place("merchants", ("merchant_id",), "stablecoin_webhook_key"),
    Place("endpoints", ("endpoint_id",), "own_key"), Place("endpoints", ("endpoint_id",), "previous_key"),
    Place("webhook_key_overlaps", ("merchant_id", "door"), "previous_key"),
    Place("signing_keys", ("key_id",), "secret"), Place("handovers", ("merchant_id", "handover_id"), "sealed"),
    Place("application_documents", ("document_id",), "sealed"),
    Place("dispute_files", ("merchant_id", "file_id"), "sealed"),
    Place("bank_accounts", ("merchant_id", "account_id"), "sealed"),
    Place("bank_accounts", ("merchant_id", "account_id"), "deposits"),
    Place("bank_payouts", ("merchant_id", "payout_id"), "file"),
)  # fmt: skip
PEOPLE: Final = (
    Place("second_factors", ("user_id",), "sealed_secret"), Place("second_factors", ("user_id",), "sealed_offer"),
    Place("invitations", ("invitation_id",), "sealed_token"),
)  # fmt: skip
# Format byte, then the id of the key: see gateways/keys/sealing.
_SEALED: Final = {
    place: f"""
SELECT *, {place.column} AS found FROM {place.table}
WHERE {place.column} IS NOT NULL AND substring({place.column} from 2 for 8) <> decode($1, 'hex')
LIMIT {SEALED_PAGE}
""" for place in (*WORLD, *PEOPLE)  # noqa: S608 - names of ours
}  # fmt: skip
_RESEAL: Final = {
    place: f"UPDATE {place.table} SET {place.column} = $1 WHERE {place.column} = $2 AND "  # noqa: S608
    + " AND ".join(f"{key} = ${n}" for n, key in enumerate(place.keys, 3))
    for place in (*WORLD, *PEOPLE)
}
_SEALED_BY: Final = {
    place: f"""
SELECT encode(substring({place.column} from 2 for 8), 'hex') AS key_id, count(*) AS count FROM {place.table}
WHERE {place.column} IS NOT NULL GROUP BY 1
""" for place in (*WORLD, *PEOPLE)  # noqa: S608
}  # fmt: skip
_CARDS = """
SELECT merchant_id, token_id, pan_id, kek_id, wrapped_dek, nonce, ciphertext, issuer_digits FROM vault
WHERE (merchant_id, token_id) > ($1, $2) ORDER BY merchant_id, token_id LIMIT $3
"""
_REWRAP = """
UPDATE vault v SET kek_id = $1, wrapped_dek = n.wrapped_dek
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[]) AS n(merchant_id, token_id, kek_id, wrapped_dek)
WHERE v.merchant_id = n.merchant_id AND v.token_id = n.token_id AND v.kek_id = n.kek_id
"""
_WRAPPED_BY = """
SELECT kek_id AS key_id, count(*) AS count
FROM (SELECT kek_id FROM vault UNION ALL SELECT kek_id FROM cvv_once) k GROUP BY 1
"""
_COUNT_CARDS = "SELECT count(*) FROM vault"
# A card whose number is known by older prints alone would be another card to a ring without their keys.
_PRINTED_BY = """
SELECT key_id, count(*) AS count FROM card_prints p WHERE key_id = $1 OR NOT EXISTS (
  SELECT FROM card_prints n WHERE n.key_id = $1 AND n.card_id = p.card_id)
GROUP BY 1
"""


async def sealed_page(connection: asyncpg.Connection, place: Place, current: str) -> list[asyncpg.Record]:
    """Some rows whose column is not sealed by the current key; `found` is what stands there."""
    return list(await connection.fetch(_SEALED[place], current))


async def reseal(connection: asyncpg.Connection, place: Place, rows: Sequence[tuple[bytes, Any]]) -> None:
    """`rows`: the bytes to be, and the row as it was found; one that changed since stays."""
    await connection.executemany(
        _RESEAL[place], [(made, row["found"], *(row[key] for key in place.keys)) for made, row in rows]
    )


async def card_page(connection: asyncpg.Connection, after: tuple[UUID, UUID]) -> list[asyncpg.Record]:
    return list(await connection.fetch(_CARDS, *after, PAGE))


async def rewrap_cards(connection: asyncpg.Connection, current: str, rows: Sequence[tuple[Any, bytes]]) -> None:
    """`rows`: a card as it was found, and its key wrapped by the current one."""
    await connection.execute(
        _REWRAP, current, [row["merchant_id"] for row, _ in rows], [row["token_id"] for row, _ in rows],
        [row["kek_id"] for row, _ in rows], [wrapped for _, wrapped in rows],
    )  # fmt: skip


async def count_cards(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval(_COUNT_CARDS))


async def needs_of_world(connection: asyncpg.Connection, current_print: str) -> dict[tuple[str, str], int]:
    """(purpose, key id) -> how much cannot be read, or would not be known again, without that key."""
    found = {("card", row["key_id"]): row["count"] for row in await connection.fetch(_WRAPPED_BY)}
    found |= {("print", row["key_id"]): row["count"] for row in await connection.fetch(_PRINTED_BY, current_print)}
    return found | await _sealed_by(connection, WORLD)


async def needs_of_people(connection: asyncpg.Connection) -> dict[tuple[str, str], int]:
    return await _sealed_by(connection, PEOPLE)


async def _sealed_by(connection: asyncpg.Connection, places: Sequence[Place]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for place in places:
        for row in await connection.fetch(_SEALED_BY[place]):
            key = ("seal", row["key_id"])
            found[key] = found.get(key, 0) + row["count"]
    return found
