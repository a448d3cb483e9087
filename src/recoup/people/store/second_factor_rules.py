"""Rules that make somebody have a second factor, and whose they are."""

from typing import Final
from uuid import UUID

from recoup.db.statement import PEOPLE, Read
from recoup.people.rules.who_must import Bound

REQUIRING_MAX: Final = 20


@PEOPLE.statement(f"""
SELECT EXISTS (SELECT FROM second_factors f WHERE f.user_id = $1
  AND f.sealed_secret IS NOT NULL) AS has,
  ARRAY(SELECT r.name FROM second_factor_rules r WHERE EXISTS (
    SELECT FROM memberships m WHERE m.user_id = $1 AND (m.subject_kind = r.subject_kind
      AND m.subject_id = r.subject_id
      OR m.subject_kind = 'partner' AND r.subject_kind = 'merchant' AND EXISTS (
        SELECT FROM merchant_worlds w WHERE w.merchant_id = r.subject_id
          AND w.partner_id = m.subject_id)))
    ORDER BY lower(r.name) LIMIT {REQUIRING_MAX}) AS required_by,
  EXISTS (SELECT FROM memberships WHERE user_id = $1 AND subject_kind = 'operator') AS is_staff
""")
async def bound_by(db: Read, user_id: UUID) -> Bound: ...
