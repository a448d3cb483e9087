"""Retry policies as versions: only added to. The merchant's, its sites' and its campaigns' are the
merchant's own; what operator and partners bound them by stands in the directory."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, Written
from recoup.db.table import insert_of, stored
from recoup.policies.rules.stored import READ_MAX, part_of
from recoup.policies.rules.stored import Version as Held
from recoup.policies.rules.terms import PolicyTerms, ScopeKind

# Of all policies around the orders of a merchant `m`; of each so many of the newest that one whose
# time has come is among them.
AROUND: Final = f"""
SELECT v.* FROM (VALUES ('operator', '{UUID(int=0)}'::uuid), ('partner', m.partner_id)) k (scope,
  subject_id)
CROSS JOIN LATERAL (SELECT scope, subject_id, number, from_at, content FROM policy_bounds b
  WHERE b.scope = k.scope AND b.subject_id = k.subject_id ORDER BY number DESC LIMIT {READ_MAX}) v
UNION ALL
SELECT v.* FROM (
  SELECT 'merchant' AS scope, m.merchant_id AS subject_id
  UNION ALL SELECT 'site', site_id FROM sites WHERE merchant_id = m.merchant_id
    AND retired_at IS NULL
  UNION ALL SELECT 'campaign', campaign_id FROM campaigns WHERE merchant_id = m.merchant_id
    AND retired_at IS NULL
) k
CROSS JOIN LATERAL (SELECT scope, subject_id, number, from_at, content FROM policy_versions b
  WHERE b.merchant_id = m.merchant_id AND b.scope = k.scope AND b.subject_id = k.subject_id
  ORDER BY number DESC LIMIT {READ_MAX}) v
"""


@stored("policy_bounds")
class PolicyVersion(Row):
    """Version of a policy. `from_at`: business time; `saved_at`: wall time."""

    scope: ScopeKind
    subject_id: UUID
    number: int
    content: dict[str, Any]
    reason: str
    author: str
    from_at: datetime
    saved_at: datetime

    @property
    def held(self) -> Held:
        """Raises: ValueError, as `policies.rules.stored.terms_of`."""
        return Held(
            part_of(self.scope, str(self.subject_id), self.number, self.content), self.from_at
        )

    @property
    def terms(self) -> PolicyTerms:
        """Raises: ValueError."""
        return self.held.part.terms


@MERCHANT.statement("""
SELECT scope, subject_id, number, content, reason, author, from_at, saved_at FROM policy_versions
WHERE merchant_id = $1 AND scope = $2 AND subject_id = $3 AND number < $4 ORDER BY number DESC
  LIMIT $5
""")
async def own_versions(
    db: Read, merchant_id: UUID, scope: str, subject_id: UUID, below: int, limit: int
) -> list[PolicyVersion]:
    """The newest first."""


@DIRECTORY.statement("""
SELECT scope, subject_id, number, content, reason, author, from_at, saved_at FROM policy_bounds
WHERE scope = $1 AND subject_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4
""")
async def bounding_versions(
    db: Read, scope: str, subject_id: UUID, below: int, limit: int
) -> list[PolicyVersion]:
    """The newest first."""


@MERCHANT.statement("""
SELECT v.scope, v.subject_id, v.number, v.content, v.reason, v.author, v.from_at, v.saved_at
FROM unnest($2::text[], $3::uuid[], $4::int[]) AS k (scope, subject_id, number)
JOIN policy_versions v ON v.merchant_id = $1 AND v.scope = k.scope AND v.subject_id = k.subject_id
  AND v.number = k.number
""")
async def own_named(
    db: Read,
    merchant_id: UUID,
    scopes: Sequence[str],
    subjects: Sequence[UUID],
    numbers: Sequence[int],
) -> list[PolicyVersion]: ...


@MERCHANT.statement("""
SELECT DISTINCT ON (scope, subject_id) scope, subject_id, number, content, reason, author, from_at,
  saved_at
FROM policy_versions WHERE merchant_id = $1 AND scope IN ('site', 'campaign') AND from_at <= $2
ORDER BY scope, subject_id, number DESC LIMIT $3
""")
async def own_inside(db: Read, merchant_id: UUID, now: datetime, limit: int) -> list[PolicyVersion]:
    """The versions that hold then, of each site and campaign."""


@DIRECTORY.statement("""
SELECT b.scope, b.subject_id, b.number, b.content, b.reason, b.author, b.from_at, b.saved_at
FROM unnest($1::text[], $2::uuid[], $3::int[]) AS k (scope, subject_id, number)
JOIN policy_bounds b ON b.scope = k.scope AND b.subject_id = k.subject_id AND b.number = k.number
""")
async def bounding_named(
    db: Read, scopes: Sequence[str], subjects: Sequence[UUID], numbers: Sequence[int]
) -> list[PolicyVersion]: ...


@stored("policy_versions")
class NewPolicyVersion(PolicyVersion, kw_only=True):
    merchant_id: UUID


@MERCHANT.statement(
    f"{insert_of(NewPolicyVersion, single=True)} ON CONFLICT DO NOTHING RETURNING true"
)
async def add_own_version(db: Tx, version: NewPolicyVersion) -> bool:
    """Adds a version; False where that number is taken."""


@DIRECTORY.statement(
    f"{insert_of(PolicyVersion, single=True)} ON CONFLICT DO NOTHING RETURNING true"
)
async def add_bounding_version(db: Tx, version: PolicyVersion) -> bool:
    """Adds a version; False where that number is taken."""


@MERCHANT.statement("SELECT partner_id FROM merchants WHERE merchant_id = $1")
async def partner_bounding(db: Read, merchant_id: UUID) -> UUID | None: ...


@MERCHANT.statement("""
INSERT INTO policy_sends (merchant_id, subject_id, month, sends)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::bigint[])
ON CONFLICT (merchant_id, subject_id, month) DO UPDATE SET sends = policy_sends.sends +
  EXCLUDED.sends
""")
async def count_sends(
    db: Tx,
    merchants: Sequence[UUID],
    subjects: Sequence[UUID],
    months: Sequence[date],
    sends: Sequence[int],
) -> Written:
    """Rows are locked in the order in which they are given."""
