"""`recoup uplift [FILE]`: what the engine brings more than the comparison group; see docs/uplift.md."""

import json
from collections.abc import Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Run, in_world
from recoup.flows.insight.uplift import closed_orders
from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.kernel.unseen import shown_by_number
from recoup.rules.money.encodings import encoding_of, lines
from recoup.rules.uplift.closed_order import OrdersRead
from recoup.rules.uplift.comparison import PAYERS_MIN, Comparison, Difference
from recoup.rules.uplift.looks import FIRST, Look, Looks, Step, looks_of
from recoup.rules.uplift.orders_file import read_orders
from recoup.rules.uplift.other_outcomes import OtherOutcome, other_outcomes, shared_cards
from recoup.rules.uplift.report import comparison_report
from recoup.rules.uplift.strata import ARMS

CHUNK: Final = 1 << 16
REFUSED_SHOWN: Final = 20
_ALARMS: Final = {
    "harm": "the engine brings LESS than the comparison group: `recoup engine stop` stops it",
    "gone": "the uplift of this quarter is below the one that was shown before",
}
# name -> digits, and by what it is multiplied: shares are in percent
_OTHERS: Final = {
    "sends": (".2f", 1), "disputes": (".2f", 100), "orders_per_payer": (".3f", 1), "customers_lost": (".1f", 100),
}  # fmt: skip


@click.command("uplift")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--by",
    "step",
    type=click.Choice(["day", "week", "total"]),
    default="total",
    show_default=True,
    help="Looks to show; each interval holds at all of them.",
)
@click.option("--expected", type=click.IntRange(1), help="Orders in 90 days. Default: 3 × those of the first 30 days.")
@click.option("--until", help="Moment of the last look, ISO 8601. Default: now. Needs a file.")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of times without an offset, in a file.")
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def uplift(
    run: Run,
    file: Path | None,
    step: Step,
    expected: int | None,
    until: str | None,
    zone: str,
    merchant: str | None,
    as_json: bool,
) -> None:
    """Shows what the rescue engine brings more than the comparison group.

    Only orders whose window has closed count. The interval holds at every look at once: it may be read each day. With
    FILE, a CSV, the orders in it are compared; see docs/uplift.md for its columns.
    """
    if file is None:
        if until is not None:
            raise Problem(
                "invalid", "--until needs a file.", field="until", cure="The merchant's clock says what is closed."
            )
        found = run(lambda opened: closed_orders(opened.world, merchant_of(opened, merchant)))
    else:
        found = _of_file(file, until, _zone(zone))
    looks = looks_of(found, step, expected)
    if as_json:
        click.echo(json.dumps(comparison_report(found, looks) | {"refused": _refused(found.refused)}))
    else:
        click.echo("\n".join(_text(found, looks)))


def _of_file(file: Path, until: str | None, zone: tzinfo) -> OrdersRead:
    with file.open("rb") as content:
        encoding = encoding_of(content.read(400))
        content.seek(0)
        return read_orders(
            lines(iter(lambda: content.read(CHUNK), b""), encoding), until=_until(until, zone), zone=zone
        )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Problem(
            "invalid", f"{name[:60]!r} is not a time zone.", field="zone", cure="Write one like Europe/Berlin."
        ) from None


def _until(text: str | None, zone: tzinfo) -> datetime:
    if text is None:
        return Clocks().wall()
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        raise Problem("invalid", f"{text[:60]!r} is not a moment.", field="until", cure="Write 2026-03-02.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _text(found: OrdersRead, looks: Looks) -> list[str]:
    others = f"{found.open:,} still open, {found.other:,} of other arms"
    text = [
        f"orders      {len(found.closed):,} whose window has closed; {others}",
        *(_group(name, looks.counted, arm) for name, arm in (("engine", "engine"), ("comparison", "holdout"))),
    ]
    text += [_look(one) for one in looks.looks[:-1]]
    if looks.looks:
        text.append(f"difference  {_interval(looks.looks[-1].difference)}")
        text += [_amounts(asset, money) for asset, money in sorted(looks.money.items())]
    if not found.closed and not found.open and not found.refused:
        text.append("note        no comparison is under way; `recoup engine set --help` says how one begins")
    if missing := looks.counted.orders_missing():
        text.append(f"to ± 3      {missing:,} more orders")
    text += [f"by {arm:<9}{_means(counts)}" for arm, counts in looks.by.items() if counts]
    text += [_other(one) for one in other_outcomes(found.closed, looks.expected)]
    if looks.alarm:
        text.append(f"ALARM       {_ALARMS[looks.alarm]}")
    if (cards := shared_cards(found.closed)).too_many:
        text.append(f"note        {cards.shared:,} of {cards.cards:,} cards are held by payers of both arms")
    if found.moved:
        text.append(f"note        {len(found.moved):,} payers were found in both arms: each counts in its first one")
    text += [f"line {number:<7}{shown_by_number(why)}" for number, why in found.refused[:REFUSED_SHOWN]]
    if len(found.refused) > REFUSED_SHOWN:
        text.append(f"refused     {len(found.refused):,} lines in all; --json lists them")
    return text


def _group(name: str, counted: Comparison, arm: Any) -> str:
    orders, payers = counted.orders(arm), counted.payers(arm)
    rescued = "" if not orders else f", {counted.mean(arm):.1%} of them rescued"
    return f"{name:<12}{orders:,} orders of {payers:,} payers{rescued}"


def _amounts(asset: str, money: Comparison) -> str:
    sums = (f"{money.value(arm):,.2f} of {money.weight(arm):,.2f}" for arm in ARMS)
    return f"by amount   {asset}: {_interval(money.look())}; {' and '.join(sums)} rescued"


def _look(one: Look) -> str:
    return f"{one.on.isoformat():<12}{one.engine:,} and {one.holdout:,} orders: {_interval(one.difference)}"


def _interval(found: Difference | None) -> str:
    if found is None:
        return f"not enough yet: {PAYERS_MIN} payers are needed in each arm, and {FIRST.days} days"
    points, low, high = (100 * value for value in (found.difference, found.low, found.high))
    return f"{points:+.1f} points, between {low:+.1f} and {high:+.1f}"


def _other(one: OtherOutcome) -> str:
    name, (shape, scale) = one.name.replace("_", " "), _OTHERS[one.name]
    text = f"{name:<17} {scale * one.engine:{shape}} and {scale * one.holdout:{shape}}"
    if one.difference is not None:
        text += f": between {scale * one.difference.low:+{shape}} and {scale * one.difference.high:+{shape}}"
    return text + ("  ALARM" if one.harm else "")


def _means(counts: Any) -> str:
    return ", ".join(f"{shown_by_number(name)} {count:,}" for name, count in counts.most_common())


def _refused(lines_refused: Sequence[tuple[int, str]]) -> list[dict[str, Any]]:
    return [{"line": number, "why": why} for number, why in lines_refused]
