"""Switches as they stand, each with its last change, and all changes there were. A flow that writes
here has raised the merchant's version first, and so holds its row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of
from recoup.db.table import insert_of, stored

NEWEST: Final = (2**31 - 1, UUID(int=2**128 - 1), "~")


class Switch(Row):
    """Switch of a single kind at a single place, with its last change, whose fields are all None
    where there was none. `unknown_sites`: the merchant's policy. `site_id`, `key` None: as of
    `SwitchChange`."""

    level: Literal["merchant", "site", "campaign"]
    subject_id: UUID
    site_id: UUID | None
    name: str
    key: str | None
    created_at: datetime
    kind: Literal["cit_web", "cit_callcenter", "mit"]
    is_on: bool
    version: int | None
    why: str | None
    actor: str | None
    request_id: str | None
    changed_at: datetime | None
    unknown_sites: Literal["use_default", "refuse"]


@MERCHANT.statement("""
WITH subjects AS (
  SELECT 0 AS depth, 'merchant' AS level, m.merchant_id AS subject_id, NULL::uuid AS site_id,
    m.name, NULL AS key,
    m.cit_web, m.cit_callcenter, m.mit, m.created_at, m.created_at AS site_since,
      NULL::uuid AS within
  FROM merchants m WHERE m.merchant_id = $1
  UNION ALL
  SELECT 1, 'site', s.site_id, s.site_id, s.name, NULL, s.cit_web, s.cit_callcenter, s.mit,
    s.created_at, s.created_at,
    s.site_id
  FROM sites s WHERE s.merchant_id = $1 AND s.retired_at IS NULL
  UNION ALL
  SELECT 2, 'campaign', c.campaign_id, c.site_id, c.name, c.key, c.cit_web, c.cit_callcenter, c.mit,
    c.created_at,
    s.created_at, c.site_id
  FROM campaigns c JOIN sites s USING (merchant_id, site_id)
  WHERE c.merchant_id = $1 AND c.retired_at IS NULL AND s.retired_at IS NULL
)
SELECT s.level, s.subject_id, s.site_id, s.name, s.key, s.created_at, k.kind, k.is_on, c.version,
  c.why, c.actor,
  c.request_id, c.changed_at, (SELECT m.unknown_sites FROM merchants m
    WHERE m.merchant_id = $1) AS unknown_sites
FROM subjects s
CROSS JOIN LATERAL (VALUES (1, 'cit_web', s.cit_web), (2, 'cit_callcenter', s.cit_callcenter), (3,
  'mit', s.mit))
  AS k (place, kind, is_on)
LEFT JOIN LATERAL (
  SELECT h.version, h.why, h.actor, h.request_id, h.changed_at FROM switch_changes h
  WHERE h.merchant_id = $1 AND h.subject_id = s.subject_id AND h.kind = k.kind
    ORDER BY h.version DESC LIMIT 1
) c ON true
ORDER BY s.depth > 0, s.site_since, s.within, s.depth, s.created_at, s.subject_id, k.place
""")
async def standing(db: Read, merchant_id: UUID) -> list[Switch]:
    """The merchant's, then each site's with its campaigns'; three a subject."""


@MERCHANT.statement("""
SELECT s.subject_id, c.actor FROM unnest($2::uuid[]) AS s (subject_id) CROSS JOIN LATERAL (
  SELECT h.actor FROM switch_changes h WHERE h.merchant_id = $1 AND h.subject_id = s.subject_id
    AND h.kind = $3
  ORDER BY h.version DESC LIMIT 1) c
""")
async def last_actors(
    db: Read, merchant_id: UUID, subject_ids: Sequence[UUID], kind: str
) -> dict[UUID, str]:
    """The last actor to switch each subject; subjects that nobody ever switched are left out."""


class _Change(Row):
    level: str
    subject_id: UUID
    kind: str
    is_on: bool
    version: int
    why: str
    actor: str
    request_id: str
    changed_at: datetime


class SwitchChange(_Change):
    """`name`: the merchant's, the site's or the campaign's; `key`: a campaign's. `site_id` None:
    the merchant's."""

    name: str
    site_id: UUID | None
    key: str | None


@MERCHANT.statement(f"""
SELECT {columns_of(_Change, "h")},
  coalesce(s.name, c.name, m.name) AS name, coalesce(s.site_id, c.site_id) AS site_id, c.key
FROM switch_changes h
JOIN merchants m USING (merchant_id)
LEFT JOIN sites s ON s.merchant_id = h.merchant_id AND s.site_id = h.subject_id AND h.level = 'site'
LEFT JOIN campaigns c ON c.merchant_id = h.merchant_id AND c.campaign_id = h.subject_id
  AND h.level = 'campaign'
WHERE h.merchant_id = $1 AND (h.version, h.subject_id, h.kind) < ($2, $3, $4)
ORDER BY h.version DESC, h.subject_id DESC, h.kind DESC LIMIT $5
""")
async def _history(
    db: Read, merchant_id: UUID, version: int, subject_id: UUID, kind: str, limit: int
) -> list[SwitchChange]: ...


async def switch_history(
    db: Read, merchant_id: UUID, after: tuple[int, UUID, str] | None, limit: int
) -> list[SwitchChange]:
    """Newest first."""
    return await _history(db, merchant_id, *(after or NEWEST), limit)


# $3 the kind, $4 how it shall be.
_SET: Final = """cit_web = CASE $3 WHEN 'cit_web' THEN $4 ELSE cit_web END,
  cit_callcenter = CASE $3 WHEN 'cit_callcenter' THEN $4 ELSE cit_callcenter END,
  mit = CASE $3 WHEN 'mit' THEN $4 ELSE mit END"""


@MERCHANT.statement(f"UPDATE merchants SET {_SET} WHERE merchant_id = $1 AND merchant_id = $2")
async def _set_of_merchant(
    db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool
) -> None: ...


@MERCHANT.statement(f"UPDATE sites SET {_SET} WHERE merchant_id = $1 AND site_id = $2")
async def _set_of_site(
    db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool
) -> None: ...


@MERCHANT.statement(f"UPDATE campaigns SET {_SET} WHERE merchant_id = $1 AND campaign_id = $2")
async def _set_of_campaign(
    db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool
) -> None: ...


_SETS: Final = {"merchant": _set_of_merchant, "site": _set_of_site, "campaign": _set_of_campaign}


async def set_switch(
    db: Tx, merchant_id: UUID, level: str, subject_id: UUID, kind: str, on: bool
) -> None:
    await _SETS[level](db, merchant_id, subject_id, kind, on)


@stored("switch_changes")
class NewSwitchChange(_Change):
    merchant_id: UUID


@MERCHANT.statement(insert_of(NewSwitchChange) + "RETURNING 1")
async def _note_changes(db: Tx, changes: Sequence[NewSwitchChange]) -> None: ...


async def note_changes(db: Tx, changes: Sequence[NewSwitchChange]) -> None:
    if changes:
        await _note_changes(db, changes)
