"""Values under older keys, page by page, and their change to the current ones; how much still needs
each key.

Each page is a statement of its own: a run after a kill begins again and finds what is left.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from recoup.db.statement import HUB, MERCHANT, Read
from recoup.kernel.ids import LOWEST

PAGE: Final = 500
SEALED_PAGE: Final = 50  # documents are large
START: Final = (LOWEST, LOWEST)


class Place(NamedTuple):
    """A column of sealed bytes. `keys` name its row; `owner`: what the bytes are sealed for, in
    SQL."""

    table: str
    keys: tuple[str, ...]
    column: str
    owner: tuple[str, ...]


WORLD: Final = (
    Place("merchants", ("merchant_id",), "webhook_key", ("merchant_id",)),
    Place("merchants", ("merchant_id",), "stablecoin_webhook_key", ("merchant_id",)),
    Place("endpoints", ("endpoint_id",), "own_key", ("coalesce(merchant_id, partner_id)",)),
    Place("endpoints", ("endpoint_id",), "previous_key", ("coalesce(merchant_id, partner_id)",)),
    Place("webhook_key_overlaps", ("merchant_id", "door"), "previous_key", ("merchant_id",)),
    Place("signing_keys", ("key_id",), "secret", ("key_id",)),
    Place("handovers", ("merchant_id", "handover_id"), "sealed", ("handover_id",)),
    Place("application_documents", ("document_id",), "sealed", ("application_id", "document_id")),
    Place("dispute_files", ("merchant_id", "file_id"), "sealed", ("dispute_id", "file_id")),
    Place("bank_accounts", ("merchant_id", "account_id"), "sealed", ("account_id",)),
    Place("bank_accounts", ("merchant_id", "account_id"), "deposits", ("account_id",)),
    Place("bank_payouts", ("merchant_id", "payout_id"), "file", ("payout_id",)),
    Place("card_routes", ("name",), "connection", ("name",)),
)  # fmt: skip
PEOPLE: Final = (
    Place("second_factors", ("user_id",), "sealed_secret", ("user_id",)),
    Place("second_factors", ("user_id",), "sealed_offer", ("user_id",)),
    Place("invitations", ("invitation_id",), "sealed_token", ("invitation_id",)),
)  # fmt: skip
# Format byte, then the id of the key: see outside/keys/sealing.
_SEALED: Final = {
    place: f"""
SELECT {", ".join((place.column, *place.keys, *place.owner))} FROM {place.table}
WHERE {place.column} IS NOT NULL AND substring({place.column} from 2 for 8) <> decode($1, 'hex')
LIMIT {SEALED_PAGE}
"""
    for place in (*WORLD, *PEOPLE)  # noqa: S608 - names of ours
}
_RESEAL: Final = {
    place: f"UPDATE {place.table} SET {place.column} = $1 WHERE {place.column} = $2 AND "
    + " AND ".join(f"{key} = ${n}" for n, key in enumerate(place.keys, 3))
    for place in (*WORLD, *PEOPLE)
}
_SEALED_BY: Final = {
    place: f"""
SELECT encode(substring({place.column} from 2 for 8), 'hex') AS key_id, count(*) AS count
  FROM {place.table}
WHERE {place.column} IS NOT NULL GROUP BY 1
"""
    for place in (*WORLD, *PEOPLE)  # noqa: S608
}


class SealedValue(NamedTuple):
    """Value in a place, with the values of its `keys` and of its `owner`."""

    found: bytes
    keys: tuple[UUID | str, ...]
    owner: tuple[UUID | str, ...]


async def sealed_page(db: Read, place: Place, current: str) -> list[SealedValue]:
    """Some whose column is not sealed by the current key."""
    behind = 1 + len(place.keys)
    records = await db.fetch(_SEALED[place], current)
    return [
        SealedValue(record[0], tuple(record[1:behind]), tuple(record[behind:]))
        for record in records
    ]


async def reseal(
    connection: asyncpg.Connection, place: Place, rows: Sequence[tuple[bytes, SealedValue]]
) -> None:
    """`rows`: the bytes to be, and what was found; one that changed since stays."""
    await connection.executemany(
        _RESEAL[place], [(made, row.found, *row.keys) for made, row in rows]
    )


@MERCHANT.statement("""
SELECT kek_id, count(*) AS count FROM (
  SELECT kek_id FROM vault WHERE kek_id IS NOT NULL UNION ALL SELECT kek_id FROM cvv_once) k
    GROUP BY 1
""")
async def _wrapped_by(db: Read) -> dict[str, int]: ...


# A card whose number is known by older prints alone would be another card to a ring without their
# keys.
@HUB.statement("""
SELECT key_id, count(*) AS count FROM card_prints p WHERE key_id = $1 OR NOT EXISTS (
  SELECT FROM card_prints n WHERE n.key_id = $1 AND n.card_id = p.card_id)
GROUP BY 1
""")
async def _printed_by(db: Read, current: str) -> dict[str, int]: ...


async def needs_of_world(db: Read, current_print: str | None) -> dict[tuple[str, str], int]:
    """(purpose, key id) -> how much cannot be read, or would not be known again, without that key.
    `current_print`: None without a vault."""
    needs = {("card", key_id): count for key_id, count in (await _wrapped_by(db)).items()}
    needs |= {
        ("print", key_id): count
        for key_id, count in (await _printed_by(db, current_print or "")).items()
    }
    return needs | await _sealed_by(db, WORLD)


async def needs_of_people(db: Read) -> dict[tuple[str, str], int]:
    return await _sealed_by(db, PEOPLE)


async def _sealed_by(db: Read, places: Sequence[Place]) -> dict[tuple[str, str], int]:
    needs: dict[tuple[str, str], int] = {}
    for place in places:
        for row in await db.fetch(_SEALED_BY[place]):
            key = ("seal", row["key_id"])
            needs[key] = needs.get(key, 0) + row["count"]
    return needs
