"""A back-test of a file without probabilities, as text and as JSON: no interval stands at an expectation."""

from typing import Final

from recoup.doors.command.backtest_words import amount_of, label_of
from recoup.flows.insight.backtest_file import HistoryReport
from recoup.flows.insight.backtest_plain import LOUD
from recoup.kernel.unseen import shown_by_number
from recoup.rules.backtest.history import Lacking
from recoup.rules.backtest.history_figures import HistoryFigures

_HEADS: Final = (
    f"orders    then  {'if nothing assumed':<17} {'models expect':<17} {'sends':<24} {'days earlier':<15} fees avoided"
)
LACKING: Final[dict[Lacking, str]] = {
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
        f"{cohort.window.days} days; {cohort.begun_before:,} may have begun before the file, {len(cohort.open):,} end "
        "after it",
    ]
    if found.sampled_of is not None:
        text.append(
            f"sample      {cohort.attempts:,} of {found.sampled_of:,} attempts, by customers drawn with a fixed seed"
        )
    if found.lacking or found.then is None or found.whole is None:
        text.append("not enough  to say anything:")
        return text + ["            " + LACKING[one.what].format(**one._asdict()) for one in found.lacking]
    low, high = found.then.interval
    days = "" if found.whole.days_then is None else f", money after {found.whole.days_then:.1f} days"
    text.append(
        f"then        {found.then.value:.1%} rescued (of more such payments {max(0, low):.1%} to {min(1, high):.1%}), "
        f"{found.whole.sends_then:.2f} sends each{days}"
    )
    text += _of_policy(found)
    text += [
        f"experiment  {orders:,} orders, {share:.0%} of them compared, would show the difference to ± {half:.1%}"
        for orders, share, half in found.experiments
    ]
    for by, rows in found.groups.items():
        text += ["", f"by {by:<23} {_HEADS}", *map(_group, rows)]
    return text


def _group(one: HistoryFigures) -> str:
    rescued = "–" if one.rescued is None else f"{one.rescued.low:.1%} to {one.rescued.high:.1%}"
    models = "–" if one.models is None else f"{one.models.low:.1%} to {one.models.high:.1%}"
    sends = "–" if one.sends is None else f"{one.sends.low:.2f} to {one.sends.high:.2f}"
    days = "–" if one.days_earlier is None else f"{one.days_earlier.low:+.1f} to {one.days_earlier.high:+.1f}"
    return (
        f"{shown_by_number(label_of(one.name))[:26]:<26} {one.orders:6,} {one.rescued_then / one.orders:7.1%}  "
        f"{rescued:<17} {models:<17} {f'{sends}, then {one.sends_then:.2f}':<24} {days:<15} {_fees(one)}"
    )


def _fees(one: HistoryFigures) -> str:
    spans = (
        f"{amount_of(fee.low, fee.asset)} to {amount_of(fee.high, fee.asset)} {fee.asset}" for fee in one.fees_avoided
    )
    return ", ".join(spans) or "–"


def _of_policy(found: HistoryReport) -> list[str]:
    text = []
    if found.bounds is not None:
        planned, count = found.planned_of
        sample = f" of a sample of {planned:,} payments" if planned < count else ""
        text.append(
            f"at least    {found.bounds.at_least:.1%} and at most {found.bounds.at_most:.1%} rescued by this policy"
            f"{sample}, if nothing is assumed; {found.sends:.2f} sends planned each"
        )
    whole = found.whole
    if whole is not None and whole.sends is not None:
        text.append(
            f"sends       {whole.sends.low:.2f} to {whole.sends.high:.2f} each under it; fees avoided {_fees(whole)}"
        )
    if whole is not None and whole.days_earlier is not None:
        low, high = whole.days_earlier
        text.append(
            f"money       {low:+.1f} to {high:+.1f} days earlier, below 0 later, where it rescues the same payments"
        )
    if found.calibration is not None:
        off = found.calibration
        text.append(
            f"calibration the model's chances were off by {off.error:.1%} (± {off.plus_minus:.1%}) at {off.tries:,} "
            "tries of the last quarter of the time, which it had not seen"
        )
    if found.models is None:
        return [*text, f"models      are not asked: {found.why_no_models or 'nothing was planned'}"]
    return [
        *text,
        f"models      expect {found.models.lowest:.1%} to {found.models.highest:.1%} (range of models)",
        f"            {LOUD}",
    ]
