"""The first words of a back-test, for somebody who decides: money a month now and under the policy,
how many payments, and what to do. Command and portal say them alike, of the figures that are kept.
Pure."""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from recoup.backtest.rules.estimate import NORMAL_90
from recoup.backtest.rules.history import weeks_to_tell
from recoup.kernel.money import EXPONENTS, apart, decimals_of
from recoup.kernel.problem import Figure, Sentence, figure

MONTH_DAYS: Final = 30
WHOLE_FROM: Final = 100  # of a currency's units; smaller amounts keep their decimals
MOSTLY: Final = 0.5  # of the orders
POINTS: Final = 0.03  # what a comparison looks for where nobody expects anything,
PART_OF_RANGE: Final = 1 / 8  # or more, where more may be
YEAR_WEEKS: Final = 52
SWITCH_ON: Final = Sentence("Recommendation: switch it on.")
LEAVE: Final = Sentence("Recommendation: do not switch it on; what you do now brings in more.")
TOO_SMALL: Final = Sentence(
    "Recommendation: decide by other reasons. Even a year of comparison could not show so small a "
    "difference."
)
ITSELF: Final = Sentence(
    "The engine decided on most of these orders, so this compares it with itself. What it adds to "
    "a fixed schedule is "
    "on the page Uplift."
)
RECOUP: Final = Sentence("Recoup")
THIS_POLICY: Final = Sentence("this policy")


class Range(NamedTuple):
    """`best`: None where only the ends are known."""

    low: float
    high: float
    best: float | None = None


class Headline(NamedTuple):
    money: Sentence
    payments: Sentence
    advice: Sentence
    now: float
    shares: Range


def headline(report: Mapping[str, Any]) -> Headline | None:
    """`report`: as it is kept. None where it holds no figures of the policy, or is of an earlier
    release."""
    has_figures = all(report.get(name) for name in ("spanDays", "money", "then"))
    if not has_figures or report["basis"] == "history" and _unproved(report):
        return None
    now, rescued = report["then"]["value"], shares_of(report)
    first = report["money"][0]
    means = (
        _of_own(first)
        if report["basis"] == "propensities"
        else _of_history(report, first, now, rescued)
    )
    who = RECOUP if report["policy"].startswith("engine") else THIS_POLICY
    a_month = MONTH_DAYS / _days(report) / _drawn(report)
    advice = ITSELF if is_of_itself(report) else _advice(report, *means, now, rescued, who)
    return Headline(
        _money(first, *means, a_month, who),
        _payments(report, now, rescued, who),
        advice,
        now,
        rescued,
    )


def is_of_itself(report: Mapping[str, Any]) -> bool:
    """The engine, on orders of which the engine decided most: that compares it with itself."""
    own = report["basis"] == "propensities" and report["policy"].startswith("engine")
    return bool(own and report["overlap"]["followed"] >= MOSTLY)


def shares_of(report: Mapping[str, Any]) -> Range:
    """The share that the policy rescues: the interval of one's own orders; of a history what models
    expect, as far off as they were and as chance is, or what it holds at least and at most."""
    if report["basis"] == "propensities":
        own = report["rescued"]
        return Range(max(0.0, own["low"]), min(1.0, own["high"]), own["value"])
    least, most = _proved(report)
    models, off = report.get("rangeOfModels"), report.get("calibration")
    if not models or not off:
        return Range(least, most)
    best = (models["lowest"] + models["highest"]) / 2
    chance = NORMAL_90 * math.sqrt(best * (1.0 - best) / report["orders"])
    margin = chance + off["error"] + (off.get("plusMinus") or 0.0)
    return _within(least, most, models["lowest"] - margin, models["highest"] + margin, best)


def _within(least: float, most: float, low: float, high: float, best: float) -> Range:
    """The range that models expect, as far as the file does not disprove it; the proved one where
    it disproves all."""
    low, high = max(least, low), min(most, high)
    return Range(low, high, min(max(best, low), high)) if low <= high else Range(least, most)


def _unproved(report: Mapping[str, Any]) -> bool:
    return not report["bounds"] or report["money"][0]["atLeast"] is None


def _days(report: Mapping[str, Any]) -> float:
    """Days that the file speaks for: a month at least, as a shorter file may hold all of a month's
    renewals."""
    return max(float(report["spanDays"]), MONTH_DAYS)


def _proved(report: Mapping[str, Any]) -> tuple[float, float]:
    """Bounds without models, narrowed by other charges of the card where the file does not
    contradict that."""
    for narrowed in report.get("assuming") or ():
        if narrowed["assumed"] == ["payer"] and narrowed["atLeast"] is not None:
            return narrowed["atLeast"], narrowed["atMost"]
    return report["bounds"]["atLeast"], report["bounds"]["atMost"]


def _of_own(first: Mapping[str, Any]) -> tuple[float, Range]:
    """Money now and under the policy, in minor units over all orders, after the cost of
    attempts."""
    now, more = first["netThen"], first["netDifference"]
    return now, Range(now + more["low"], now + more["high"], first["net"])


def _of_history(
    report: Mapping[str, Any], first: Mapping[str, Any], now: float, rescued: Range
) -> tuple[float, Range]:
    """The range of shares, of amounts: by what models expect of each amount, or its bounds."""
    units, declined = first["rescuedThen"], first["declined"]
    proved = first["atLeast"], first["atMost"]
    if rescued.best is None or first["lowest"] is None:
        return units, Range(*proved)
    best = (first["lowest"] + first["highest"]) / 2
    below, above = rescued.best - rescued.low, rescued.high - rescued.best
    return units, _within(*proved, best - below * declined, best + above * declined, best)


def _money(
    first: Mapping[str, Any], now: float, span: Range, a_month: float, who: Sentence
) -> Sentence:
    asset = first["currency"]
    declined, then, low, high = (
        _amount(amount * a_month, asset) for amount in (first["declined"], now, span.low, span.high)
    )
    if span.best is None:
        return Sentence(
            "Of {0} {1} declined a month, {2} {1} come back today; with {3}, between {4} and {5} "
            "{1} would come back: "
            "the file alone proves no narrower range.",
            declined,
            asset,
            then,
            who,
            low,
            high,
        )
    return Sentence(
        "Of {0} {1} declined a month, {2} {1} come back today; "
        "with {3}, about {4} {1} would come back (from {5} to {6}).",
        declined,
        asset,
        then,
        who,
        _amount(span.best * a_month, asset),
        low,
        high,
    )


def _payments(report: Mapping[str, Any], now: float, rescued: Range, who: Sentence) -> Sentence:
    return Sentence(
        "Of {0} declined payments in {1} days, {2} % came back; with {3}, {4} to {5} % would.",
        figure(report["orders"]),
        Figure(f"{report['spanDays']:.0f}"),
        _percent(now),
        who,
        _percent(rescued.low),
        _percent(rescued.high),
    )


def _advice(
    report: Mapping[str, Any], units: float, span: Range, now: float, rescued: Range, who: Sentence
) -> Sentence:
    """Advice that payments and money give, or one of them while the other does not deny it."""
    if (rescued.low > now and span.high > units) or (span.low > units and rescued.high > now):
        return SWITCH_ON
    if (rescued.high < now and span.low < units) or (span.high < units and rescued.low < now):
        return LEAVE
    a_day = report["orders"] / _days(report) / _drawn(report)
    if rescued.best is None:
        wanted = max(POINTS, PART_OF_RANGE * (rescued.high - rescued.low))
        return _compare(weeks_to_tell(now, a_day, wanted) or YEAR_WEEKS, who)
    weeks = weeks_to_tell(now, a_day, abs(rescued.best - now))
    return TOO_SMALL if weeks is None else _compare(weeks, who)


def _compare(weeks: int, who: Sentence) -> Sentence:
    return Sentence(
        "Recommendation: run a comparison group for {0} weeks, half of your customers with {1} and "
        "half as now; you "
        "can end it any day. It measures what past payments can only estimate.",
        weeks,
        who,
    )


def _drawn(report: Mapping[str, Any]) -> float:
    """The share that was read."""
    whole = report.get("sampledOf")
    read = report["attempts"] if report["basis"] == "history" else report["orders"]
    return read / whole if whole else 1.0


def _percent(share: float) -> str:
    return Figure(f"{100 * share:.1f}")


def _amount(units: float, asset: str) -> str:
    decimals = decimals_of(asset) if asset in EXPONENTS else 2
    amount = abs(units) / 10**decimals
    text = apart(f"{amount:.0f}" if amount >= WHOLE_FROM else f"{amount:.{decimals}f}")
    return Figure(f"\N{MINUS SIGN}{text}" if units < 0 else text)
