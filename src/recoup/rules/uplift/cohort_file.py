"""Cohorts as a CSV: by week, or by site and campaign. Amounts in minor units, in a column a currency. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

from recoup.rules.money.cells import Number, csv_row

By = Literal["week", "site"]
_KEYS: Final[dict[By, tuple[str, ...]]] = {"week": ("week",), "site": ("siteId", "site", "campaignId", "campaign")}
_COUNTS: Final = ("orders", "closed", "rescued")

_ARMS: Final = (
    "engine_orders", "engine_rescued", "comparison_orders", "comparison_rescued", "difference", "low", "high"
)  # fmt: skip


def cohort_file(report: Mapping[str, Any], by: By) -> Iterator[str]:
    """`report`: as `cohort_report` makes it; rates as shares from 0 to 1, empty where there is none yet."""
    rows = report["cohorts" if by == "week" else "places"]
    assets = sorted({asset for row in rows for asset in row["units"]})
    days = report["curveDays"] if by == "week" else []
    arms = _ARMS if by == "site" else ()
    money = [name for asset in assets for name in (f"closed_{asset}", f"rescued_{asset}")]
    yield csv_row((*_KEYS[by], *_COUNTS, "rate", *(f"by_day_{day}" for day in days), *money, *arms))
    for row in rows:
        sums = [row[of].get(asset, 0) for asset in assets for of in ("units", "rescuedUnits")]
        shares = (row["rate"], *row.get("curve", ()))
        yield csv_row(
            (
                *(row[key] or "" for key in _KEYS[by]),
                *(row[name] for name in _COUNTS),
                *("" if share is None else Number(str(share)) for share in shares),
                *sums,
                *(_compared(row) if arms else ()),
            )
        )


def _compared(row: Mapping[str, Any]) -> Iterator[Any]:
    """Reports that were made before places were compared have nothing of it."""
    for arm in ("engine", "holdout"):
        found = row.get(arm) or {"orders": 0, "rescued": 0}
        yield from (found["orders"], found["rescued"])
    for name in ("difference", "low", "high"):
        yield "" if row.get(name) is None else Number(str(row[name]))
