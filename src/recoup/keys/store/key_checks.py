"""The check values of the keys that a database was written with: each database has its own."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, PEOPLE, Read, Row, Tx
from recoup.outside.keys.sealing import Sealed

Key = tuple[str, str]  # purpose, key id


@DIRECTORY.statement("LOCK TABLE key_checks IN SHARE ROW EXCLUSIVE MODE")
async def lock_checks(db: Tx) -> None:
    """Locks the checks, so that of several that bring keys to a new database one is the first. In
    an open transaction."""


class _Check(Row, frozen=True):
    purpose: str
    key_id: str
    value: bytes
    retiring: bool


@DIRECTORY.statement("SELECT purpose, key_id, value, retiring FROM key_checks")
async def _checks(db: Read) -> list[_Check]: ...


async def key_checks(db: Read) -> dict[Key, bytes]:
    return {(check.purpose, check.key_id): check.value for check in await _checks(db)}


async def retiring_keys(db: Read) -> set[Key]:
    """Keys that nothing needs any more: they may be there or not."""
    return {(check.purpose, check.key_id) for check in await _checks(db) if check.retiring}


@DIRECTORY.statement("""
INSERT INTO key_checks (purpose, key_id, value) SELECT *
  FROM unnest($1::text[], $2::text[], $3::bytea[])
ON CONFLICT DO NOTHING
""")
async def _add(
    db: Tx, purposes: Sequence[str], key_ids: Sequence[str], values: Sequence[bytes]
) -> None: ...


async def add_checks(db: Tx, checks: Mapping[Key, bytes]) -> None:
    await _add(db, *_columns(checks), list(checks.values()))


@DIRECTORY.statement("""
UPDATE key_checks SET retiring = true WHERE (purpose, key_id) IN (SELECT *
  FROM unnest($1::text[], $2::text[]))
""")
async def _retire(db: Tx, purposes: Sequence[str], key_ids: Sequence[str]) -> None: ...


async def retire_checks(db: Tx, keys: Collection[Key]) -> None:
    await _retire(db, *_columns(keys))


@DIRECTORY.statement(
    "DELETE FROM key_checks WHERE (purpose, key_id) IN (SELECT * FROM unnest($1::text[], "
    "$2::text[]))"
)
async def _drop(db: Tx, purposes: Sequence[str], key_ids: Sequence[str]) -> None: ...


async def drop_checks(db: Tx, keys: Collection[Key]) -> None:
    await _drop(db, *_columns(keys))


def _columns(keys: Collection[Key]) -> tuple[list[str], list[str]]:
    return [purpose for purpose, _ in keys], [key_id for _, key_id in keys]


@MERCHANT.statement("SELECT EXISTS (SELECT FROM merchants)")
async def _any_merchant(db: Read) -> bool: ...


@PEOPLE.statement("SELECT EXISTS (SELECT FROM users)")
async def _any_user(db: Read) -> bool: ...


async def is_in_use(db: Read, *, people: bool) -> bool:
    """True when anything was written with keys: a merchant, or somebody who signs in."""
    return await (_any_user if people else _any_merchant)(db)


class SealedSecret(NamedTuple):
    context: str
    sealed: bytes


class SealedCard(Sealed):
    merchant_id: UUID
    token_id: UUID


@MERCHANT.statement("""
SELECT 'webhook:' || merchant_id AS context, webhook_key AS sealed FROM merchants
WHERE webhook_key IS NOT NULL LIMIT 1
""")
async def _secret_of_merchant(db: Read) -> list[SealedSecret]: ...


@PEOPLE.statement("""
SELECT 'totp:' || user_id AS context, sealed_secret AS sealed FROM second_factors
WHERE sealed_secret IS NOT NULL LIMIT 1
""")
async def _secret_of_person(db: Read) -> list[SealedSecret]: ...


@MERCHANT.statement("""
SELECT kek_id, wrapped_dek, nonce, ciphertext, merchant_id, token_id FROM vault
  WHERE kek_id IS NOT NULL LIMIT 1
""")
async def _card(db: Read) -> SealedCard | None: ...


async def sealed_by_keys(db: Read, *, people: bool) -> tuple[list[SealedSecret], SealedCard | None]:
    """Values that only the right keys open, of each kind one where there is one: secrets with their
    context, a card."""
    if people:
        return await _secret_of_person(db), None
    return await _secret_of_merchant(db), await _card(db)
