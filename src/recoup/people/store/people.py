"""Users, their sessions, the merchants that their memberships reach, and how often a sign-in
failed. People database; wall time throughout."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from recoup.db.statement import PEOPLE, Read, Tx
from recoup.kernel.frozen import frozen

MERCHANTS_MAX: Final = 200


@frozen
class User:
    user_id: UUID
    email: str
    name: str
    password_hash: str
    active: bool


class Bell(NamedTuple):
    """Basics that every page needs: somebody's zone, their language, and how many notifications
    they have not read, one more than is counted at most."""

    zone: str
    language: str
    unread: int


@frozen
class SessionRow:
    user_id: UUID
    email: str
    name: str
    csrf: str
    world: str
    merchant_id: UUID | None
    seen_at: datetime
    expires_at: datetime


@frozen
class MerchantAccess:
    """A merchant that somebody may see, and as what: owner, operations, analyst or developer.

    `own_role`: by memberships that are not a partner's, None without; `partner_id`: whose
    membership reaches it, too.
    """

    merchant_id: UUID
    name: str
    role: str
    own_role: str | None = None
    partner_id: UUID | None = None


@PEOPLE.statement(
    "SELECT user_id, email, name, password_hash, state = 'active' AS active FROM users WHERE email "
    "= $1"
)
async def find_user(db: Read, email: str) -> User | None: ...


@PEOPLE.statement("""
SELECT u.user_id, u.email, u.name, s.csrf, s.world, s.merchant_id, s.seen_at, s.expires_at
FROM sessions s JOIN users u USING (user_id)
WHERE s.session_hash = $1 AND s.expires_at > $2 AND s.seen_at > $3 AND u.state = 'active'
""")
async def find_session(
    db: Read, session_hash: bytes, now: datetime, seen_after: datetime
) -> SessionRow | None:
    """The session; None for one that is unknown, over, idle since before `seen_after`, or of a
    blocked user. Wall time."""


# The strongest role of all memberships that reach the merchant, and of those that are not a
# partner's.
@PEOPLE.statement(f"""
SELECT w.merchant_id, w.name, (array_agg(m.role ORDER BY o.rank))[1] AS role,
  (array_agg(m.role ORDER BY o.rank) FILTER (WHERE m.subject_kind <> 'partner'))[1] AS own_role,
  CASE WHEN bool_or(m.subject_kind = 'partner') THEN w.partner_id END AS partner_id
FROM merchant_worlds w
JOIN memberships m ON m.user_id = $1 AND m.world = w.world AND CASE m.subject_kind
  WHEN 'operator' THEN true
  WHEN 'partner' THEN m.subject_id = w.partner_id ELSE m.subject_id = w.merchant_id END
CROSS JOIN LATERAL array_position(ARRAY['owner', 'operations', 'developer', 'analyst'],
  m.role) AS o(rank)
WHERE w.world = $2 AND ($3::uuid IS NULL OR w.merchant_id = $3)
GROUP BY w.merchant_id, w.name, w.partner_id
ORDER BY lower(w.name), w.merchant_id LIMIT {MERCHANTS_MAX}
""")
async def reachable(
    db: Read, user_id: UUID, world: str, *, merchant_id: UUID | None = None
) -> list[MerchantAccess]:
    """The merchants by name, at most MERCHANTS_MAX; with `merchant_id` that one, or none when it is
    out of reach."""


# Not the analyst's and the developer's role: they may look at every merchant, not decide.
@PEOPLE.statement("""
SELECT EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator'
  AND world = $2
  AND role IN ('owner', 'operations'))
""")
async def is_operator(db: Read, user_id: UUID, world: str) -> bool:
    """True when somebody may decide for the operator in this world: money, bank accounts,
    disputes."""


class PartnerRole(NamedTuple):
    partner_id: UUID
    role: str


@PEOPLE.statement("""
SELECT subject_id AS partner_id, role FROM memberships WHERE user_id = $1
  AND subject_kind = 'partner' AND world = $2
ORDER BY created_at, subject_id
""")
async def partner_roles(db: Read, user_id: UUID, world: str) -> list[PartnerRole]:
    """The partners that somebody belongs to in this world, and as what; the oldest membership
    first."""


@PEOPLE.statement("SELECT user_id, name FROM users WHERE user_id = ANY($1::uuid[])")
async def names_of(db: Read, user_ids: Sequence[UUID]) -> dict[UUID, str]: ...


@PEOPLE.statement("""
SELECT EXISTS (SELECT FROM memberships m WHERE m.user_id = $1 AND m.world = $2
  AND (m.subject_kind = 'operator' OR EXISTS (
  SELECT FROM merchant_worlds w WHERE w.world = $2 AND CASE m.subject_kind
    WHEN 'partner' THEN w.partner_id = m.subject_id ELSE w.merchant_id = m.subject_id END)))
""")
async def belongs_in(db: Read, user_id: UUID, world: str) -> bool:
    """True when any merchant of this world is theirs to see, or they are the operator's."""


@PEOPLE.statement("SELECT EXISTS (SELECT FROM users WHERE user_id = $1 AND state = 'active')")
async def is_active(db: Read, user_id: UUID) -> bool:
    """True when they may be signed in at all."""


@PEOPLE.statement("""
INSERT INTO users (user_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO UPDATE SET name = EXCLUDED.name, password_hash = EXCLUDED.password_hash,
  state = 'active'
RETURNING user_id
""")
async def save_user(
    db: Tx, user_id: UUID, email: str, name: str, password_hash: str, now: datetime
) -> UUID:
    """Makes the user, or gives the one with this e-mail the new name and password; answers the
    user's id."""


@PEOPLE.statement("SELECT pg_advisory_xact_lock(hashtextextended('sign-up:' || $1, 0))")
async def lock_email(db: Tx, email: str) -> None:
    """Locks an e-mail: until the transaction ends nobody else signs up with it; whether it has an
    account does not matter."""


@PEOPLE.statement("""
INSERT INTO users (user_id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (email) DO NOTHING RETURNING user_id
""")
async def add_user(
    db: Tx, user_id: UUID, email: str, name: str, password_hash: str, now: datetime
) -> UUID | None:
    """Adds a user; None when the e-mail has a user already, which stays as it is."""


@PEOPLE.statement(
    "SELECT password_hash FROM users WHERE user_id = $1 AND state = 'active' FOR NO KEY UPDATE"
)
async def hold_user(db: Tx, user_id: UUID) -> str | None:
    """Holds a user: nobody else changes how they sign in, or signs in as them, until the
    transaction ends. Returns the password's hash; None for somebody who is blocked."""


@PEOPLE.statement("SELECT FROM users WHERE user_id = $1 FOR NO KEY UPDATE")
async def lock_user(db: Tx, user_id: UUID) -> None:
    """Locks a user: what is this person's is counted and made one by one until the transaction
    ends."""


@PEOPLE.statement("UPDATE users SET password_hash = $2 WHERE user_id = $1")
async def save_password(db: Tx, user_id: UUID, password_hash: str) -> None: ...


@PEOPLE.statement("""
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
  VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (user_id, subject_kind, subject_id, world) DO UPDATE SET role = EXCLUDED.role
""")
async def save_membership(
    db: Tx, user_id: UUID, subject_kind: str, subject_id: UUID, role: str, now: datetime, world: str
) -> None:
    """Saves a membership, which holds in this world alone."""


@PEOPLE.statement("""
INSERT INTO partners (partner_id, name, created_at) VALUES ($1, $2, $3)
ON CONFLICT (partner_id) DO UPDATE SET name = EXCLUDED.name
""")
async def save_partner(db: Tx, partner_id: UUID, name: str, now: datetime) -> None: ...


@PEOPLE.statement("""
INSERT INTO merchant_worlds (merchant_id, world, partner_id, name) VALUES ($1, $2, $3, $4)
ON CONFLICT (merchant_id, world) DO UPDATE SET partner_id = EXCLUDED.partner_id,
  name = EXCLUDED.name
""")
async def save_merchant(
    db: Tx, merchant_id: UUID, world: str, partner_id: UUID | None, name: str
) -> None: ...


@PEOPLE.statement("""
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
SELECT user_id, 'merchant', $2, role, $3, $4 FROM memberships
WHERE subject_kind = 'merchant' AND subject_id = $1 AND role = 'owner' AND world = $4
ON CONFLICT DO NOTHING
""")
async def save_heirs(db: Tx, old_id: UUID, new_id: UUID, now: datetime, world: str) -> None:
    """The owners of one merchant own another, in this world."""


@PEOPLE.statement("""
INSERT INTO memberships (user_id, subject_kind, subject_id, role, created_at, world)
SELECT user_id, subject_kind, subject_id, role, $3, $5 FROM memberships m
WHERE world = $4 AND (subject_kind, subject_id) IN (('merchant', $1::uuid), ('partner', $2::uuid))
  AND NOT EXISTS (SELECT FROM memberships x
    WHERE x.subject_kind = m.subject_kind AND x.subject_id = m.subject_id AND x.world = $5)
ON CONFLICT DO NOTHING
""")
async def take_along(
    db: Tx, merchant_id: UUID, partner_id: UUID | None, now: datetime, old: str, new: str
) -> None:
    """Takes along to the new world the people of the merchant or its partner in the old one, as
    what they are now; not where it has members there already, who invite others themselves."""


@PEOPLE.statement("""
INSERT INTO sessions (session_hash, user_id, csrf, world, merchant_id, created_at, seen_at,
  expires_at, address,
  browser)
VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)
""")
async def insert_session(
    db: Tx,
    session_hash: bytes,
    user_id: UUID,
    csrf: str,
    world: str,
    merchant_id: UUID | None,
    now: datetime,
    expires_at: datetime,
    address: str,
    browser: str,
) -> None: ...


@PEOPLE.statement("UPDATE sessions SET seen_at = $2 WHERE session_hash = $1")
async def touch_session(db: Tx, session_hash: bytes, now: datetime) -> None: ...


@PEOPLE.statement("UPDATE sessions SET merchant_id = $2 WHERE session_hash = $1")
async def choose_merchant(db: Tx, session_hash: bytes, merchant_id: UUID) -> None: ...


@PEOPLE.statement("UPDATE sessions SET world = $2 WHERE session_hash = $1")
async def choose_world(db: Tx, session_hash: bytes, world: str) -> None: ...


@PEOPLE.statement("DELETE FROM sessions WHERE session_hash = $1")
async def delete_session(db: Tx, session_hash: bytes) -> None: ...


@PEOPLE.statement("DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2")
async def delete_old_sessions(db: Tx, user_id: UUID, now: datetime) -> None: ...


class Tries(NamedTuple):
    """Failed attempts: how many there are, and until when they are remembered."""

    fails: int
    until: datetime


# Counted before the password is looked at, so that many guesses at once count one by one. A pause
# does not grow.
@PEOPLE.statement("""
INSERT INTO signin_failures AS f (bucket, fails, until) VALUES ($1, 1, $3)
ON CONFLICT (bucket) DO UPDATE SET
  fails = CASE WHEN f.until <= $2 THEN 1 ELSE f.fails + 1 END,
  until = CASE WHEN f.until > $2 AND f.fails >= $4 THEN f.until ELSE $3 END
RETURNING fails, until
""")
async def charge_sign_in(
    db: Tx, bucket: str, now: datetime, until: datetime, fails_max: int
) -> Tries:
    """Counts one try."""


@PEOPLE.statement("DELETE FROM signin_failures WHERE bucket = ANY($1::text[])")
async def forgive_sign_ins(db: Tx, buckets: list[str]) -> None: ...
