"""`recoup terms exposure`: how much the operator pays a merchant before the customer was
charged."""

import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final, Literal

import click

from recoup.kernel.money import EXPONENTS, from_text, to_text
from recoup.kernel.problem import invalid
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.risk.flows.advance_bounds import bounds_of
from recoup.risk.flows.treasurer import Terms, agree_exposure, exposure_of
from recoup.risk.store.exposure import Exposure
from recoup.terms.rules.advance_bounds import PAYERS_MIN, TENTHS, WEEKS_MIN, Bounds

_PERCENT: Final = re.compile(r"([0-9]{1,5})(?:\.([0-9]{1,2})0*)?")


def basis_points(text: str, field: str) -> int:
    """`2.9` is 290. Raises: Problem(invalid) for anything finer than a hundredth of a percent."""
    found = _PERCENT.fullmatch(text)
    if found is None:
        raise invalid(
            f"The field {field} is no percentage with at most 2 decimal places.",
            field,
            "Write it like 2.9 or 0.25; a hundredth of a percent is the least.",
        )
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


_OCCASIONS = {"unresolved": "unresolved", "soft-declines": "soft_declines", "both": "both"}


@click.command()
@merchant_option
@click.option("--currency", default="USD", show_default=True)
@click.option("--limit", help="Limit of advances not yet collected; 0 switches advances off.")
@click.option("--order-max", help="Maximum per order. Default: the limit.")
@click.option("--customer-max", help="Maximum per customer at a time. Default: the limit.")
@click.option(
    "--chunk",
    help="Size of the portions taken from the operator's limit. Default: an eighth of it.",
)
@click.option("--allowed-loss", help="In addition to the fee, in percent of the amount: 55.5")
@click.option(
    "--advance-on",
    type=click.Choice(tuple(_OCCASIONS)),
    help="A customer's payment that had no answer in time, one that was declined softly, or both.",
)
@click.option("--operator-limit", help="Limit over all merchants in this currency.")
@json_option
@in_world
def exposure(run: Run, currency: str, as_json: bool, **options: Any) -> None:
    """Shows the limits and the current exposure; options change the limits. The fee and the allowed loss must cover
    the expected loss: the amount times the probability that it is never collected."""
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise invalid(
            f"{currency!r} is not a known currency.", "currency", "Write three letters, like USD."
        )
    new_terms = _new_terms(asset, **options)

    async def work(opened: Opened) -> tuple[Exposure, Bounds | None]:
        merchant_id = opened.merchant_id
        if new_terms.any():
            found = await agree_exposure(opened.world, opened.scope("terms"), asset, new_terms)
        else:
            found = await exposure_of(opened.world, merchant_id, asset)
        return found, await bounds_of(opened.world, merchant_id, asset)

    found, bounds = run(work)
    shown = _shown(asset, found)
    lines = [f"{name.replace('_', ' '):22} {value}" for name, value in shown.items()]
    show(
        shown | {"bounds": _bounds_shown(bounds)}, [*lines, *_bounds_lines(bounds)], as_json=as_json
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
    yield f"bounds                 version {bounds.version} of {bounds.made_on}: orders begun before {bounds.until}"
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
            yield f"  {reach:20} {table.payers[tenth]} {more}customers, {table.weeks[tenth]} weeks: {known}"


def _new_terms(
    asset: str,
    *,
    limit: str | None,
    order_max: str | None,
    customer_max: str | None,
    chunk: str | None,
    allowed_loss: str | None,
    advance_on: str | None,
    operator_limit: str | None,
) -> Terms:
    """Raises: Problem(invalid) naming the option."""

    def units(text: str | None, field: str) -> int | None:
        return from_text(text, asset, field).units if text is not None else None

    points = basis_points(allowed_loss, "allowed-loss") if allowed_loss is not None else None
    occasion: Literal["unresolved", "soft_declines", "both"] | None = None
    if advance_on is not None:
        occasion = _OCCASIONS[advance_on]  # type: ignore[assignment]
    return Terms(
        units(limit, "limit"),
        units(order_max, "order-max"),
        units(customer_max, "customer-max"),
        units(chunk, "chunk"),
        points,
        occasion,
        units(operator_limit, "operator-limit"),
    )


def _shown(asset: str, found: Exposure) -> dict[str, str | int]:
    limits = found.limits

    def text(units: int) -> str:
        return f"{to_text(units, EXPONENTS[asset])} {asset}"

    return {
        "limit": text(limits.limit_units),
        "order_max": text(limits.order_max_units),
        "customer_max": text(limits.customer_max_units),
        "chunk": text(limits.chunk_units),
        "allowed_loss": f"{to_text(limits.allowed_loss_basis_points, 2)} %",
        "advance_on": limits.advance_on.replace("_", "-"),
        "allotted": text(found.allotted_units),
        "advanced_now": text(found.used_units),
        "orders_to_be_collected": found.advanced_orders,
        "bad_debt": text(found.bad_debt_units),
        "written_off_of_limit": text(found.lost_units),
        "operator_limit": text(found.operator_limit_units),
        "operator_allotted": text(found.operator_drawn_units),
    }
