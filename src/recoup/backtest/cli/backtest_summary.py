"""The figures that a back-test keeps, in a few lines: before a policy is saved, and of one that is
shown again."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.backtest.cli.backtest_words import (
    VERDICTS,
    amount_of,
    at_cost,
    explained,
    in_short,
    label_of,
    listed,
)
from recoup.backtest.flows.backtest_file import HistoryReport
from recoup.backtest.flows.backtest_plain import LOUD, history_plain
from recoup.backtest.rules.assuming import Narrowed
from recoup.backtest.rules.history_figures import HistoryFigures
from recoup.backtest.rules.words import days_earlier
from recoup.backtest.store import BacktestRow
from recoup.kernel.kept_sentence import kept
from recoup.kernel.unseen import shown_by_number

_HEADS: Final = (
    f"orders    then  {'if nothing assumed':<17} {'models expect':<17} {'sends':<24} "
    f"{'money':<30} fees avoided"
)


def text_of(report: HistoryReport) -> list[str]:
    cohort = report.cohort
    text = [
        *in_short(history_plain(report)),
        f"policy      {shown_by_number(report.policy)}",
        f"payments    {len(cohort.payments):,} of {cohort.declined:,} declined at first, with "
        f"windows of "
        f"{cohort.window.days} days; {cohort.begun_before:,} may have begun before the file, "
        f"{len(cohort.open):,} end "
        "after it"
        + (f", {len(cohort.unknown):,} have an unknown outcome" if cohort.unknown else ""),
    ]
    if report.sampled_of is not None:
        text.append(
            f"sample      {cohort.attempts:,} of {report.sampled_of:,} attempts, by customers "
            f"drawn with a fixed seed"
        )
    if report.lacking or report.then is None or report.whole is None:
        text.append("not enough  to say anything:")
        return text + listed(history_plain(report))
    low, high = report.then.interval
    days = (
        "" if report.whole.days_then is None else f", money after {report.whole.days_then:.1f} days"
    )
    text.append(
        f"then        {report.then.value:.1%} rescued (of more such payments {max(0, low):.1%} to "
        f"{min(1, high):.1%}), "
        f"{report.whole.sends_then:.2f} attempts each{days}"
    )
    text += _of_policy(report)
    text += [
        f"experiment  {experiment.orders:,} orders ({experiment.days:,.0f} days), "
        f"{experiment.compared:.0%} of them compared, would show the difference to "
        f"± {100 * experiment.plus_minus:.1f} points; about {experiment.at_risk:,} rescues at risk"
        for experiment in report.experiments
    ]
    for by, rows in report.groups.items():
        text += ["", f"by {by:<25} {_HEADS}", *map(_group, rows)]
        text += explained(row.name for row in rows) if by == "class" else []
    return text


def _group(figures: HistoryFigures) -> str:
    rescued = (
        "–"
        if figures.rescued is None
        else f"{figures.rescued.low:.1%} to {figures.rescued.high:.1%}"
    )
    models = (
        "–" if figures.models is None else f"{figures.models.low:.1%} to {figures.models.high:.1%}"
    )
    sends = "–" if figures.sends is None else f"{figures.sends.low:.2f} to {figures.sends.high:.2f}"
    days = "–" if figures.days_earlier is None else days_earlier(*figures.days_earlier)
    return (
        f"{shown_by_number(label_of(figures.name))[:28]:<28} {figures.orders:6,} "
        f"{figures.rescued_then / figures.orders:7.1%}  "
        f"{rescued:<17} {models:<17} {f'{sends}, then {figures.sends_then:.2f}':<24} {days:<30} "
        f"{_fees(figures)}"
    )


def _fees(figures: HistoryFigures) -> str:
    spans = (
        f"{amount_of(fee.low, fee.asset)} to {amount_of(fee.high, fee.asset)} {fee.asset}"
        for fee in figures.fees_avoided
    )
    return ", ".join(spans) or "–"


def _of_policy(report: HistoryReport) -> list[str]:
    text = []
    if report.bounds is not None:
        planned, count = report.planned_of
        sample = f" of a sample of {planned:,} payments" if planned < count else ""
        text.append(
            f"at least    {report.bounds.at_least:.1%} and at most {report.bounds.at_most:.1%} "
            f"rescued by this policy"
            f"{sample}, if nothing is assumed; {report.sends:.2f} attempts planned each"
        )
    if report.narrowed is not None:
        text.append(_assuming(report.narrowed))
    whole = report.whole
    if whole is not None and whole.sends is not None:
        text.append(
            f"attempts    {whole.sends.low:.2f} to {whole.sends.high:.2f} each under it; fees "
            f"avoided {_fees(whole)}"
        )
        text.append(at_cost(report.send_cost))
    if whole is not None and whole.days_earlier is not None:
        text.append(
            f"money       {days_earlier(*whole.days_earlier)}, where it rescues the same payments"
        )
    if report.calibration is not None:
        off = report.calibration
        text.append(
            f"calibration the model's chances were off by {100 * off.error:.1f} points "
            f"(± {100 * off.plus_minus:.1f}) at {off.tries:,} attempts of the last quarter of the "
            f"time, which it "
            "had not seen"
        )
    if report.models is None:
        return [
            *text,
            f"models      are not asked: {report.why_no_models or 'nothing was planned'}",
        ]
    return [
        *text,
        f"models      expect {report.models.lowest:.1%} to {report.models.highest:.1%} (range of "
        f"models)",
        f"            {LOUD}",
    ]


def _assuming(narrowed: Narrowed) -> str:
    text = "assuming    payer: "
    if narrowed.at_least is not None and narrowed.at_most is not None:
        text += f"at least {narrowed.at_least:.1%} and at most {narrowed.at_most:.1%}; "
    return f"{text}{narrowed.contradicted:,} payments contradict it"


LATER: Final = (
    "back-test   {0} is being made; the page Back-tests shows it. The policy can be "
    "saved meanwhile."
)


def summary(row: BacktestRow) -> list[str]:
    """Summary of a policy that may be saved, beside what was done."""
    report = row.report
    if row.made_at is None:
        return [LATER.format(row.backtest_id)]
    if report is None:
        return [f"back-test   {shown_by_number(str(kept(row.failed or '')))}"]
    text = [
        f"back-test   {shown_by_number(report['policy'])}, of {report['orders']:,} orders of the "
        f"last days"
    ]
    return [*text, *figures_of(report)]


def figures_of(report: Mapping[str, Any]) -> list[str]:
    """Figures of a merchant's own orders, or of an import."""
    return in_short(report) + (
        _of_history(report) if report["basis"] == "history" else _of_own(report)
    )


def _of_own(report: Mapping[str, Any]) -> list[str]:
    text = []
    if report["sampledOf"] is not None:
        text.append(
            f"sample      of {report['sampledOf']:,} orders, by customers drawn with a fixed seed"
        )
    if report["then"] is not None:
        text.append(
            f"then        {report['then']['value']:.1%} of {report['orders']:,} orders rescued, "
            f"{report['sendsThen']:.2f} attempts an order"
        )
    if report["rescued"] is None:
        return [*text, "policy      not enough to say what it would have rescued:", *listed(report)]
    return [*text, *_figures(report), *map(_money, report["money"])]


def _of_history(report: Mapping[str, Any]) -> list[str]:
    text = []
    if report["sampledOf"] is not None:
        text.append(
            f"sample      of {report['sampledOf']:,} attempts, by customers drawn with a fixed seed"
        )
    then = report["then"]
    if then is None:
        return [*text, "policy      not enough to say what was rescued:", *listed(report)]
    text.append(
        f"then        {then['value']:.1%} of {report['orders']:,} payments rescued (of more such "
        f"payments "
        f"{max(0, then['low']):.1%} to {min(1, then['high']):.1%}), {report['sendsThen']:.2f} "
        f"attempts each"
    )
    if report["bounds"] is not None:
        least, most = report["bounds"]["atLeast"], report["bounds"]["atMost"]
        text.append(
            f"policy      at least {least:.1%} and at most {most:.1%} rescued, if nothing is "
            f"assumed"
        )
    if report["rangeOfModels"] is None:
        return text
    models = report["rangeOfModels"]
    return [
        *text,
        f"models      expect {models['lowest']:.1%} to {models['highest']:.1%} (range of models)",
        f"            {LOUD}",
    ]


def _figures(report: Mapping[str, Any]) -> list[str]:
    rescued, more = report["rescued"], report["difference"]
    return [
        f"policy      {rescued['value']:.1%} rescued, 90 % interval {max(0.0, rescued['low']):.1%} "
        f"to "
        f"{min(1.0, rescued['high']):.1%}, {report['sends']:.2f} attempts an order",
        f"difference  {100 * more['value']:+.1f} points, between {100 * more['low']:+.1f} and "
        f"{100 * more['high']:+.1f}: {VERDICTS[report['verdict']]}",
    ]


def _money(money: Mapping[str, Any]) -> str:
    asset, more = money["currency"], money["netDifference"]
    return (
        f"net {asset}     {amount_of(money['net'], asset)} against "
        f"{amount_of(money['netThen'], asset)}, difference "
        f"{amount_of(more['low'], asset, sign=True)} to "
        f"{amount_of(more['high'], asset, sign=True)}; fees avoided "
        f"{amount_of(money['feesAvoided'], asset)}"
    )
