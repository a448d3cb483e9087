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


def text_of(judgement: Judgement, send_cost: int) -> list[str]:
    """`send_cost`: minor units of a send."""
    whole = judgement.whole
    text = [
        *in_short(judgement_plain(judgement)),
        f"policy      {shown_by_number(judgement.policy)}",
    ]
    if judgement.sampled_of is not None:
        text.append(
            f"sample      {whole.orders:,} of {judgement.sampled_of:,} orders, by customers drawn "
            f"with a fixed seed"
        )
    span = (
        f", {_day(judgement.first)} to {_day(judgement.last)}"
        if judgement.first is not None
        else ""
    )
    text.append(
        f"orders      {whole.orders:,} of {judgement.payers:,} customers, whose window has "
        f"closed{span}; "
        f"{judgement.open:,} open"
    )
    if judgement.unread:
        text.append(
            f"unread      {judgement.unread:,} orders hold decisions that cannot be read; they are "
            f"left out"
        )
    if whole.orders:
        text.append(
            f"then        {whole.then.value:.1%} rescued (of more such orders "
            f"{_interval(whole.then)})"
        )
    text += _with_policy(judgement)
    text += [_money(money) for money in judgement.money] + [at_cost(send_cost)] * bool(
        judgement.money
    )
    text += _overlap(judgement)
    for kind, rows in judgement.groups.items():
        heads = (
            "orders    then  policy  difference           attempts          money             "
            "  fees avoided"
        )
        text += ["", f"{_KINDS[kind]:<{GROUP_WIDTH}} {heads}"]
        text += [_group(name, figures) for name, figures in rows]
        text += explained(name for name, _ in rows) if kind == "class" else []
    return text


def in_short(report: Mapping[str, Any]) -> list[str]:
    """The lines that the portal's page of it begins with, too."""
    said = headline(report)
    if said is None:
        return []
    return [
        f"in short    {said.money}",
        f"            {said.payments}",
        f"            {said.advice}",
    ]


def listed(report: Mapping[str, Any]) -> list[str]:
    """The lines that say what is missing for a figure, and what to do."""
    return [f"            {line}" for line in lacking(report)]


def explained(classes: Iterable[str]) -> list[str]:
    """Explains what each class of decline means."""
    return [
        f"  {name or 'others':<{GROUP_WIDTH - 2}} {CLASSES[name]}"
        for name in classes
        if name in CLASSES
    ]


def at_cost(units: int) -> str:
    """Text of what the fees rest on."""
    return (
        f"            fees at {units} minor units an attempt, which is an assumption: "
        f"--send-cost takes another"
    )


def _with_policy(judgement: Judgement) -> list[str]:
    whole = judgement.whole
    if whole.rescued is None or whole.difference is None:
        return [
            "policy      not enough to say what it would have rescued:",
            *listed(judgement_plain(judgement)),
        ]
    low, high = (100 * bound for bound in whole.difference.interval)
    return [
        f"policy      {whole.rescued.value:.1%} rescued, 90 % interval {_interval(whole.rescued)}",
        f"difference  {100 * whole.difference.value:+.1f} points, between {low:+.1f} and "
        f"{high:+.1f}: " + VERDICTS[judgement.verdict],
        f"attempts    {whole.sends:.2f} an order, then {whole.sends_then:.2f}",
        f"money       after {_days(whole.days)} days, then {_days(whole.days_then)}"
        + (f": {days_earlier(whole.days_earlier)}" if whole.days_earlier is not None else ""),
    ]


def _money(money: MoneyFigures) -> str:
    more = f"{amount_of(money.net, money.asset)} against {amount_of(money.net_then, money.asset)}"
    low = amount_of(money.net_low, money.asset, sign=True)
    high = amount_of(money.net_high, money.asset, sign=True)
    fees = amount_of(money.fees_avoided, money.asset)
    return f"net {money.asset}     {more}, difference {low} to {high}; fees avoided {fees}"


def _overlap(judgement: Judgement) -> list[str]:
    overlap = judgement.overlap
    return [
        f"overlap     {overlap.followed:.1%} of the orders were tried to their end as it would "
        f"have: they count as "
        f"{overlap.effective:,.0f} of {overlap.payers:,} customers",
        f"            no arm could do {overlap.unsupported:.1%}; cut off {overlap.clipped:.1%}; "
        f"largest customer "
        f"{overlap.largest:.1%}",
    ]


def _group(name: str, figures: Figures) -> str:
    label = shown_by_number(label_of(name))[:GROUP_WIDTH]
    then = f"{figures.then.value:7.1%}" if figures.orders else "      –"
    if figures.rescued is None or figures.difference is None:
        why = ", ".join(sorted({less.what for less in figures.missing}))
        return f"{label:<{GROUP_WIDTH}} {figures.orders:6,} {then}  not enough: {why}"
    low, high = (100 * value for value in figures.difference.interval)
    between = f"{100 * figures.difference.value:+.1f} ({low:+.1f} to {high:+.1f})"
    return (
        f"{label:<{GROUP_WIDTH}} {figures.orders:6,} {then} {figures.rescued.value:7.1%}  "
        f"{between:<20} "
        f"{figures.sends:.2f}, then {figures.sends_then:.2f}  {_earlier(figures.days_earlier):<18} "
        f" "
        + ", ".join(
            f"{amount_of(fee.units, fee.asset)} {fee.asset}" for fee in figures.fees_avoided
        )
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


def _interval(estimate: Estimate) -> str:
    low, high = estimate.interval
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
