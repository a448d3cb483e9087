"""`recoup uplift [FILE]`: what the engine brings more than the comparison group; see
docs/prove-it.md."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta

from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.time import Clocks
from recoup.kernel.unseen import shown_by_number
from recoup.keys.cli.as_of import AsTyped
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import SHOWN, InFile
from recoup.kit.files.lines import encoding_of, lines
from recoup.kit.files.moments import typed_moment
from recoup.merchants.cli import Opened, Run, RunAtMerchant, verb
from recoup.uplift.flows.uplift_report import closed_orders, read_report
from recoup.uplift.rules.closed_order import OrdersRead
from recoup.uplift.rules.comparison import PAYERS_MIN
from recoup.uplift.rules.looks import FIRST, Step, looks_of
from recoup.uplift.rules.orders_file import read_orders
from recoup.uplift.rules.report import comparison_report
from recoup.uplift.rules.strata import ARMS

REFUSED_SHOWN: Final = 20
_ALARMS: Final = {
    "harm": "the engine brings LESS than the comparison group: `recoup engine stop` stops it",
    "gone": "the uplift of this quarter is below the one that was shown before",
}
# name -> digits, and by what it is multiplied: shares are in percent
_OTHERS: Final = {
    "sends": (".2f", 1), "disputes": (".2f", 100), "orders_per_payer": (".3f", 1),
    "customers_lost": (".1f", 100),
}  # fmt: skip


def uplift_text(report: Mapping[str, Any], refused: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    """`report`: as `comparison_report` makes it, with the looks to show. `refused`: lines of a
    file."""
    orders, arms, looks, cards = (
        report["orders"],
        report["arms"],
        report["looks"],
        report["sharedCards"],
    )
    text = [
        f"orders      {orders['closed']:,} whose window has closed; {orders['open']:,} still open, "
        f"{orders['other']:,} of other arms",
        _group("engine", arms["engine"]),
        _group("comparison", arms["holdout"]),
    ]
    text += [
        f"{look['on']:<12}{look['engine']:,} and {look['holdout']:,} orders: {_interval(look)}"
        for look in looks[:-1]
    ]
    if looks:
        text.append(f"difference  {_interval(looks[-1])}")
        text += [_amounts(asset, money) for asset, money in report["byAmount"].items()]
    if not orders["closed"] and not orders["open"] and not refused:
        text.append(
            "note        no comparison is under way; `recoup engine set --help` says how one begins"
        )
    if report["ordersMissing"]:
        text.append(f"to ± 3      {report['ordersMissing']:,} more orders")
    text += [f"by {arm:<9}{_means(arms[arm]['by'])}" for arm in ARMS if arms[arm]["by"]]
    text += [_other(other) for other in report["others"]]
    if report["alarm"]:
        text.append(f"ALARM       {_ALARMS[report['alarm']]}")
    if cards["tooMany"]:
        text.append(
            f"note        {cards['shared']:,} of {cards['cards']:,} cards are held by payers of "
            f"both arms"
        )
    if report["payersInBothArms"]:
        moved = report["payersInBothArms"]
        text.append(
            f"note        {moved:,} payers were found in both arms: each counts in its first one"
        )
    text += [
        f"line {line['line']:<7}{shown_by_number(line['why'])}" for line in refused[:REFUSED_SHOWN]
    ]
    if len(refused) > REFUSED_SHOWN:
        text.append(f"refused     {len(refused):,} lines in all; --json lists them")
    return text


def _group(name: str, arm: Mapping[str, Any]) -> str:
    rescued = "" if not arm["orders"] else f", {arm['rescued']:.1%} of them rescued"
    return f"{name:<12}{arm['orders']:,} orders of {arm['payers']:,} payers{rescued}"


def _amounts(asset: str, money: Mapping[str, Any]) -> str:
    scale = 10 ** EXPONENTS.get(asset, 2)
    sums = (
        f"{money[arm]['rescued'] / scale:,.2f} of {money[arm]['declined'] / scale:,.2f}"
        for arm in ARMS
    )
    return f"by amount   {asset}: {_interval(money)}; {' and '.join(sums)} rescued"


def _interval(difference: Mapping[str, Any]) -> str:
    if difference["difference"] is None:
        return f"not enough yet: {PAYERS_MIN} payers are needed in each arm, and {FIRST.days} days"
    points, low, high = (100 * difference[name] for name in ("difference", "low", "high"))
    return f"{points:+.1f} points, between {low:+.1f} and {high:+.1f}"


def _other(other: Mapping[str, Any]) -> str:
    name, (shape, scale) = other["name"].replace("_", " "), _OTHERS[other["name"]]
    text = f"{name:<17} {scale * other['engine']:{shape}} and {scale * other['holdout']:{shape}}"
    if other["difference"] is not None:
        text += f": between {scale * other['low']:+{shape}} and {scale * other['high']:+{shape}}"
    return text + ("  ALARM" if other["harm"] else "")


def _means(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{shown_by_number(name)} {count:,}" for name, count in counts.items())


CHUNK: Final = 1 << 16


@verb(json="Output as one JSON object.", with_orders=True)
def uplift(
    file: InFile | None = None,
    *,
    by: Annotated[Step, SHOWN, "Looks to show; each interval holds at all of them."] = "total",
    expected: Annotated[
        int | None,
        Meta(ge=1),
        "Orders in 90 days. Default: 3 × those of the first 30 days.",
    ] = None,
    until: Annotated[
        str | None, "Moment of the last look, ISO 8601. Default: now. Needs a file."
    ] = None,
    zone: Annotated[str, SHOWN, "Time zone of times without an offset, in a file."] = "UTC",
    run: RunAtMerchant,
    past: AsTyped,
) -> Printed:
    """Shows what the rescue engine brings more than the comparison group.

    Only orders whose window has closed count. The interval holds at every look at once: it may be
    read each day. With FILE, a CSV, the orders in it are compared; docs/prove-it.md has its
    columns. With a moment, the report that stood then is shown.
    """
    refused: list[dict[str, Any]] = []
    if past.is_given:
        _check_kept(file, by, expected, until)
        report = run(lambda opened: _kept(opened, past))
        report["looks"] = report["looks"] if by == "week" else report["looks"][-1:]
    else:
        orders = _found(run, file, until, zone)
        report = comparison_report(orders, looks_of(orders, by, expected))
        refused = [{"line": number, "why": why} for number, why in orders.refused]
    return Printed(report | {"refused": refused}, uplift_text(report, refused))


def _found(run: Run, file: Path | None, until: str | None, zone: str) -> OrdersRead:
    if file is not None:
        return _of_file(file, until, _zone(zone))
    if until is not None:
        cure = "The merchant's clock says what is closed."
        raise invalid("--until needs a file.", "until", cure)
    orders: OrdersRead = run(lambda opened: closed_orders(opened.world, opened.merchant_id))
    return orders


def _check_kept(file: Path | None, step: Step, expected: int | None, until: str | None) -> None:
    """Raises: Problem(invalid) for what makes a report anew."""
    anew = {
        "file": file,
        "expected": expected,
        "until": until,
        "by": "day" if step == "day" else None,
    }
    for field, given in anew.items():
        if given is not None:
            message = "--as-of shows a report that was kept, with a look a week."
            raise invalid(message, field, "Leave one of the two out.")


async def _kept(opened: Opened, past: AsTyped) -> dict[str, Any]:
    row = await read_report(opened.world, opened.merchant_id, await past.cut(opened))
    if row is None:
        raise Problem("not_found", "No report of uplift had been made by then.", field="as-of")
    return row.report


def _of_file(file: Path, until: str | None, zone: tzinfo) -> OrdersRead:
    with file.open("rb") as content:
        encoding = encoding_of(content.read(400))
        content.seek(0)
        return read_orders(
            lines(iter(lambda: content.read(CHUNK), b""), encoding),
            until=_until(until, zone),
            zone=zone,
        )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(
            f"{name[:60]!r} is not a time zone.", "zone", "Write one like Europe/Berlin."
        ) from None


def _until(text: str | None, zone: tzinfo) -> datetime:
    if text is None:
        return Clocks().wall()
    moment = typed_moment(text, zone)
    if moment is None:
        raise invalid(f"{text[:60]!r} is not a moment.", "until", "Write 2026-03-02.")
    return moment
