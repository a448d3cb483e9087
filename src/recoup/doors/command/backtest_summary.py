"""The figures that a back-test keeps, in a few lines: before a policy is saved, and of one that is shown again."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.doors.command.backtest_history import LACKING
from recoup.doors.command.backtest_words import LESS, VERDICTS, amount_of
from recoup.flows.insight.backtest_plain import LOUD
from recoup.kernel.kept_sentence import kept
from recoup.kernel.unseen import shown_by_number
from recoup.store.insight.backtests import BacktestRow

LATER: Final = "back-test   {0} is being made; the page Back-tests shows it. The policy can be saved meanwhile."
NO_ARM: Final = (
    "            no order has an arm yet: let the rescue engine watch, then each decision has its probability"
)


def summary(row: BacktestRow) -> list[str]:
    """Of a policy that may be saved, beside what was done."""
    report = row.report
    if row.made_at is None:
        return [LATER.format(row.backtest_id)]
    if report is None:
        return [f"back-test   {shown_by_number(str(kept(row.failed or '')))}"]
    text = [f"back-test   {shown_by_number(report['policy'])}, of {report['orders']:,} orders of the last days"]
    return [*text, *figures_of(report)]


def figures_of(report: Mapping[str, Any]) -> list[str]:
    """Of a merchant's own orders, or of an import."""
    return _of_history(report) if report["basis"] == "history" else _of_own(report)


def _of_own(report: Mapping[str, Any]) -> list[str]:
    text = []
    if report["sampledOf"] is not None:
        text.append(f"sample      of {report['sampledOf']:,} orders, by customers drawn with a fixed seed")
    if report["then"] is not None:
        text.append(
            f"then        {report['then']['value']:.1%} of {report['orders']:,} orders rescued, "
            f"{report['sendsThen']:.2f} sends an order"
        )
    if report["rescued"] is None:
        lacking = _lacking(report, LESS)
        lacking += [] if report["orders"] or report["open"] else [NO_ARM]
        return [*text, "policy      not enough to say what it would have rescued:", *lacking]
    return [*text, *_figures(report), *map(_money, report["money"])]


def _of_history(report: Mapping[str, Any]) -> list[str]:
    text = []
    if report["sampledOf"] is not None:
        text.append(f"sample      of {report['sampledOf']:,} attempts, by customers drawn with a fixed seed")
    then = report["then"]
    if then is None:
        return [*text, "policy      not enough to say what was rescued:", *_lacking(report, LACKING)]
    text.append(
        f"then        {then['value']:.1%} of {report['orders']:,} payments rescued (of more such payments "
        f"{max(0, then['low']):.1%} to {min(1, then['high']):.1%}), {report['sendsThen']:.2f} sends each"
    )
    if report["bounds"] is not None:
        least, most = report["bounds"]["atLeast"], report["bounds"]["atMost"]
        text.append(f"policy      at least {least:.1%} and at most {most:.1%} rescued, if nothing is assumed")
    if report["rangeOfModels"] is None:
        return text
    models = report["rangeOfModels"]
    return [
        *text,
        f"models      expect {models['lowest']:.1%} to {models['highest']:.1%} (range of models)",
        f"            {LOUD}",
    ]


def _lacking(report: Mapping[str, Any], words: Mapping[Any, str]) -> list[str]:
    return [f"            {words[one['what']].format(**one)}" for one in report["missing"] if one["have"] is not None]


def _figures(report: Mapping[str, Any]) -> list[str]:
    rescued, more = report["rescued"], report["difference"]
    return [
        f"policy      {rescued['value']:.1%} rescued, 90 % interval {max(0.0, rescued['low']):.1%} to "
        f"{min(1.0, rescued['high']):.1%}, {report['sends']:.2f} sends an order",
        f"difference  {100 * more['value']:+.1f} points, between {100 * more['low']:+.1f} and "
        f"{100 * more['high']:+.1f}: {VERDICTS[report['verdict']]}",
    ]


def _money(one: Mapping[str, Any]) -> str:
    asset, more = one["currency"], one["netDifference"]
    return (
        f"net {asset}     {amount_of(one['net'], asset)} against {amount_of(one['netThen'], asset)}, difference "
        f"{amount_of(more['low'], asset, sign=True)} to {amount_of(more['high'], asset, sign=True)}; fees avoided "
        f"{amount_of(one['feesAvoided'], asset)}"
    )
