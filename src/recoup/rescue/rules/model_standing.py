"""Check whether a model may decide at a moment: one that has seen nothing of that time gives no
chances. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from recoup.rescue.rules.model import Learned

WhyNone = Literal["no_model", "model_stale", "model_damaged", "model_not_read", "model_ahead"]
STALE_AFTER: Final = timedelta(
    days=90
)  # business time since the newest attempt that the model has seen

# What a merchant reads where the fixed schedule decides in the engine's place.
WHY_NONE: Final[Mapping[WhyNone, str]] = {
    "no_model": "No model is in use yet, so the fixed schedule applies.",
    "model_stale": f"The model’s data are more than {STALE_AFTER.days} days old, so the fixed "
    f"schedule applies.",
    "model_damaged": "The stored model is damaged, so the fixed schedule applies.",
    "model_not_read": "The model cannot be read on this machine, so the fixed schedule applies.",
    "model_ahead": "The model's data begin after this order, so the fixed schedule applies.",
}


def why_not(learned: Learned, now: datetime) -> WhyNone | None:
    """Reason the model may not decide; None: it may. `now` is business time."""
    if now >= _midnight(learned.data_until) + timedelta(days=1) + STALE_AFTER:
        return "model_stale"
    return "model_ahead" if now < _midnight(learned.data_from) else None


def _midnight(day: str) -> datetime:
    parsed = date.fromisoformat(day)
    return datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC)
