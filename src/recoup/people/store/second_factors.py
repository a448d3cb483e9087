"""Second factors, recovery codes, and sign-ins that wait for a code. People database; wall time.

A flow that changes how a person signs in holds the person first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Row, Tx, columns_of
from recoup.kernel.frozen import frozen


@frozen
class _Offered:
    since: datetime | None = None
    codes_at: datetime | None = None
    sealed_offer: bytes | None = None
    offered_to: bytes | None = None
    offered_at: datetime | None = None


@frozen
class FactorState(_Offered):
    """State of a factor. `since` None: there is none that counts."""

    codes_left: int = 0


# Whose member somebody is; at a merchant also the people of its partner. The operator's have a rule
# of theirs.


@PEOPLE.statement("""
SELECT f.since, f.codes_at, f.sealed_offer, f.offered_to, f.offered_at,
  (SELECT count(*) FROM recovery_codes c WHERE c.user_id = $1 AND c.used_at IS NULL) AS codes_left
FROM second_factors f WHERE f.user_id = $1
""")
async def _factor_state(db: Read, user_id: UUID) -> FactorState | None: ...


async def factor_state(db: Read, user_id: UUID) -> FactorState:
    return await _factor_state(db, user_id) or FactorState()


@PEOPLE.statement("SELECT sealed_secret FROM second_factors WHERE user_id = $1")
async def sealed_secret(db: Read, user_id: UUID) -> bytes | None: ...


@PEOPLE.statement("""
SELECT user_id FROM half_sign_ins WHERE token_hash = $1 AND world = $2 AND expires_at > $3
  AND done_at IS NULL
""")
async def is_half(db: Read, token_hash: bytes, world: str, now: datetime) -> UUID | None:
    """The person whose sign-in waits for a code."""


class FactorRule(Row):
    made_at: datetime
    made_by_name: str


@PEOPLE.statement("""
SELECT r.made_at, u.name AS made_by_name FROM second_factor_rules r
  JOIN users u ON u.user_id = r.made_by
WHERE r.subject_kind = $1 AND r.subject_id = $2
""")
async def who_asks(db: Read, subject_kind: str, subject_id: UUID) -> FactorRule | None:
    """The subject's rule; None without one."""


@PEOPLE.statement(
    "SELECT user_id FROM second_factors WHERE user_id = ANY($1::uuid[]) AND sealed_secret IS NOT "
    "NULL"
)
async def with_factor(db: Read, user_ids: Sequence[UUID]) -> list[UUID]: ...


class PersonMembership(NamedTuple):
    subject_kind: str
    subject_id: UUID
    role: str
    world: str


@PEOPLE.statement(
    "SELECT subject_kind, subject_id, role, world FROM memberships WHERE user_id = $1"
)
async def memberships_of(db: Read, user_id: UUID) -> list[PersonMembership]:
    """All of them."""


@frozen
class Factor(_Offered):
    """A person's row."""

    sealed_secret: bytes | None = None
    codes_key: bytes | None = None


@PEOPLE.statement(f"SELECT {columns_of(Factor)} FROM second_factors WHERE user_id = $1")
async def factor_of(db: Read, user_id: UUID) -> Factor | None: ...


@PEOPLE.statement("""
INSERT INTO second_factors AS f (user_id, sealed_offer, offered_to, offered_at)
  VALUES ($1, $2, $3, $4)
ON CONFLICT (user_id) DO UPDATE SET sealed_offer = EXCLUDED.sealed_offer,
  offered_to = EXCLUDED.offered_to,
  offered_at = EXCLUDED.offered_at
WHERE f.sealed_offer IS NULL OR f.offered_to <> EXCLUDED.offered_to OR f.offered_at <= $5
""")
async def offer(
    db: Tx, user_id: UUID, sealed: bytes, session: bytes, now: datetime, over_before: datetime
) -> None:
    """Offers a factor. One that this session was offered since `over_before` stays: a form sent
    twice shows the same."""


@PEOPLE.statement("""
UPDATE second_factors SET sealed_secret = $2, since = $4, last_step = $3, codes_key = $5,
  codes_at = $4,
  sealed_offer = NULL, offered_to = NULL, offered_at = NULL
WHERE user_id = $1
""")
async def take_offer(
    db: Tx, user_id: UUID, sealed: bytes, step: int, now: datetime, codes_key: bytes
) -> None:
    """Makes what was offered count from now on; `step` opens nothing more."""


@PEOPLE.statement("""
UPDATE second_factors SET sealed_offer = NULL, offered_to = NULL, offered_at = NULL
  WHERE user_id = $1
""")
async def withdraw_offer(db: Tx, user_id: UUID) -> None: ...


@PEOPLE.statement(
    "UPDATE second_factors SET last_step = $2 WHERE user_id = $1 AND last_step < $2 RETURNING 1"
)
async def spend_step(db: Tx, user_id: UUID, step: int) -> bool:
    """Spends a step. True when nothing was opened by it or a later one yet."""


@PEOPLE.statement("""
UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND code_hash = $2 AND used_at IS NULL
  RETURNING 1
""")
async def _use_code(db: Tx, user_id: UUID, code_hash: bytes, now: datetime) -> bool: ...


@PEOPLE.statement("SELECT 1 FROM recovery_codes WHERE user_id = $1 AND code_hash = $2")
async def _is_code(db: Read, user_id: UUID, code_hash: bytes) -> bool: ...


async def spend_recovery(
    db: Tx, user_id: UUID, code_hash: bytes, now: datetime
) -> Literal["spent", "used", "unknown"]:
    """`used`: before."""
    if await _use_code(db, user_id, code_hash, now):
        return "spent"
    return "used" if await _is_code(db, user_id, code_hash) else "unknown"


@PEOPLE.statement("DELETE FROM recovery_codes WHERE user_id = $1")
async def _forget_codes(db: Tx, user_id: UUID) -> None: ...


@PEOPLE.statement("INSERT INTO recovery_codes (user_id, code_hash) SELECT $1, unnest($2::bytea[])")
async def _add_codes(db: Tx, user_id: UUID, hashes: Sequence[bytes]) -> None: ...


async def replace_recovery(db: Tx, user_id: UUID, hashes: Sequence[bytes]) -> None:
    await _forget_codes(db, user_id)
    await _add_codes(db, user_id, hashes)


@PEOPLE.statement("UPDATE second_factors SET codes_key = $2, codes_at = $3 WHERE user_id = $1")
async def note_codes(db: Tx, user_id: UUID, codes_key: bytes, now: datetime) -> None: ...


@PEOPLE.statement(
    "DELETE FROM second_factors WHERE user_id = $1 RETURNING sealed_secret IS NOT NULL"
)
async def _forget(db: Tx, user_id: UUID) -> bool: ...


async def forget_factor(db: Tx, user_id: UUID) -> bool:
    """Removes a factor, with its recovery codes. True when there was one that counted."""
    await _forget_codes(db, user_id)
    return await _forget(db, user_id)


@PEOPLE.statement(
    "INSERT INTO half_sign_ins (token_hash, user_id, world, expires_at) VALUES ($1, $2, $3, $4)"
)
async def add_half(
    db: Tx, token_hash: bytes, user_id: UUID, world: str, expires_at: datetime
) -> None: ...


class HalfSignIn(Row):
    """`done_by`: keyed hash of the code that ended it."""

    user_id: UUID
    done_at: datetime | None
    done_by: bytes | None


@PEOPLE.statement("""
SELECT user_id, done_at, done_by FROM half_sign_ins WHERE token_hash = $1 AND world = $2
  AND expires_at > $3
""")
async def half_of(db: Read, token_hash: bytes, world: str, now: datetime) -> HalfSignIn | None:
    """The half sign-in; None for one that is unknown or over."""


@PEOPLE.statement("UPDATE half_sign_ins SET done_at = $3, done_by = $2 WHERE token_hash = $1")
async def end_half(db: Tx, token_hash: bytes, done_by: bytes, now: datetime) -> None: ...


@PEOPLE.statement("DELETE FROM half_sign_ins WHERE user_id = $1")
async def forget_halves(db: Tx, user_id: UUID) -> None: ...


@PEOPLE.statement("""
INSERT INTO second_factor_rules (subject_kind, subject_id, name, made_by, made_at)
  VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING made_at
""")
async def make_rule(
    db: Tx, subject_kind: str, subject_id: UUID, name: str, by: UUID, now: datetime
) -> bool:
    """Makes a rule. True when there was none."""


@PEOPLE.statement(
    "DELETE FROM second_factor_rules WHERE subject_kind = $1 AND subject_id = $2 RETURNING 1"
)
async def end_rule(db: Tx, subject_kind: str, subject_id: UUID) -> bool:
    """Ends a rule. True when there was one."""
