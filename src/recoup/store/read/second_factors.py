"""Who has a second factor, and who must. People database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.rules.people.who_must import Bound
from recoup.store.homes import PEOPLE
from recoup.store.statement import Read, Row, statement

REQUIRING_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class FactorState:
    """`since` None: there is none that counts."""

    since: datetime | None = None
    codes_at: datetime | None = None
    sealed_offer: bytes | None = None
    offered_to: bytes | None = None
    offered_at: datetime | None = None
    codes_left: int = 0


# Whose member somebody is; at a merchant also the people of its partner. The operator's have a rule of theirs.
@statement(
    PEOPLE,
    f"""
SELECT EXISTS (SELECT FROM second_factors f WHERE f.user_id = $1 AND f.sealed_secret IS NOT NULL) AS has,
  ARRAY(SELECT r.name FROM second_factor_rules r WHERE EXISTS (
    SELECT FROM memberships m WHERE m.user_id = $1 AND (m.subject_kind = r.subject_kind AND m.subject_id = r.subject_id
      OR m.subject_kind = 'partner' AND r.subject_kind = 'merchant' AND EXISTS (
        SELECT FROM merchant_worlds w WHERE w.merchant_id = r.subject_id AND w.partner_id = m.subject_id)))
    ORDER BY lower(r.name) LIMIT {REQUIRING_MAX}) AS required_by,
  EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator') AS is_staff
""",
)
async def bound_by(db: Read, user_id: UUID) -> Bound: ...


@statement(
    PEOPLE,
    """
SELECT f.since, f.codes_at, f.sealed_offer, f.offered_to, f.offered_at,
  (SELECT count(*) FROM recovery_codes c WHERE c.user_id = $1 AND c.used_at IS NULL) AS codes_left
FROM second_factors f WHERE f.user_id = $1
""",
)
async def _factor_state(db: Read, user_id: UUID) -> FactorState | None: ...


async def factor_state(db: Read, user_id: UUID) -> FactorState:
    return await _factor_state(db, user_id) or FactorState()


@statement(PEOPLE, "SELECT sealed_secret FROM second_factors WHERE user_id = $1")
async def sealed_secret(db: Read, user_id: UUID) -> bytes | None: ...


@statement(
    PEOPLE,
    """
SELECT user_id FROM half_sign_ins WHERE token_hash = $1 AND world = $2 AND expires_at > $3 AND done_at IS NULL
""",
)
async def is_half(db: Read, token_hash: bytes, world: str, now: datetime) -> UUID | None:
    """Whose sign-in waits for a code."""


class FactorRule(Row, frozen=True):
    made_at: datetime
    made_by_name: str


@statement(
    PEOPLE,
    """
SELECT r.made_at, u.name AS made_by_name FROM second_factor_rules r JOIN users u ON u.user_id = r.made_by
WHERE r.subject_kind = $1 AND r.subject_id = $2
""",
)
async def who_asks(db: Read, subject_kind: str, subject_id: UUID) -> FactorRule | None:
    """The subject's rule; None without one."""


@statement(PEOPLE, "SELECT user_id FROM second_factors WHERE user_id = ANY($1::uuid[]) AND sealed_secret IS NOT NULL")
async def with_factor(db: Read, user_ids: Sequence[UUID]) -> list[UUID]: ...


class PersonMembership(NamedTuple):
    subject_kind: str
    subject_id: UUID
    role: str
    world: str


@statement(PEOPLE, "SELECT subject_kind, subject_id, role, world FROM memberships WHERE user_id = $1")
async def memberships_of(db: Read, user_id: UUID) -> list[PersonMembership]:
    """All of them."""
