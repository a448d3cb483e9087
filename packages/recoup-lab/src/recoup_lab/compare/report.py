"""A comparison as JSON, and as tables."""

from typing import Any

from rich.console import Console
from rich.table import Table

from recoup_lab.compare.intervals import Interval
from recoup_lab.compare.job import OWN
from recoup_lab.compare.result import MEASURES, Comparison, Pair, Row, Section


def as_dict(found: Comparison) -> dict[str, Any]:
    ours, worlds = found.breaches
    return {
        "world": found.world,
        "seeds": list(found.seeds),
        "orders": found.orders,
        "hash": found.hash,
        "breaches": {"ours": ours, "world": worlds, "early": found.early},
        "unlistedCodes": list(found.unlisted),
        "levels": [_section(section) for section in found.sections],
        "curves": {
            name: [
                {"sends": sends} | {measure: getattr(point, measure) for measure in MEASURES}
                for sends, point in curve
                if point
            ]
            for name, curve in found.curves.items()
        },
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "level": section.level,
        "best": section.best,
        "arms": [_row(row) for row in section.rows],
        "pairs": [_pair(pair) for pair in section.pairs],
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "arm": row.arm,
        "reached": row.reached,
        "sends": row.sends,
        **{name: _interval(row.shares[name]) for name in MEASURES},
        "excess": row.breaches,
        "harm": row.harm,
        "daysMedian": row.days,
        "scores": [
            {"seed": level.seed, "ours": _score(level.ours), "world": _score(level.worlds)}
            for level in row.levels
        ],
    }


def _score(score: Any) -> dict[str, Any]:
    return {
        "orders": score.orders,
        "recovered": score.recovered,
        "amountShare": score.amount_share,
        "attempts": score.attempts,
        "breaches": score.breaches,
        "netShare": score.net_share,
        "daysMedian": score.days_median,
    }


def _pair(pair: Pair) -> dict[str, Any]:
    return {
        "arm": pair.arm,
        "against": pair.against,
        **{name: _interval(one) for name, one in pair.differences.items()},
        "ordersRatio": _interval(pair.orders_ratio) if pair.orders_ratio else None,
    }


def _interval(one: Interval) -> dict[str, Any]:
    return {"value": one.value, "low": one.low, "high": one.high, "seedsSpread": one.seeds_spread}


def show(found: Comparison, console: Console) -> None:
    seeds = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else f"seed {found.seeds[0]}"
    console.print(
        f"World {found.world}, {seeds}, {found.orders:,} declined orders. Intervals are 90 %, "
        f"paired by order."
    )
    console.print(
        "Orders, amount, net and harm in percent of all declined orders; (world): by the world's "
        "own count. Net: after "
        "costs and harm. Excess: sends beyond a network limit. Days: median to recovery."
    )
    for section in found.sections:
        console.print(_table(section))
    console.print(_curves(found))
    ours, worlds = found.breaches
    console.print(
        f"Sends beyond a network limit: {ours} by Recoup's count, {worlds} by the world's. "
        f"Sends before an advised wait was over: {found.early}."
    )
    if found.unlisted:
        console.print(
            f"Unknown codes, without which the declines were classified: "
            f"{', '.join(found.unlisted)}."
        )
    console.print(found.hash, soft_wrap=True)


def _title(section: Section) -> str:
    if section.level == OWN:
        return "At each arm's own number of sends"
    try:
        return f"At {float(section.level):g} sends per declined order"
    except ValueError:
        return f"At {section.level}'s own number of sends"


def _table(section: Section) -> Table:
    table = Table(
        title=_title(section),
        title_justify="left",
        caption=_caption(section),
        caption_justify="left",
    )
    table.add_column("arm")
    for name in (
        "sends",
        "orders",
        "(world)",
        "amount",
        "net",
        "(world)",
        "harm",
        "excess",
        "days",
    ):
        table.add_column(name, justify="right")
    table.add_column(f"orders − {section.best}", justify="right")
    table.add_column("net", justify="right")
    against_best = {pair.arm: pair for pair in section.pairs if pair.against == section.best}
    for row in section.rows:
        pair = against_best.get(row.arm)
        table.add_row(
            row.arm,
            f"{row.sends:.2f}{'' if row.reached else '*'}",
            _percent(row.shares["orders"].value),
            _percent(row.worlds_orders),
            _percent(row.shares["amount"].value),
            _percent(row.shares["net"].value),
            _percent(row.worlds_net),
            _percent(row.harm),
            str(row.breaches),
            "" if row.days is None else f"{row.days:.1f}",
            _points(pair.differences["orders"]) if pair else "best",
            _points(pair.differences["net"]) if pair else "",
        )
    return table


def _caption(section: Section) -> str:
    return (
        "* this arm sends fewer on its own" if not all(row.reached for row in section.rows) else ""
    )


def _curves(found: Comparison) -> Table:
    table = Table(title="Orders recovered (%) by mean number of sends", title_justify="left")
    table.add_column("arm")
    for sends, _ in next(iter(found.curves.values())):
        table.add_column(f"{sends:g}", justify="right")
    for name, curve in found.curves.items():
        table.add_row(
            name, *("" if point is None else _percent(point.orders) for _, point in curve)
        )
    return table


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _points(one: Interval) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
