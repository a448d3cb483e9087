"""What a policy would have rescued before it is saved, in a few lines: of the figures that a back-test keeps."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.doors.command.backtest_words import LESS, VERDICTS, amount_of
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
    if report["sampledOf"] is not None:
        text.append(f"sample      of {report['sampledOf']:,} orders, by customers drawn with a fixed seed")
    if report["then"] is not None:
        text.append(f"then        {report['then']['value']:.1%} rescued, {report['sendsThen']:.2f} sends an order")
    if report["rescued"] is None:
        lacking = [
            f"            {LESS[one['what']].format(**one)}" for one in report["missing"] if one["have"] is not None
        ]
        lacking += [] if report["orders"] or report["open"] else [NO_ARM]
        return [*text, "policy      not enough to say what it would have rescued:", *lacking]
    return [*text, *_figures(report), *map(_money, report["money"])]


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
