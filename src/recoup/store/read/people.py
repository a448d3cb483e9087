"""Who may look at what: users, their sessions, and the merchants that their memberships reach. People database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.store.homes import PEOPLE
from recoup.store.statement import Read, statement

MERCHANTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class User:
    user_id: UUID
    email: str
    name: str
    password_hash: str
    active: bool


@dataclass(frozen=True, slots=True)
class SessionRow:
    user_id: UUID
    email: str
    name: str
    csrf: str
    world: str
    merchant_id: UUID | None
    seen_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MerchantAccess:
    """A merchant that somebody may see, and as what: owner, operations, analyst or developer.

    `own_role`: by memberships that are not a partner's, None without; `partner_id`: whose membership reaches it, too.
    """

    merchant_id: UUID
    name: str
    role: str
    own_role: str | None = None
    partner_id: UUID | None = None


@statement(PEOPLE, "SELECT user_id, email, name, password_hash, state = 'active' AS active FROM users WHERE email = $1")
async def find_user(db: Read, email: str) -> User | None: ...


@statement(
    PEOPLE,
    """
SELECT u.user_id, u.email, u.name, s.csrf, s.world, s.merchant_id, s.seen_at, s.expires_at
FROM sessions s JOIN users u USING (user_id)
WHERE s.session_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND u.state = 'active'
""",
)
async def find_session(db: Read, session_hash: bytes, now: datetime, seen_after: datetime) -> SessionRow | None:
    """None for one that is unknown, over, idle since before `seen_after`, or of a blocked user. Wall time."""


# The strongest role of all memberships that reach the merchant, and of those that are not a partner's.
@statement(
    PEOPLE,
    f"""
SELECT w.merchant_id, w.name, (array_agg(m.role ORDER BY o.rank))[1] AS role,
  (array_agg(m.role ORDER BY o.rank) FILTER (WHERE m.subject_kind <> 'partner'))[1] AS own_role,
  CASE WHEN bool_or(m.subject_kind = 'partner') THEN w.partner_id END AS partner_id
FROM merchant_worlds w
JOIN memberships m ON m.user_id = $1 AND m.world = w.world AND CASE m.subject_kind WHEN 'operator' THEN true
  WHEN 'partner' THEN m.subject_id = w.partner_id ELSE m.subject_id = w.merchant_id END
CROSS JOIN LATERAL array_position(ARRAY['owner', 'operations', 'developer', 'analyst'], m.role) AS o(rank)
WHERE w.world = $2 AND ($3::uuid IS NULL OR w.merchant_id = $3)
GROUP BY w.merchant_id, w.name, w.partner_id
ORDER BY lower(w.name), w.merchant_id LIMIT {MERCHANTS_MAX}
""",
)
async def reachable(db: Read, user_id: UUID, world: str, *, merchant_id: UUID | None = None) -> list[MerchantAccess]:
    """The merchants by name, at most MERCHANTS_MAX; with `merchant_id` that one, or none when it is out of reach."""


# Not the analyst's and the developer's role: they may look at every merchant, not decide.
@statement(
    PEOPLE,
    """
SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator' AND world = $2
  AND role IN ('owner', 'operations'))
""",
)
async def is_operator(db: Read, user_id: UUID, world: str) -> bool:
    """Whether somebody may decide for the operator in this world: money, bank accounts, disputes."""


class PartnerRole(NamedTuple):
    partner_id: UUID
    role: str


@statement(
    PEOPLE,
    """
SELECT subject_id AS partner_id, role FROM memberships WHERE user_id = $1 AND subject_kind = 'partner' AND world = $2
ORDER BY created_at, subject_id
""",
)
async def partner_roles(db: Read, user_id: UUID, world: str) -> list[PartnerRole]:
    """The partners that somebody belongs to in this world, and as what; the oldest membership first."""


@statement(PEOPLE, "SELECT user_id, name FROM users WHERE user_id = ANY($1::uuid[])")
async def names_of(db: Read, user_ids: Sequence[UUID]) -> dict[UUID, str]: ...


@statement(
    PEOPLE,
    """
SELECT EXISTS (SELECT FROM memberships m WHERE m.user_id = $1 AND m.world = $2
  AND (m.subject_kind = 'operator' OR EXISTS (
  SELECT FROM merchant_worlds w WHERE w.world = $2 AND CASE m.subject_kind
    WHEN 'partner' THEN w.partner_id = m.subject_id ELSE w.merchant_id = m.subject_id END)))
""",
)
async def belongs_in(db: Read, user_id: UUID, world: str) -> bool:
    """Whether any merchant of this world is theirs to see, or they are the operator's."""


@statement(PEOPLE, "SELECT EXISTS (SELECT FROM users WHERE user_id = $1 AND state = 'active')")
async def is_active(db: Read, user_id: UUID) -> bool:
    """Whether they may be signed in at all."""
