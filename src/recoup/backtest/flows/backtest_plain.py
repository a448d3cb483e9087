"""A back-test's figures as plain values: what the command prints as JSON, and what a back-test
keeps."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from recoup.backtest.flows.backtest_file import HistoryReport
from recoup.backtest.rules.assuming import Narrowed
from recoup.backtest.rules.enough import Shortfall
from recoup.backtest.rules.estimate import Estimate
from recoup.backtest.rules.history_figures import HistoryFigures, Span
from recoup.backtest.rules.model_word import RangeOfModels
from recoup.backtest.rules.recorded import JudgedOrder
from recoup.backtest.rules.report import Figures, Judgement, MoneyFigures
from recoup.kernel.time import iso

LOUD: Final = (
    "THE MODELS' WORD: no history of one schedule can prove what another would have brought"
)


def judgement_plain(judgement: Judgement) -> dict[str, Any]:
    overlap = judgement.overlap
    return {
        "basis": "propensities",
        "policy": judgement.policy,
        "from": iso(judgement.first) if judgement.first else None,
        "until": iso(judgement.last) if judgement.last else None,
        "sampledOf": judgement.sampled_of,
        "spanDays": round(judgement.span_days, 2),
        "open": judgement.open,
        "unread": judgement.unread,
        "payers": judgement.payers,
        "verdict": judgement.verdict,
        **_figures(judgement.whole),
        "overlap": {
            "effectivePayers": round(overlap.effective, 1),
            "followed": round(overlap.followed, 6),
            "unsupported": round(overlap.unsupported, 6),
            "clipped": round(overlap.clipped, 6),
            "largestPayer": round(overlap.largest, 6),
        },
        "money": [_money_dict(money) for money in judgement.money],
        "groups": {
            kind: [{"name": name} | _figures(figures) for name, figures in rows]
            for kind, rows in judgement.groups.items()
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "orders": figures.orders,
        "rescuedThen": figures.rescued_then,
        "then": _estimate(figures.then) if figures.orders else None,
        "rescued": _estimate(figures.rescued),
        "difference": _estimate(figures.difference),
        "missing": missing_dicts(figures.missing),
        "sends": _rounded(figures.sends),
        "sendsThen": _rounded(figures.sends_then),
        "days": _rounded(figures.days),
        "daysThen": _rounded(figures.days_then),
        "daysEarlier": _rounded(figures.days_earlier),
        "feesAvoided": [
            {"currency": fee.asset, "units": round(fee.units)} for fee in figures.fees_avoided
        ],
    }


def missing_dicts(lacking: Sequence[Shortfall]) -> list[dict[str, Any]]:
    return [
        {"what": shortfall.what, "have": _have(shortfall), "needed": round(shortfall.needed, 6)}
        for shortfall in lacking
    ]


def _have(shortfall: Shortfall) -> float | None:
    """The amount there is; None for what could not be computed, such as a width without orders:
    JSON has no word for it."""
    return None if math.isnan(shortfall.have) else round(shortfall.have, 6)


def _estimate(estimate: Estimate | None) -> dict[str, float] | None:
    if estimate is None:
        return None
    low, high = estimate.interval
    return {"value": round(estimate.value, 6), "low": round(low, 6), "high": round(high, 6)}


def _money_dict(money: MoneyFigures) -> dict[str, Any]:
    return {
        "currency": money.asset,
        "orders": money.orders,
        "declined": money.declined,
        "rescuedThen": money.rescued_then,
        "rescued": _units(money.rescued),
        "netThen": _units(money.net_then),
        "net": _units(money.net),
        "netDifference": {"low": _units(money.net_low), "high": _units(money.net_high)},
        "feesAvoided": _units(money.fees_avoided),
    }


def _units(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def history_plain(report: HistoryReport) -> dict[str, Any]:
    """The report as plain values; a figure with too little behind it is None."""
    cohort = report.cohort
    plain: dict[str, Any] = {
        "basis": "history",
        "policy": report.policy,
        "orders": len(cohort.payments),
        "declined": cohort.declined,
        "begunBefore": cohort.begun_before,
        "openAfter": len(cohort.open),
        "from": iso(cohort.first) if cohort.first else None,
        "until": iso(cohort.last) if cohort.last else None,
        "missing": [shortfall._asdict() for shortfall in report.lacking],
        "sampledOf": report.sampled_of,
        "sendCost": report.send_cost,
        "spanDays": round(cohort.running, 2),
        "attempts": cohort.attempts,
        "then": None,
        "bounds": None,
        "calibration": None,
    }
    if report.then is None:
        return plain
    plain["then"] = _estimate(report.then)
    assert report.whole is not None
    plain |= {"sendsThen": round(report.whole.sends_then, 4), "daysThen": report.whole.days_then}
    if report.bounds is not None:
        plain["bounds"] = {
            "atLeast": round(report.bounds.at_least, 6),
            "atMost": round(report.bounds.at_most, 6),
        }
        plain |= {"plannedOf": list(report.planned_of), "sends": round(report.sends or 0.0, 4)}
    if report.calibration is not None:
        plain["calibration"] = {
            "error": round(report.calibration.error, 6),
            "plusMinus": round(report.calibration.plus_minus, 6),
            "tenths": [
                [tenth.tries, round(tenth.expected, 6), round(tenth.observed, 6)]
                for tenth in report.calibration.tenths
            ],
        }
    plain["rangeOfModels"] = None
    if report.models is not None:
        plain["rangeOfModels"] = _lowest(report.models)
        plain["note"] = LOUD
    plain["whyNoModels"] = str(report.why_no_models)
    plain["experiments"] = [
        {
            "orders": experiment.orders,
            "compared": experiment.compared,
            "plusMinus": round(experiment.plus_minus, 6),
            "days": round(experiment.days, 1),
            "atRisk": experiment.at_risk,
        }
        for experiment in report.experiments
    ]
    plain["assuming"] = (
        [] if report.narrowed is None else [{"assumed": ["payer"], **_narrowed(report.narrowed)}]
    )
    plain["money"] = [
        {
            "currency": money.asset,
            "orders": money.orders,
            "declined": money.declined,
            "rescuedThen": money.rescued_then,
        }
        | _ends(money.proved, "atLeast", "atMost")
        | _ends(money.models, "lowest", "highest")
        for money in report.money
    ]
    plain["whole"] = _history_figures(report.whole)
    plain["groups"] = {
        by: [_history_figures(row) for row in rows] for by, rows in report.groups.items()
    }
    return plain


def _narrowed(narrowed: Narrowed) -> dict[str, Any]:
    return {
        "atLeast": None if narrowed.at_least is None else round(narrowed.at_least, 6),
        "atMost": None if narrowed.at_most is None else round(narrowed.at_most, 6),
        "known": narrowed.known,
        "contradicted": narrowed.contradicted,
    }


def _history_figures(figures: HistoryFigures) -> dict[str, Any]:
    return {
        "name": figures.name,
        "orders": figures.orders,
        "rescuedThen": figures.rescued_then,
        "sendsThen": round(figures.sends_then, 4),
        "daysThen": _rounded(figures.days_then),
        "rescued": _span(figures.rescued),
        "models": None if figures.models is None else _lowest(figures.models),
        "sends": _span(figures.sends),
        "daysEarlier": _span(figures.days_earlier),
        "feesAvoided": [
            {"currency": fee.asset, "atLeast": round(fee.low), "atMost": round(fee.high)}
            for fee in figures.fees_avoided
        ],
    }


def _ends(span: Span | None, low: str, high: str) -> dict[str, int | None]:
    return {low: _units(span and span.low), high: _units(span and span.high)}


def _span(span: Span | None) -> dict[str, float] | None:
    return None if span is None else {"atLeast": round(span.low, 6), "atMost": round(span.high, 6)}


def _lowest(span: Span | RangeOfModels) -> dict[str, float]:
    low, high = span[:2]
    return {"lowest": round(low, 6), "highest": round(high, 6)}


def payment_rows(orders: Iterable[JudgedOrder]) -> Iterator[dict[str, Any]]:
    """Each payment with what was done and what the policy would have planned, and why. Amounts in
    minor units."""
    for order in orders:
        facts, planned = order.facts, order.planned
        yield {
            "order": facts.order,
            "payer": facts.payer,
            "declinedAt": iso(facts.declined_at),
            "amount": facts.units,
            "currency": facts.asset,
            "class": facts.klass,
            "issuer": facts.issuer,
            "country": facts.country,
            "rescuedThen": order.rescued,
            "sendsThen": int(order.sends),
            "verdict": planned.verdict if planned else None,
            "plan": [iso(at) for at in planned.plan] if planned else [],
            "chance": planned.chance if planned else None,
            "why": list(planned.reasons) if planned else [],
        }
