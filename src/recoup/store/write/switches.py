"""Switches and what is known of their changes. A flow that writes here has raised the merchant's version
first, and so holds its row."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.statement import Row, Tx, statement

# $3 the kind, $4 how it shall be.
_SET: Final = """cit_web = CASE $3 WHEN 'cit_web' THEN $4 ELSE cit_web END,
  cit_callcenter = CASE $3 WHEN 'cit_callcenter' THEN $4 ELSE cit_callcenter END,
  mit = CASE $3 WHEN 'mit' THEN $4 ELSE mit END"""


@statement(MERCHANT, f"UPDATE merchants SET {_SET} WHERE merchant_id = $1 AND merchant_id = $2")
async def _set_of_merchant(db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool) -> None: ...


@statement(MERCHANT, f"UPDATE sites SET {_SET} WHERE merchant_id = $1 AND site_id = $2")
async def _set_of_site(db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool) -> None: ...


@statement(MERCHANT, f"UPDATE campaigns SET {_SET} WHERE merchant_id = $1 AND campaign_id = $2")
async def _set_of_campaign(db: Tx, merchant_id: UUID, subject_id: UUID, kind: str, on: bool) -> None: ...


_SETS: Final = {"merchant": _set_of_merchant, "site": _set_of_site, "campaign": _set_of_campaign}


async def set_switch(db: Tx, merchant_id: UUID, level: str, subject_id: UUID, kind: str, on: bool) -> None:
    await _SETS[level](db, merchant_id, subject_id, kind, on)


class NewSwitchChange(Row, frozen=True):
    merchant_id: UUID
    version: int
    level: str
    subject_id: UUID
    kind: str
    is_on: bool
    why: str
    actor: str
    request_id: str
    changed_at: datetime


@statement(
    MERCHANT,
    """
INSERT INTO switch_changes (merchant_id, version, level, subject_id, kind, is_on, why, actor, request_id, changed_at)
SELECT merchant_id, version, level, subject_id, kind, is_on, why, actor, request_id, changed_at
FROM jsonb_populate_recordset(NULL::switch_changes, $1)
""",
)
async def _note_changes(db: Tx, changes: Sequence[NewSwitchChange]) -> None: ...


async def note_changes(db: Tx, changes: Sequence[NewSwitchChange]) -> None:
    if changes:
        await _note_changes(db, changes)
