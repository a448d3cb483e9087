"""A back-test of a file without probabilities, as text and as JSON: no interval stands at an expectation."""

from typing import Any, Final

from recoup.flows.insight.backtest_file import HistoryReport
from recoup.kernel.time import iso
from recoup.kernel.unseen import shown_by_number
from recoup.rules.backtest.history import Lacking

_LACKING: Final[dict[Lacking, str]] = {
    "attempts": "no attempt of a card stands in the file",
    "only_successes": "the file holds only successes: export the failed payments too",
    "declined": "no declined payment whose whole window lies in the file; the rest is cut by its edges",
    "days": "{have:.0f} days of closed windows; {needed:.0f} are needed",
    "rescued": "{have:.0f} payments that a later try rescued; {needed:.0f} are needed",
    "not_rescued": "{have:.0f} payments that none did; {needed:.0f} are needed",
    "guessed": "{have:.0%} of the attempts are put together by guess; {needed:.0%} at most. Export the payments' ids",
}
LOUD: Final = "THE MODELS' WORD: no history of one schedule can prove what another would have brought"


def text_of(found: HistoryReport) -> list[str]:
    cohort = found.cohort
    text = [
        f"policy      {shown_by_number(found.policy)}",
        f"payments    {len(cohort.payments):,} of {cohort.declined:,} declined at first, with windows of "
        f"{cohort.window.days} days; {cohort.begun_before:,} may have begun before the file, {cohort.open_after:,} end "
        "after it",
    ]
    if found.lacking or found.then is None:
        text.append("not enough  to say anything:")
        return text + ["            " + _LACKING[one.what].format(**one._asdict()) for one in found.lacking]
    low, high = found.then.interval
    days = "" if found.days_then is None else f", money after {found.days_then:.1f} days"
    text.append(
        f"then        {found.then.value:.1%} rescued (of more such payments {max(0, low):.1%} to {min(1, high):.1%}), "
        f"{found.sends_then:.2f} sends each{days}"
    )
    text += _of_policy(found)
    text += [
        f"experiment  {orders:,} orders, {share:.0%} of them compared, would show the difference to ± {half:.1%}"
        for orders, share, half in found.experiments
    ]
    for by, rows in found.groups.items():
        text += ["", f"by {by:<23} orders    then"]
        text += [f"{shown_by_number(name or 'others')[:26]:<26} {n:6,} {won / n:7.1%}" for name, n, won in rows]
    return text


def _of_policy(found: HistoryReport) -> list[str]:
    text = []
    if found.bounds is not None:
        planned, whole = found.planned_of
        sample = f" of a sample of {planned:,} payments" if planned < whole else ""
        text.append(
            f"at least    {found.bounds.at_least:.1%} and at most {found.bounds.at_most:.1%} rescued by this policy"
            f"{sample}, if nothing is assumed; {found.sends:.2f} sends planned each"
        )
    if found.calibration is not None:
        tries = sum(one.tries for one in found.calibration.tenths)
        text.append(
            f"calibration off by {found.calibration.error:.1%} at {tries:,} tries of the last quarter of the time"
        )
    if found.models is None:
        return [*text, f"models      are not asked: {found.why_no_models or 'nothing was planned'}"]
    return [
        *text,
        f"models      expect {found.models.lowest:.1%} to {found.models.highest:.1%} (range of models)",
        f"            {LOUD}",
    ]


def dict_of(found: HistoryReport) -> dict[str, Any]:
    cohort = found.cohort
    plain: dict[str, Any] = {
        "basis": "history",
        "policy": found.policy,
        "orders": len(cohort.payments),
        "declined": cohort.declined,
        "begunBefore": cohort.begun_before,
        "openAfter": cohort.open_after,
        "from": iso(cohort.first) if cohort.first else None,
        "until": iso(cohort.last) if cohort.last else None,
        "missing": [one._asdict() for one in found.lacking],
    }
    if found.then is None:
        return plain
    low, high = found.then.interval
    plain["then"] = {"value": round(found.then.value, 6), "low": round(low, 6), "high": round(high, 6)}
    plain |= {"sendsThen": round(found.sends_then, 4), "daysThen": found.days_then}
    if found.bounds is not None:
        plain["bounds"] = {"atLeast": round(found.bounds.at_least, 6), "atMost": round(found.bounds.at_most, 6)}
        plain |= {"plannedOf": list(found.planned_of), "sends": round(found.sends or 0.0, 4)}
    if found.calibration is not None:
        plain["calibration"] = {
            "error": round(found.calibration.error, 6),
            "tenths": [[one.tries, round(one.expected, 6), round(one.observed, 6)] for one in found.calibration.tenths],
        }
    plain["rangeOfModels"] = None
    if found.models is not None:
        plain["rangeOfModels"] = {"lowest": round(found.models.lowest, 6), "highest": round(found.models.highest, 6)}
        plain["note"] = LOUD
    plain["whyNoModels"] = found.why_no_models
    plain["experiments"] = [
        {"orders": orders, "compared": share, "plusMinus": round(half, 6)} for orders, share, half in found.experiments
    ]
    plain["groups"] = {
        by: [{"name": name, "orders": n, "rescuedThen": won} for name, n, won in rows]
        for by, rows in found.groups.items()
    }
    return plain
