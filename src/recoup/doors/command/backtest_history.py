"""A back-test of a file without probabilities, as text and as JSON: no interval stands at an expectation."""

from typing import Final

from recoup.flows.insight.backtest_file import HistoryReport
from recoup.flows.insight.backtest_plain import LOUD
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


def text_of(found: HistoryReport) -> list[str]:
    cohort = found.cohort
    text = [
        f"policy      {shown_by_number(found.policy)}",
        f"payments    {len(cohort.payments):,} of {cohort.declined:,} declined at first, with windows of "
        f"{cohort.window.days} days; {cohort.begun_before:,} may have begun before the file, {cohort.open_after:,} end "
        "after it",
    ]
    if found.sampled_of is not None:
        text.append(
            f"sample      {cohort.attempts:,} of {found.sampled_of:,} attempts, by customers drawn with a fixed seed"
        )
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
