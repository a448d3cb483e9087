"""`recoup terms exposure`: how much the operator pays a merchant before the customer was
charged."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import click

from recoup.kernel.money import EXPONENTS, from_text, to_text
from recoup.kernel.problem import invalid
from recoup.kit.cli.term_options import read, shown, term_options
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.risk.flows.advance_bounds import bounds_of
from recoup.risk.flows.treasurer import agree_exposure, exposure_of
from recoup.risk.store.exposure import Exposure
from recoup.terms.rules.advance_bounds import PAYERS_MIN, TENTHS, WEEKS_MIN, Bounds
from recoup.terms.rules.exposure import Limits


@click.command()
@merchant_option
@click.option("--currency", default="USD", show_default=True)
@term_options(Limits)
@click.option("--operator-limit", help="Limit over all merchants in this currency.")
@json_option
@in_world
def exposure(
    run: Run, currency: str, operator_limit: str | None, as_json: bool, **typed: Any
) -> None:
    """Shows the limits and the current exposure; options change the limits. The fee and the allowed
    loss must cover the expected loss: the amount times the probability that it is never collected.
    """
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise invalid(
            f"{currency!r} is not a known currency.", "currency", "Write three letters, like USD."
        )
    change = read(Limits, typed, asset)
    if operator_limit is not None:
        change["operator_limit_units"] = from_text(operator_limit, asset, "operator-limit").units

    async def work(opened: Opened) -> tuple[Exposure, Bounds | None]:
        merchant_id = opened.merchant_id
        if change:
            exposure = await agree_exposure(opened.world, opened.scope("terms"), asset, change)
        else:
            exposure = await exposure_of(opened.world, merchant_id, asset)
        return exposure, await bounds_of(opened.world, merchant_id, asset)

    agreed, bounds = run(work)
    rows = _rows(asset, agreed)
    lines = [f"{name.replace('_', ' '):22} {value}" for name, value in rows.items()]
    show(
        rows | {"bounds": _bounds_shown(bounds)}, [*lines, *_bounds_lines(bounds)], as_json=as_json
    )


def _bounds_shown(bounds: Bounds | None) -> dict[str, Any] | None:
    """Bounds by kind of chance, ten of each from the lowest tenth; shares in basis points."""
    return (
        {**asdict(bounds), "made_on": str(bounds.made_on), "until": str(bounds.until)}
        if bounds
        else None
    )


def _bounds_lines(bounds: Bounds | None) -> Iterator[str]:
    if bounds is None:
        yield "bounds                 none yet: no order's time to pay is over"
        return
    yield (
        f"bounds                 version {bounds.version} of {bounds.made_on}: orders begun "
        f"before {bounds.until}"
    )
    for scored, table in bounds.tables.items():
        for tenth in reversed(range(TENTHS)):
            if not table.payers[tenth]:
                continue
            known = (
                f"at least {table.collected[tenth] / 100:g} % collected; from here on at most"
                f" {table.lost_from[tenth] / 100:g} % lost"
                if table.is_known(tenth)
                else f"not enough yet: {PAYERS_MIN} customers in {WEEKS_MIN} weeks are needed"
            )
            reach = f"{scored} {tenth * 10} to {tenth * 10 + 10} %"
            more = "or more " if table.payers[tenth] == PAYERS_MIN else ""
            yield (
                f"  {reach:20} {table.payers[tenth]} {more}customers, {table.weeks[tenth]} "
                f"weeks: {known}"
            )


def _rows(asset: str, exposure: Exposure) -> dict[str, str | int]:
    def text(units: int) -> str:
        return f"{to_text(units, EXPONENTS[asset])} {asset}"

    return shown(exposure.limits, asset) | {
        "allotted": text(exposure.allotted_units),
        "advanced_now": text(exposure.used_units),
        "orders_to_be_collected": exposure.advanced_orders,
        "bad_debt": text(exposure.bad_debt_units),
        "written_off_of_limit": text(exposure.lost_units),
        "operator_limit": text(exposure.operator_limit_units),
        "operator_allotted": text(exposure.operator_drawn_units),
    }
