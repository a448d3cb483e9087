"""A back-test's figures as text and as JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from recoup.backtest.flows.backtest_plain import judgement_plain
from recoup.backtest.rules.estimate import Estimate
from recoup.backtest.rules.headline import headline
from recoup.backtest.rules.report import Figures, Judgement, MoneyFigures
from recoup.backtest.rules.words import CLASSES, days_earlier, lacking
from recoup.kernel.money import EXPONENTS, apart, shown
from recoup.kernel.unseen import shown_by_number

GROUP_WIDTH: Final = 26
_KINDS: Final = {
    "class": "by class of decline",
    "issuer": "by issuer",
    "country": "by country",
    "amount": "by amount",
}
VERDICTS: Final = {
    "better": "better than what was done",
    "worse": "WORSE than what was done",
    "not_told": "no difference can be told from what was done",
}


def text_of(found: Judgement, send_cost: int) -> list[str]:
    """`send_cost`: minor units of a send."""
    whole = found.whole
    text = [*in_short(judgement_plain(found)), f"policy      {shown_by_number(found.policy)}"]
    if found.sampled_of is not None:
        text.append(
            f"sample      {whole.orders:,} of {found.sampled_of:,} orders, by customers drawn with a fixed seed"
        )
    span = f", {_day(found.first)} to {_day(found.last)}" if found.first is not None else ""
    text.append(
        f"orders      {whole.orders:,} of {found.payers:,} customers, whose window has closed{span}; "
        f"{found.open:,} open"
    )
    if found.unread:
        text.append(
            f"unread      {found.unread:,} orders hold decisions that cannot be read; they are left out"
        )
    if whole.orders:
        text.append(
            f"then        {whole.then.value:.1%} rescued (of more such orders {_interval(whole.then)})"
        )
    text += _with_policy(found)
    text += [_money(one) for one in found.money] + [at_cost(send_cost)] * bool(found.money)
    text += _overlap(found)
    for kind, rows in found.groups.items():
        heads = "orders    then  policy  difference           attempts          money               fees avoided"
        text += ["", f"{_KINDS[kind]:<{GROUP_WIDTH}} {heads}"]
        text += [_group(name, one) for name, one in rows]
        text += explained(name for name, _ in rows) if kind == "class" else []
    return text


def in_short(report: Mapping[str, Any]) -> list[str]:
    """The lines that the portal's page of it begins with, too."""
    found = headline(report)
    if found is None:
        return []
    return [
        f"in short    {found.money}",
        f"            {found.payments}",
        f"            {found.advice}",
    ]


def listed(report: Mapping[str, Any]) -> list[str]:
    """The lines that say what is missing for a figure, and what to do."""
    return [f"            {one}" for one in lacking(report)]


def explained(classes: Iterable[str]) -> list[str]:
    """Explains what each class of decline means."""
    return [
        f"  {name or 'others':<{GROUP_WIDTH - 2}} {CLASSES[name]}"
        for name in classes
        if name in CLASSES
    ]


def at_cost(units: int) -> str:
    """Text of what the fees rest on."""
    return f"            fees at {units} minor units an attempt, which is an assumption: --send-cost takes another"


def _with_policy(found: Judgement) -> list[str]:
    whole = found.whole
    if whole.rescued is None or whole.difference is None:
        return [
            "policy      not enough to say what it would have rescued:",
            *listed(judgement_plain(found)),
        ]
    low, high = (100 * one for one in whole.difference.interval)
    return [
        f"policy      {whole.rescued.value:.1%} rescued, 90 % interval {_interval(whole.rescued)}",
        f"difference  {100 * whole.difference.value:+.1f} points, between {low:+.1f} and {high:+.1f}: "
        + VERDICTS[found.verdict],
        f"attempts    {whole.sends:.2f} an order, then {whole.sends_then:.2f}",
        f"money       after {_days(whole.days)} days, then {_days(whole.days_then)}"
        + (f": {days_earlier(whole.days_earlier)}" if whole.days_earlier is not None else ""),
    ]


def _money(one: MoneyFigures) -> str:
    more = f"{amount_of(one.net, one.asset)} against {amount_of(one.net_then, one.asset)}"
    between = f"{amount_of(one.net_low, one.asset, sign=True)} to {amount_of(one.net_high, one.asset, sign=True)}"
    fees = amount_of(one.fees_avoided, one.asset)
    return f"net {one.asset}     {more}, difference {between}; fees avoided {fees}"


def _overlap(found: Judgement) -> list[str]:
    overlap = found.overlap
    return [
        f"overlap     {overlap.followed:.1%} of the orders were tried to their end as it would have: they count as "
        f"{overlap.effective:,.0f} of {overlap.payers:,} customers",
        f"            no arm could do {overlap.unsupported:.1%}; cut off {overlap.clipped:.1%}; largest customer "
        f"{overlap.largest:.1%}",
    ]


def _group(name: str, one: Figures) -> str:
    label = shown_by_number(label_of(name))[:GROUP_WIDTH]
    then = f"{one.then.value:7.1%}" if one.orders else "      –"
    if one.rescued is None or one.difference is None:
        why = ", ".join(sorted({less.what for less in one.missing}))
        return f"{label:<{GROUP_WIDTH}} {one.orders:6,} {then}  not enough: {why}"
    low, high = (100 * value for value in one.difference.interval)
    between = f"{100 * one.difference.value:+.1f} ({low:+.1f} to {high:+.1f})"
    return (
        f"{label:<{GROUP_WIDTH}} {one.orders:6,} {then} {one.rescued.value:7.1%}  {between:<20} "
        f"{one.sends:.2f}, then {one.sends_then:.2f}  {_earlier(one.days_earlier):<18}  "
        + ", ".join(f"{amount_of(fee.units, fee.asset)} {fee.asset}" for fee in one.fees_avoided)
    )


def label_of(name: str) -> str:
    """A band of amounts is `USD/1299/2499` in minor units."""
    parts = name.split("/")
    if len(parts) == 3 and parts[0] in EXPONENTS and parts[1].isdigit() and parts[2].isdigit():
        asset, low, high = parts[0], int(parts[1]), int(parts[2])
        above = f"above {shown(low, asset)}" if low else ""
        upto = f"up to {shown(high, asset)}" if high else ""
        return " ".join(part for part in (asset, above, upto) if part)
    return name or "others"


def _interval(one: Estimate) -> str:
    low, high = one.interval
    return f"{max(0.0, low):.1%} to {min(1.0, high):.1%}"


def amount_of(units: float | None, asset: str, *, sign: bool = False) -> str:
    whole = round(units or 0.0)
    lead = "-" if whole < 0 else "+" if sign else ""
    return f"{lead}{apart(shown(abs(whole), asset if asset in EXPONENTS else 'USD'))}"


def _days(days: float | None) -> str:
    return "–" if days is None else f"{days:.1f}"


def _earlier(days: float | None) -> str:
    return "–" if days is None else days_earlier(days)


def _day(at: datetime | None) -> str:
    return at.date().isoformat() if at is not None else "–"
