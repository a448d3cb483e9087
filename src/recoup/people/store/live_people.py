"""People who can act in live, as the live check looks at them."""

from recoup.db.statement import PEOPLE, Read, Row, Tx


class LivePerson(Row):
    """Person in live. `is_operator`: decides for the operator in live."""

    email: str
    is_operator: bool
    has_factor: bool


@PEOPLE.statement(r"""
SELECT u.email, bool_or(m.subject_kind = 'operator' AND m.role IN ('owner',
  'operations')) AS is_operator,
  EXISTS (SELECT FROM second_factors f WHERE f.user_id = u.user_id
    AND f.sealed_secret IS NOT NULL) AS has_factor
FROM memberships m JOIN users u USING (user_id)
WHERE m.world = 'live' AND u.state = 'active'
  AND (m.subject_kind = 'operator' OR u.email ~ '[@.](example|test|invalid|localhost)$')
GROUP BY u.user_id, u.email ORDER BY u.email LIMIT 100
""")
async def live_people(db: Read) -> list[LivePerson]:
    """The operator's people, and those of anybody whose address nobody can have."""


@PEOPLE.statement("""
DELETE FROM memberships WHERE subject_kind = 'operator' AND user_id = (SELECT user_id FROM users
  WHERE email = $1)
RETURNING world
""")
async def end_operator(db: Tx, email: str) -> list[str]:
    """Ends an operator's membership and returns the worlds in which it held."""
