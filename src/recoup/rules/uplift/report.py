"""The comparison of arms as one object, for the command, the page and the API alike. Pure."""

import math
from collections.abc import Sequence
from typing import Any, Final

from recoup.kernel.currencies import EXPONENTS
from recoup.rules.uplift.closed_order import OrdersRead
from recoup.rules.uplift.cohorts import CURVE_DAYS, Cohort, Sums
from recoup.rules.uplift.comparison import Comparison, Difference
from recoup.rules.uplift.looks import Looks
from recoup.rules.uplift.other_outcomes import OtherOutcome, other_outcomes, shared_cards
from recoup.rules.uplift.strata import ARMS, ComparedArm

_HARM_OF: Final = "other:"


def comparison_report(found: OrdersRead, looks: Looks) -> dict[str, Any]:
    """Shares from 0 to 1; None where there is not enough yet."""
    counted, cards = looks.counted, shared_cards(found.closed)
    return {
        "orders": {"closed": len(found.closed), "open": found.open, "other": found.other, "oneIn": found.one_in},
        "arms": {
            arm: {
                "orders": counted.orders(arm),
                "payers": counted.payers(arm),
                "rescued": _share(counted, arm),
                "by": dict(looks.by[arm].most_common()),
            }
            for arm in ARMS
        },
        "expected": looks.expected,
        "looks": [
            {"on": one.on.isoformat(), "engine": one.engine, "holdout": one.holdout} | _bounds(one.difference)
            for one in looks.looks
        ],
        "byAmount": {asset: _amounts(asset, money) for asset, money in sorted(looks.money.items())},
        "ordersMissing": counted.orders_missing(),
        "alarm": looks.alarm,
        "others": [_other(one) for one in other_outcomes(found.closed, looks.expected)],
        "sharedCards": {"shared": cards.shared, "cards": cards.cards, "tooMany": cards.too_many},
        "payersInBothArms": len(found.moved),
    }


def cohort_report(weeks: Sequence[Cohort], places: Sequence[tuple[dict[str, Any], Sums]]) -> dict[str, Any]:
    """`places`: each with what names it."""
    return {
        "curveDays": list(CURVE_DAYS),
        "cohorts": [
            {"week": one.week.isoformat(), "curve": [_rounded(share) for share in one.curve]} | _sums(one.sums)
            for one in weeks
        ],
        "places": [names | _sums(sums) for names, sums in places],
    }


def findings(report: dict[str, Any]) -> str | None:
    """What people should hear of, as a code, the worst first: harm, `other:NAMES`, gone or shown; None: nothing yet."""
    if report["alarm"] == "harm":
        return "harm"
    if harmed := [one["name"] for one in report["others"] if one["harm"]]:
        return _HARM_OF + ",".join(harmed)
    if report["alarm"]:
        return str(report["alarm"])
    last = report["looks"][-1] if report["looks"] else None
    return "shown" if last and last["low"] is not None and last["low"] > 0 else None


def is_harm(finding: str) -> bool:
    """In the rescued share, or in what else is compared."""
    return finding == "harm" or finding.startswith(_HARM_OF)


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "orders": sums.orders,
        "closed": sums.closed,
        "rescued": sums.rescued,
        "rate": _rounded(sums.rate),
        "units": dict(sorted(sums.units.items())),
        "rescuedUnits": dict(sorted(sums.rescued_units.items())),
    }


def _amounts(asset: str, money: Comparison) -> dict[str, Any]:
    """Of each arm what was declined and what of it was rescued, in minor units."""
    scale = 10 ** EXPONENTS.get(asset, 2)
    sums = {
        arm: {"declined": round(money.weight(arm) * scale), "rescued": round(money.value(arm) * scale)} for arm in ARMS
    }
    return sums | _bounds(money.look())


def _other(one: OtherOutcome) -> dict[str, Any]:
    means = {"engine": round(one.engine, 6), "holdout": round(one.holdout, 6)}
    return {"name": one.name, **means, **_bounds(one.difference), "harm": one.harm}


def _share(counted: Comparison, arm: ComparedArm) -> float | None:
    mean = counted.mean(arm)
    return None if math.isnan(mean) else round(mean, 6)


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 6)


def _bounds(found: Difference | None) -> dict[str, float | None]:
    if found is None:
        return {"difference": None, "low": None, "high": None}
    return {"difference": round(found.difference, 6), "low": round(found.low, 6), "high": round(found.high, 6)}
