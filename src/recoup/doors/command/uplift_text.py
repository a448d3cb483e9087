"""The comparison of arms as `recoup uplift` prints it, of the one object that page and API have too."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.unseen import shown_by_number
from recoup.rules.uplift.comparison import PAYERS_MIN
from recoup.rules.uplift.looks import FIRST
from recoup.rules.uplift.strata import ARMS

REFUSED_SHOWN: Final = 20
_ALARMS: Final = {
    "harm": "the engine brings LESS than the comparison group: `recoup engine stop` stops it",
    "gone": "the uplift of this quarter is below the one that was shown before",
}
# name -> digits, and by what it is multiplied: shares are in percent
_OTHERS: Final = {
    "sends": (".2f", 1), "disputes": (".2f", 100), "orders_per_payer": (".3f", 1), "customers_lost": (".1f", 100),
}  # fmt: skip


def uplift_text(report: Mapping[str, Any], refused: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """`report`: as `comparison_report` makes it, with the looks to show. `refused`: lines of a file."""
    orders, arms, looks, cards = report["orders"], report["arms"], report["looks"], report["sharedCards"]
    text = [
        f"orders      {orders['closed']:,} whose window has closed; {orders['open']:,} still open, "
        f"{orders['other']:,} of other arms",
        _group("engine", arms["engine"]),
        _group("comparison", arms["holdout"]),
    ]
    text += [f"{one['on']:<12}{one['engine']:,} and {one['holdout']:,} orders: {_interval(one)}" for one in looks[:-1]]
    if looks:
        text.append(f"difference  {_interval(looks[-1])}")
        text += [_amounts(asset, money) for asset, money in report["byAmount"].items()]
    if not orders["closed"] and not orders["open"] and not refused:
        text.append("note        no comparison is under way; `recoup engine set --help` says how one begins")
    if report["ordersMissing"]:
        text.append(f"to ± 3      {report['ordersMissing']:,} more orders")
    text += [f"by {arm:<9}{_means(arms[arm]['by'])}" for arm in ARMS if arms[arm]["by"]]
    text += [_other(one) for one in report["others"]]
    if report["alarm"]:
        text.append(f"ALARM       {_ALARMS[report['alarm']]}")
    if cards["tooMany"]:
        text.append(f"note        {cards['shared']:,} of {cards['cards']:,} cards are held by payers of both arms")
    if report["payersInBothArms"]:
        moved = report["payersInBothArms"]
        text.append(f"note        {moved:,} payers were found in both arms: each counts in its first one")
    text += [f"line {one['line']:<7}{shown_by_number(one['why'])}" for one in refused[:REFUSED_SHOWN]]
    if len(refused) > REFUSED_SHOWN:
        text.append(f"refused     {len(refused):,} lines in all; --json lists them")
    return text


def _group(name: str, arm: Mapping[str, Any]) -> str:
    rescued = "" if not arm["orders"] else f", {arm['rescued']:.1%} of them rescued"
    return f"{name:<12}{arm['orders']:,} orders of {arm['payers']:,} payers{rescued}"


def _amounts(asset: str, money: Mapping[str, Any]) -> str:
    scale = 10 ** EXPONENTS.get(asset, 2)
    sums = (f"{money[arm]['rescued'] / scale:,.2f} of {money[arm]['declined'] / scale:,.2f}" for arm in ARMS)
    return f"by amount   {asset}: {_interval(money)}; {' and '.join(sums)} rescued"


def _interval(found: Mapping[str, Any]) -> str:
    if found["difference"] is None:
        return f"not enough yet: {PAYERS_MIN} payers are needed in each arm, and {FIRST.days} days"
    points, low, high = (100 * found[name] for name in ("difference", "low", "high"))
    return f"{points:+.1f} points, between {low:+.1f} and {high:+.1f}"


def _other(one: Mapping[str, Any]) -> str:
    name, (shape, scale) = one["name"].replace("_", " "), _OTHERS[one["name"]]
    text = f"{name:<17} {scale * one['engine']:{shape}} and {scale * one['holdout']:{shape}}"
    if one["difference"] is not None:
        text += f": between {scale * one['low']:+{shape}} and {scale * one['high']:+{shape}}"
    return text + ("  ALARM" if one["harm"] else "")


def _means(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{shown_by_number(name)} {count:,}" for name, count in counts.items())
