"""Settings of who decides about new orders, and where the engine is stopped. A flow that changes a
merchant's has raised its version first."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import DIRECTORY, MERCHANT, Read, Row, Tx, columns_of
from recoup.terms.rules.arm_terms import Terms

# The merchant's newest line and those of its sites, however often each was changed.
NEWEST: Final = """
(SELECT a.* FROM arm_settings a WHERE a.merchant_id = {merchant} AND a.site_id IS NULL
  ORDER BY a.version DESC LIMIT 1)
UNION ALL
SELECT a.* FROM sites t CROSS JOIN LATERAL (SELECT * FROM arm_settings a
  WHERE a.merchant_id = {merchant} AND a.site_id = t.site_id ORDER BY a.version DESC LIMIT 1) a
WHERE t.merchant_id = {merchant} AND t.retired_at IS NULL
"""


class ArmSettings(Row):
    """`site_id` None: the merchant's own."""

    site_id: UUID | None
    changed_at: datetime
    changed_by: str
    terms: Terms


@MERCHANT.statement(f"""
SELECT site_id, changed_at, changed_by, to_jsonb(s) AS terms FROM ({NEWEST.format(merchant="$1")}) s
""")
async def arm_settings(db: Read, merchant_id: UUID) -> list[ArmSettings]:
    """The newest line of the merchant and of each of its sites that ever had one."""


class EngineStop(Row):
    """`merchant_id` None: for all."""

    merchant_id: UUID | None
    why: str
    actor: str
    stopped_at: datetime


@DIRECTORY.statement("""
SELECT merchant_id, why, actor, stopped_at FROM engine_stops
WHERE ended_at IS NULL AND (merchant_id IS NULL OR merchant_id = $1) ORDER BY stopped_at
""")
async def standing_stops(db: Read, merchant_id: UUID | None) -> list[EngineStop]:
    """Stops that hold for a merchant; None: those for all."""


_COLUMNS: Final = columns_of(Terms)


@MERCHANT.statement(f"""
INSERT INTO arm_settings (merchant_id, site_id, changed_at, changed_by, {_COLUMNS})
SELECT $1, $2, $3, $4, {_COLUMNS} FROM jsonb_populate_record(NULL::arm_settings, $5)
RETURNING 1
""")
async def add_arm_settings(
    db: Tx,
    merchant_id: UUID,
    site_id: UUID | None,
    changed_at: datetime,
    changed_by: str,
    terms: Terms,
) -> None:
    """Adds settings of a version that was raised for them."""


@DIRECTORY.statement("""
INSERT INTO engine_stops (stop_id, merchant_id, why, actor, stopped_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING stop_id
""")
async def stop_engine(
    db: Tx, stop_id: UUID, merchant_id: UUID | None, why: str, actor: str, at: datetime
) -> bool:
    """Stops the engine; False when it is stopped already. `merchant_id` None: for all merchants."""


@DIRECTORY.statement("""
UPDATE engine_stops SET ended_by = $2, ended_at = $3
WHERE merchant_id IS NOT DISTINCT FROM $1 AND ended_at IS NULL RETURNING stop_id
""")
async def resume_engine(db: Tx, merchant_id: UUID | None, actor: str, at: datetime) -> bool:
    """Resumes the engine; False when it was not stopped."""


@DIRECTORY.statement("SELECT max(ended_at) FROM engine_stops WHERE merchant_id = $1")
async def last_resumed(db: Read, merchant_id: UUID) -> datetime | None:
    """Time when somebody last started the engine again for this merchant."""


@MERCHANT.statement("""
SELECT DISTINCT merchant_id FROM arm_settings
WHERE mode = 'share' AND share > 0 AND ($1::uuid IS NULL OR merchant_id = $1) ORDER BY merchant_id
""")
async def served_merchants(db: Read, merchant_id: UUID | None) -> list[UUID]:
    """Merchants for whom the engine decides or has decided. None: of all."""
