"""Who decides about new orders, and the engine's stops. A flow that changes a merchant's has raised its version
first."""

from datetime import datetime
from uuid import UUID

from recoup.store.homes import DIRECTORY, MERCHANT
from recoup.store.read.arms import ArmSettings
from recoup.store.statement import Tx, statement


class NewArmSettings(ArmSettings, frozen=True, kw_only=True):
    merchant_id: UUID


@statement(
    MERCHANT,
    """
INSERT INTO arm_settings (merchant_id, version, site_id, mode, share, holdout, explore, explore_max, changed_at,
  changed_by)
SELECT merchant_id, version, site_id, mode, share, holdout, explore, explore_max, changed_at, changed_by
FROM jsonb_populate_record(NULL::arm_settings, $1)
""",
)
async def add_arm_settings(db: Tx, settings: NewArmSettings) -> None:
    """Of a version that was raised for it."""


@statement(
    DIRECTORY,
    """
INSERT INTO engine_stops (stop_id, merchant_id, why, actor, stopped_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING RETURNING stop_id
""",
)
async def stop_engine(db: Tx, stop_id: UUID, merchant_id: UUID | None, why: str, actor: str, at: datetime) -> bool:
    """False when it is stopped already. `merchant_id` None: for all merchants."""


@statement(
    DIRECTORY,
    """
UPDATE engine_stops SET ended_by = $2, ended_at = $3
WHERE merchant_id IS NOT DISTINCT FROM $1 AND ended_at IS NULL RETURNING stop_id
""",
)
async def resume_engine(db: Tx, merchant_id: UUID | None, actor: str, at: datetime) -> bool:
    """False when it was not stopped."""
