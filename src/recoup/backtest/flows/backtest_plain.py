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


def judgement_plain(found: Judgement) -> dict[str, Any]:
    overlap = found.overlap
    return {
        "basis": "propensities",
        "policy": found.policy,
        "from": iso(found.first) if found.first else None,
        "until": iso(found.last) if found.last else None,
        "sampledOf": found.sampled_of,
        "spanDays": round(found.span_days, 2),
        "open": found.open,
        "unread": found.unread,
        "payers": found.payers,
        "verdict": found.verdict,
        **_figures(found.whole),
        "overlap": {
            "effectivePayers": round(overlap.effective, 1),
            "followed": round(overlap.followed, 6),
            "unsupported": round(overlap.unsupported, 6),
            "clipped": round(overlap.clipped, 6),
            "largestPayer": round(overlap.largest, 6),
        },
        "money": [_money_dict(one) for one in found.money],
        "groups": {
            kind: [{"name": name} | _figures(one) for name, one in rows]
            for kind, rows in found.groups.items()
        },
    }


def _figures(one: Figures) -> dict[str, Any]:
    return {
        "orders": one.orders,
        "rescuedThen": one.rescued_then,
        "then": _estimate(one.then) if one.orders else None,
        "rescued": _estimate(one.rescued),
        "difference": _estimate(one.difference),
        "missing": missing_dicts(one.missing),
        "sends": _rounded(one.sends),
        "sendsThen": _rounded(one.sends_then),
        "days": _rounded(one.days),
        "daysThen": _rounded(one.days_then),
        "daysEarlier": _rounded(one.days_earlier),
        "feesAvoided": [
            {"currency": fee.asset, "units": round(fee.units)} for fee in one.fees_avoided
        ],
    }


def missing_dicts(lacking: Sequence[Shortfall]) -> list[dict[str, Any]]:
    return [
        {"what": one.what, "have": _have(one), "needed": round(one.needed, 6)} for one in lacking
    ]


def _have(one: Shortfall) -> float | None:
    """The amount there is; None for what could not be computed, such as a width without orders:
    JSON has no word for it."""
    return None if math.isnan(one.have) else round(one.have, 6)


def _estimate(one: Estimate | None) -> dict[str, float] | None:
    if one is None:
        return None
    low, high = one.interval
    return {"value": round(one.value, 6), "low": round(low, 6), "high": round(high, 6)}


def _money_dict(one: MoneyFigures) -> dict[str, Any]:
    return {
        "currency": one.asset,
        "orders": one.orders,
        "declined": one.declined,
        "rescuedThen": one.rescued_then,
        "rescued": _units(one.rescued),
        "netThen": _units(one.net_then),
        "net": _units(one.net),
        "netDifference": {"low": _units(one.net_low), "high": _units(one.net_high)},
        "feesAvoided": _units(one.fees_avoided),
    }


def _units(value: float | None) -> int | None:
    return None if value is None else round(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def history_plain(found: HistoryReport) -> dict[str, Any]:
    """The report as plain values; a figure with too little behind it is None."""
    cohort = found.cohort
    plain: dict[str, Any] = {
        "basis": "history",
        "policy": found.policy,
        "orders": len(cohort.payments),
        "declined": cohort.declined,
        "begunBefore": cohort.begun_before,
        "openAfter": len(cohort.open),
        "from": iso(cohort.first) if cohort.first else None,
        "until": iso(cohort.last) if cohort.last else None,
        "missing": [one._asdict() for one in found.lacking],
        "sampledOf": found.sampled_of,
        "sendCost": found.send_cost,
        "spanDays": round(cohort.running, 2),
        "attempts": cohort.attempts,
        "then": None,
        "bounds": None,
        "calibration": None,
    }
    if found.then is None:
        return plain
    plain["then"] = _estimate(found.then)
    assert found.whole is not None
    plain |= {"sendsThen": round(found.whole.sends_then, 4), "daysThen": found.whole.days_then}
    if found.bounds is not None:
        plain["bounds"] = {
            "atLeast": round(found.bounds.at_least, 6),
            "atMost": round(found.bounds.at_most, 6),
        }
        plain |= {"plannedOf": list(found.planned_of), "sends": round(found.sends or 0.0, 4)}
    if found.calibration is not None:
        plain["calibration"] = {
            "error": round(found.calibration.error, 6),
            "plusMinus": round(found.calibration.plus_minus, 6),
            "tenths": [
                [tenth.tries, round(tenth.expected, 6), round(tenth.observed, 6)]
                for tenth in found.calibration.tenths
            ],
        }
    plain["rangeOfModels"] = None
    if found.models is not None:
        plain["rangeOfModels"] = _lowest(found.models)
        plain["note"] = LOUD
    plain["whyNoModels"] = str(found.why_no_models)
    plain["experiments"] = [
        {
            "orders": experiment.orders,
            "compared": experiment.compared,
            "plusMinus": round(experiment.plus_minus, 6),
            "days": round(experiment.days, 1),
            "atRisk": experiment.at_risk,
        }
        for experiment in found.experiments
    ]
    plain["assuming"] = (
        [] if found.narrowed is None else [{"assumed": ["payer"], **_narrowed(found.narrowed)}]
    )
    plain["money"] = [
        {
            "currency": one.asset,
            "orders": one.orders,
            "declined": one.declined,
            "rescuedThen": one.rescued_then,
        }
        | _ends(one.proved, "atLeast", "atMost")
        | _ends(one.models, "lowest", "highest")
        for one in found.money
    ]
    plain["whole"] = _history_figures(found.whole)
    plain["groups"] = {
        by: [_history_figures(row) for row in rows] for by, rows in found.groups.items()
    }
    return plain


def _narrowed(one: Narrowed) -> dict[str, Any]:
    return {
        "atLeast": None if one.at_least is None else round(one.at_least, 6),
        "atMost": None if one.at_most is None else round(one.at_most, 6),
        "known": one.known,
        "contradicted": one.contradicted,
    }


def _history_figures(one: HistoryFigures) -> dict[str, Any]:
    return {
        "name": one.name,
        "orders": one.orders,
        "rescuedThen": one.rescued_then,
        "sendsThen": round(one.sends_then, 4),
        "daysThen": _rounded(one.days_then),
        "rescued": _span(one.rescued),
        "models": None if one.models is None else _lowest(one.models),
        "sends": _span(one.sends),
        "daysEarlier": _span(one.days_earlier),
        "feesAvoided": [
            {"currency": fee.asset, "atLeast": round(fee.low), "atMost": round(fee.high)}
            for fee in one.fees_avoided
        ],
    }


def _ends(one: Span | None, low: str, high: str) -> dict[str, int | None]:
    return {low: _units(one and one.low), high: _units(one and one.high)}


def _span(one: Span | None) -> dict[str, float] | None:
    return None if one is None else {"atLeast": round(one.low, 6), "atMost": round(one.high, 6)}


def _lowest(one: Span | RangeOfModels) -> dict[str, float]:
    low, high = one[:2]
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
