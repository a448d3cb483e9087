"""`recoup terms NOUN`: what a merchant's contract says. Without options it is shown; with them it
is changed."""

from collections.abc import Iterator
from typing import Any, get_args

import click

from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.disputes.store.disputes import DatedTerms as DatedDisputeTerms
from recoup.disputes.store.disputes import read_terms as read_dispute_terms
from recoup.kernel.ids import parse_id
from recoup.kernel.money import EXPONENTS, from_text, to_text
from recoup.kernel.problem import invalid
from recoup.kernel.time import iso
from recoup.keys.cli.as_of import AsTyped, as_of_options, from_option, moment
from recoup.kit.cli.term_options import read, shown, term_options
from recoup.kit.cli.verb_group import VerbGroup, with_features
from recoup.kit.terms import fields_of
from recoup.merchants.cli import Opened, Run, in_world, json_option, merchant_option, show
from recoup.merchants.flows.country import change_country
from recoup.merchants.flows.merchant_cache import caller_settings
from recoup.merchants.rules.merchant import Merchant
from recoup.networks.disputes import Party
from recoup.orders.rules.notices import NAMES, NOTICES
from recoup.people.flows.notices import switch, switches
from recoup.risk.cli import exposure
from recoup.settlement.cli import cards
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.settlement.flows.settlement_terms import read_terms, set_terms
from recoup.settlement.store.fee_terms import FeeTermRow, fee_history
from recoup.terms.rules.fees import Tariff
from recoup.terms.rules.settlement import Terms
from recoup.terms.store.settlement_terms import DatedTerms

_PARTY = click.Choice(get_args(Party))


@click.command()
@merchant_option
@click.option(
    "--service",
    type=_PARTY,
    help="Who bears disputes about goods and services; the operator bears fraud.",
)
@click.option("--fee", help="Fee per dispute: 15.00; needs --currency.")
@click.option("--fee-by", type=_PARTY, help="Who bears the fee.")
@click.option("--currency", default="", help="Only for this currency.")
@click.option(
    "--block-cards/--allow-cards", default=None, help="Whether a card disputed as fraud is blocked."
)
@from_option
@as_of_options
@json_option
@in_world
def disputes(run: Run, past: AsTyped, as_json: bool, **options: Any) -> None:
    """Shows the terms with their history; options set new terms, valid from now or --from. Each
    dispute follows the terms that were valid when its charge was approved."""
    request = _dispute_request(**options)
    past.check_only_shown(changes=request is not None)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        if request is not None:
            await change_terms(opened.world, opened.scope("terms"), request)
        rows = await read_dispute_terms(
            opened.world.db.reader, opened.merchant_id, *await past.cut(opened)
        )
        return [_disputes_shown(row) for row in rows]

    rows = run(work)
    lines = [f"{'from':24}  currency, liability for service disputes, fee, cards, author"] + [
        f"{row['from']}  {row['currency'] or 'every currency':14}  service: {row['service']:8}"
        f"  fee: {row['fee']} by {row['fee_by']}  cards: {row['cards']}  {row['by']}"
        for row in rows
    ]
    standard = [
        "Standard terms: the operator bears all disputes, no fee, cards disputed as fraud are "
        "blocked."
    ]
    show(rows, lines if rows else standard, as_json=as_json)


def _dispute_request(
    *,
    service: Party | None,
    fee: str | None,
    fee_by: Party | None,
    currency: str,
    block_cards: bool | None,
    valid_from: str | None,
) -> DisputeTermsRequest | None:
    """The request for new dispute terms; None without any option that changes. Raises:
    Problem(invalid)."""
    if service is None and fee is None and fee_by is None and block_cards is None:
        if currency or valid_from:
            raise invalid(
                "These options contain no new terms: nothing was set.",
                "service",
                "Add --service, --fee, --fee-by or --block-cards/--allow-cards.",
            )
        return None
    asset = currency.upper()
    if fee is not None and asset not in EXPONENTS:
        raise invalid("A fee must be an amount of money.", "currency", "Name it with --currency.")
    units = from_text(fee, asset, "fee").units if fee is not None else None
    return DisputeTermsRequest(asset, service, units, fee_by, block_cards, moment(valid_from))


def _disputes_shown(row: DatedDisputeTerms) -> dict[str, Any]:
    terms = row.terms
    assert terms.valid_from is not None
    return {
        "from": iso(terms.valid_from),
        "currency": terms.asset,
        "service": terms.service_borne_by,
        "fee": to_text(terms.fee_units, EXPONENTS[terms.asset]) if terms.asset else "0",
        "fee_by": terms.fee_borne_by,
        "cards": "blocked" if terms.block_cards else "allowed",
        "by": row.actor,
        "set_at": iso(row.made_at),
    }


@click.command()
@merchant_option
@click.option("--site", help="Only for this site (id).")
@click.option("--type", "order_type", help="Only for CIT, MIT or STABLE orders.")
@click.option("--currency", help="Only in this currency; needed with --fixed and --minimum.")
@term_options(Tariff)
@from_option
@click.option("--end", is_flag=True, help="End this fee; the next more general one applies.")
@click.option("--note", default="", help="Reason.")
@as_of_options
@json_option
@in_world
def fees(run: Run, past: AsTyped, as_json: bool, **options: Any) -> None:
    """Shows the fees with their history; --percent, --fixed, --minimum or --end sets a new term. At
    approval, the most specific valid term applies: site, then order type, then currency."""
    request = _request(**options)
    past.check_only_shown(changes=request is not None)

    async def work(opened: Opened) -> list[dict[str, Any]]:
        if request is not None:
            await set_fee_term(opened.world, opened.scope("terms"), request)
        rows = await fee_history(
            opened.world.db.reader, opened.merchant_id, *await past.cut(opened)
        )
        return [_fees_shown(row) for row in rows]

    rows = run(work)
    lines = [f"{'from':24}  scope, fee, returned on refunds, author, reason"] + [
        "  ".join(
            f"{row[name]}" for name in ("from", "scope", "fee", "refund", "by", "note")
        ).rstrip()
        for row in rows
    ]
    show(rows, lines if rows else ["No fee is charged: none was agreed."], as_json=as_json)


def _request(
    *,
    site: str | None,
    order_type: str | None,
    currency: str | None,
    valid_from: str | None,
    end: bool,
    note: str,
    **typed: Any,
) -> FeeTermRequest | None:
    """Raises: Problem(invalid)."""
    named = {name for name, text in typed.items() if text is not None}
    if not named - {"refund"} and not end:
        given = {
            "refund": typed["refund"],
            "site": site,
            "type": order_type,
            "currency": currency,
            "from": valid_from,
            "note": note,
        }
        alone = [name for name, value in given.items() if value]
        if alone:
            raise invalid(
                f"--{' and --'.join(alone)} without a fee: nothing was set.",
                "percent",
                "Add --percent, --fixed or --minimum, or --end.",
            )
        return None
    site_id = parse_id(site) if site else None
    if site and site_id is None:
        raise invalid(
            f"{site!r} is not a site id.", "site", "See GET /v1/sites, or the order's page."
        )
    currency = currency.upper() if currency else None
    for part in ("fixed", "minimum"):
        if f"{part}_units" in named and currency not in EXPONENTS:
            raise invalid(f"The {part} part needs a currency.", "currency", "Add --currency.")
    return FeeTermRequest(
        Tariff(**read(Tariff, typed, currency or "")),
        site_id,
        order_type.upper() if order_type else None,
        currency,
        moment(valid_from),
        end,
        note[:300],
    )


def _fees_shown(row: FeeTermRow) -> dict[str, Any]:
    scope = (
        " ".join(str(part) for part in (row.site, row.order_type, row.currency) if part)
        or "everything"
    )
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


@click.command()
@merchant_option
@term_options(Terms)
@from_option
@as_of_options
@json_option
@in_world
def settlement(
    run: Run, valid_from: str | None, past: AsTyped, as_json: bool, **typed: Any
) -> None:
    """Shows the settlement terms with their history; options change single terms."""
    change = read(Terms, typed)
    past.check_only_shown(changes=bool(change))
    start = moment(valid_from)
    if start is not None and not change:
        raise invalid(
            "--from without new terms: nothing was set.",
            "period",
            "Add the terms that start then, like --period week.",
        )

    async def work(opened: Opened) -> tuple[Terms, list[DatedTerms]]:
        if change:
            await set_terms(opened.world, opened.scope("terms"), change, start)
        return await read_terms(opened.world, opened.merchant_id, await past.cut(opened))

    now, history = run(work)
    rows = [{"from": iso(row.valid_from), "by": row.actor} | shown(row.terms) for row in history]
    lines = _terms_lines(rows or [{"from": "always", "by": "default"} | shown(now)])
    show({"now": shown(now), "history": rows}, lines, as_json=as_json)


def _terms_lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    for row in rows:
        yield f"{row['from']}  {row['by']}"
        for name in fields_of(Terms):
            others = ", any other 0" if name == "limits" and row[name] else ""
            yield f"    {name.replace('_', ' '):22} {_text(row[name])}{others}"


def _text(value: Any) -> Any:
    return (
        ", ".join(f"{asset} {text}" for asset, text in value.items()) or "-"
        if isinstance(value, dict)
        else value
    )


@click.command()
@merchant_option
@click.option("--on", multiple=True, type=click.Choice(NAMES), help="Send this notice from now on.")
@click.option("--off", multiple=True, type=click.Choice(NAMES), help="Stop sending this notice.")
@json_option
@in_world
def notices(run: Run, on: tuple[str, ...], off: tuple[str, ...], as_json: bool) -> None:
    """Shows which e-mails payers get; --on and --off change them."""
    wanted = dict.fromkeys(on, True) | dict.fromkeys(off, False)

    async def work(opened: Opened) -> dict[str, bool]:
        if not wanted:
            return await switches(opened.world, opened.merchant_id)
        return await switch(opened.world, opened.scope("terms"), wanted)

    switched = run(work)
    lines = (
        f"{notice.name:14} {'on' if switched[notice.name] else 'off':4} {notice.meaning}"
        for notice in NOTICES
    )
    show(switched, lines, as_json=as_json)


@click.command()
@click.argument("code", required=False)
@merchant_option
@json_option
@in_world
def country(run: Run, code: str | None, as_json: bool) -> None:
    """Shows the country of the merchant's account at the acquirer, for routes that name none; CODE
    sets it, like DE."""

    async def work(opened: Opened) -> Merchant:
        if code is not None:
            await change_country(opened.world, opened.scope("terms"), code, "code")
        return (await caller_settings(opened.world.db.reader, opened.merchant_id)).merchant

    merchant = run(work)
    shown = {"country": merchant.country, "region": merchant.region}
    show(
        shown,
        [f"{merchant.country or 'no country'}: the rules of {merchant.region} hold."],
        as_json=as_json,
    )


@click.group(cls=VerbGroup, later=with_features("terms", {}))
def terms() -> None:
    """Shows and changes the terms of a merchant's contract."""


for noun in (fees, exposure, disputes, settlement, notices, cards, country):
    terms.add_command(noun)
