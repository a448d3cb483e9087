"""`recoup terms fees`: what the operator keeps of a merchant's approved orders."""

import json
from typing import Any

import click

from recoup.doors.command.as_of import as_of_options, check_only_shown, typed_cut
from recoup.doors.command.clock import merchant_of
from recoup.doors.command.moment import from_option, moment
from recoup.doors.command.percent import basis_points
from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.merchants.fee_terms import FeeTermRequest, set_fee_term
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.money import from_text, to_text
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso
from recoup.rules.money.fees import REFUND_POLICIES, Tariff
from recoup.store.money.fee_terms import FeeTermRow, fee_history

_POLICIES = tuple(name.replace("_", "-") for name in REFUND_POLICIES)


@click.command()
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@click.option("--site", help="Only for this site (id).")
@click.option("--type", "order_type", help="Only for CIT, MIT or STABLE orders.")
@click.option("--currency", help="Only in this currency; needed with --fixed and --minimum.")
@click.option("--percent", help="Percentage of the amount: 2.9")
@click.option("--fixed", help="Fixed part: 0.30")
@click.option("--minimum", help="Minimum amount: 0.50")
@click.option("--refund", type=click.Choice(_POLICIES), help="Part of the fee that a refund returns. Default: keep.")
@from_option
@click.option("--end", is_flag=True, help="End this fee; the next more general one applies.")
@click.option("--note", default="", help="Reason.")
@as_of_options
@click.option("--json", "as_json", is_flag=True)
@in_world
def fees(
    run: Run,
    merchant: str | None,
    as_of: str | None,
    as_of_recorded: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Shows the fees with their history; --percent, --fixed, --minimum or --end sets a new term. At approval, the
    most specific valid term applies: site, then order type, then currency."""
    request = _request(**options)
    check_only_shown(as_of, as_of_recorded, changes=request is not None)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        merchant_id = merchant_of(opened, merchant)
        if request is not None:
            await set_fee_term(opened.world, Scope(merchant_id, Actor("operator", "terms"), "terms"), request)
        cut = await typed_cut(opened.world, merchant_id, as_of, as_of_recorded)
        async with opened.world.db.read() as connection:
            return [_shown(row) for row in await fee_history(connection, merchant_id, *cut)]

    rows = run(work)
    if as_json:
        click.echo(json.dumps(rows))
        return
    if rows:
        click.echo(f"{'from':24}  scope, fee, returned on refunds, author, reason")
    for row in rows:
        click.echo("  ".join(f"{row[name]}" for name in ("from", "scope", "fee", "refund", "by", "note")).rstrip())
    if not rows:
        click.echo("No fee is charged: none was agreed.")


def _request(
    *,
    site: str | None,
    order_type: str | None,
    currency: str | None,
    percent: str | None,
    fixed: str | None,
    minimum: str | None,
    refund: str | None,
    valid_from: str | None,
    end: bool,
    note: str,
) -> FeeTermRequest | None:
    """Raises: Problem(invalid)."""
    if percent is None and fixed is None and minimum is None and not end:
        given = {
            "refund": refund,
            "site": site,
            "type": order_type,
            "currency": currency,
            "from": valid_from,
            "note": note,
        }
        alone = [name for name, value in given.items() if value]
        if alone:
            raise Problem(
                "invalid",
                f"--{' and --'.join(alone)} without a fee: nothing was set.",
                field="percent",
                cure="Add --percent, --fixed or --minimum, or --end.",
            )
        return None
    site_id = parse_id(site) if site else None
    if site and site_id is None:
        raise Problem(
            "invalid", f"{site!r} is not a site id.", field="site", cure="See GET /v1/sites, or the order's page."
        )
    currency = currency.upper() if currency else None
    tariff = Tariff(
        basis_points(percent or "0", "percent"),
        _units(fixed, currency, "fixed"),
        _units(minimum, currency, "minimum"),
        (refund or "keep").replace("-", "_"),
    )
    return FeeTermRequest(
        tariff, site_id, order_type.upper() if order_type else None, currency, moment(valid_from), end, note[:300]
    )


def _units(text: str | None, currency: str | None, field: str) -> int:
    if text is None:
        return 0
    if currency not in EXPONENTS:
        raise Problem("invalid", f"The {field} part needs a currency.", field="currency", cure="Add --currency.")
    return from_text(text, currency or "", field).units


def _shown(row: FeeTermRow) -> dict[str, Any]:
    scope = " ".join(str(part) for part in (row.site, row.order_type, row.currency) if part) or "everything"
    parts = [f"{to_text(row.basis_points, 2)} %"]
    if row.currency:
        scale = EXPONENTS[row.currency]
        parts += [f"+ {to_text(row.fixed_units, scale)}"] if row.fixed_units else []
        parts += [f"at least {to_text(row.minimum_units, scale)}"] if row.minimum_units else []
    return {
        "from": iso(row.valid_from),
        "scope": scope,
        "fee": "ended" if row.ended else " ".join(parts),
        "refund": row.refund.replace("_", "-"),
        "by": row.actor,
        "note": row.note,
        "set_at": iso(row.recorded_at),
        "term_id": str(row.term_id),
    }
