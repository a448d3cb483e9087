"""`recoup engine`: who plans attempts, the rescue engine or the fixed schedule; and the engine
stopped."""

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import click
from msgspec.structs import asdict

from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso
from recoup.merchants.cli import Opened, Run, in_world, merchant_option
from recoup.notifications.flows.unlisted_codes import read_unlisted
from recoup.notifications.store.unlisted_codes import UnlistedCode
from recoup.terms.rules.arm_terms import MODES, Cut, Terms
from recoup.terms.rules.typed_bounds import bounds_of, text_of
from recoup.uplift.flows import arms
from recoup.uplift.flows.arms import ArmsChange, Standing
from recoup.uplift.flows.uplift_report import set_return

OPERATOR: Final = Actor("operator", "command")


@click.group()
def engine() -> None:
    """Shows and sets who plans the attempts on declined payments: the rescue engine or the fixed schedule."""


@engine.command()
@merchant_option
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def show(run: Run, as_json: bool) -> None:
    """Shows the settings of a merchant and its sites, the model, whether the engine is stopped, and unknown
    codes."""
    standing, unlisted = run(_show)
    click.echo(json.dumps(_dict(standing, unlisted)) if as_json else _text(standing, unlisted))


@engine.command("set")
@merchant_option
@click.option("--site", help="Only one site, by its id.")
@click.option(
    "--mode",
    type=click.Choice(MODES),
    help="off, shadow: the fixed schedule; share: the engine, for its share; inherit: the merchant's.",
)
@click.option("--share", type=int, help="Percentage of customers for whom the engine decides.")
@click.option("--holdout", type=int, help="Percentage of customers in the comparison group.")
@click.option(
    "--explore", type=int, help="Percentage of the engine's decisions made at random, to explore."
)
@click.option(
    "--explore-max", help="Largest amounts for that, like '500 USD; 450 EUR'; '' for any amount."
)
@in_world
def set_verb(run: Run, site: str | None, explore_max: str | None, **given: Any) -> None:
    """Changes the settings for new orders; earlier orders keep theirs."""

    async def work(opened: Opened) -> str:
        bounds = bounds_of(explore_max) if explore_max is not None else None
        return await _set(opened, site, ArmsChange(**given, explore_max=bounds))

    click.echo(run(work))


@engine.command()
@merchant_option
@click.option("--all", "all_merchants", is_flag=True, help="For all merchants.")
@click.option("--why", required=True, help="Reason, shown to the merchants concerned.")
@in_world
def stop(run: Run, all_merchants: bool, why: str) -> None:
    """Stops the engine at once, also for open orders: the fixed schedule applies instead."""
    done = run(
        lambda opened: arms.stop(
            opened.world, _scope(opened, all_merchants), why, all_merchants=all_merchants
        )
    )
    click.echo("The engine is stopped." if done else "The engine was already stopped.")


@engine.command()
@merchant_option
@click.option("--all", "all_merchants", is_flag=True, help="For all merchants.")
@in_world
def resume(run: Run, all_merchants: bool) -> None:
    """Ends the stop: the engine decides again."""
    done = run(
        lambda opened: arms.resume(
            opened.world, _scope(opened, all_merchants), all_merchants=all_merchants
        )
    )
    click.echo("The engine decides again." if done else "The engine was not stopped.")


@engine.command("return")
@click.argument("wanted", type=click.Choice(["on", "off"]))
@merchant_option
@in_world
def return_verb(run: Run, wanted: str) -> None:
    """Sets whether the engine stops by itself once it is shown to do harm, as `recoup uplift` says."""
    run(lambda opened: set_return(opened.world, _scope(opened), on_harm=wanted == "on"))
    click.echo(
        "The engine stops by itself once harm is shown."
        if wanted == "on"
        else "The engine goes on."
    )


def _scope(opened: Opened, all_merchants: bool = False) -> Scope:
    return Scope(UUID(int=0) if all_merchants else opened.merchant_id, OPERATOR, "engine")


async def _show(opened: Opened) -> tuple[Standing, Sequence[UnlistedCode]]:
    scope, world = _scope(opened), opened.world
    standing = await arms.read_arms(
        world, scope.merchant_id, await arms.clock_of(world, scope.merchant_id)
    )
    return standing, await read_unlisted(world, scope.merchant_id)


async def _set(opened: Opened, site: str | None, arms_change: ArmsChange) -> str:
    site_id = parse_id(site) if site is not None else None
    if site is not None and site_id is None:
        raise invalid(f"{site[:80]!r} is not a site id.", "site", "See the page /developers.")
    scope, world = _scope(opened), opened.world
    terms = await arms.set_arms(world, scope, site_id, arms_change, needs_model=True)
    standing = await arms.read_arms(
        world, scope.merchant_id, await arms.clock_of(world, scope.merchant_id)
    )
    return _line(terms, standing.cut(site_id))


def _line(terms: Terms, left: Cut | None) -> str:
    bounds = text_of(terms.explore_max)
    upto = f" up to {bounds}" if bounds else ""
    line = f"{terms.mode}: share {terms.share} %, holdout {terms.holdout} %, exploration {terms.explore} %{upto}"
    return line + _in_force(left)


def _in_force(left: Cut | None) -> str:
    if left is None:
        return ""
    share = f", share {left.terms.share} %" if left.terms.mode == "share" else ""
    return f"; in force for new orders: {left.terms.mode}{share}, by the retry policy of {', '.join(left.by)}"


def _text(standing: Standing, unlisted: Sequence[UnlistedCode]) -> str:
    lines = [f"merchant   {_line(standing.own(), standing.cut())}"]
    sites = {
        site_id: standing.cut(site_id)
        for site_id in {**standing.lines, **standing.within}
        if site_id
    }
    lines += [
        f"site       {site_id} {_line(standing.own(site_id), left)}"
        for site_id, left in sites.items()
        if site_id in standing.lines or left != standing.cut()
    ]
    lines.append(f"model      {standing.model or standing.why_none}")
    for stop in standing.stops:
        whom = "all merchants" if stop.merchant_id is None else "this merchant"
        lines.append(
            f"stopped    for {whom} since {iso(stop.stopped_at)} by {stop.actor}: {stop.why}"
        )
    for one in unlisted:
        lines.append(
            f"unknown    {one.scheme} {one.kind} {one.code}; orders: {one.orders}, last {iso(one.last_at)}"
        )
    return "\n".join(lines)


def _dict(standing: Standing, unlisted: Sequence[UnlistedCode]) -> dict[str, Any]:
    def terms(one: Terms) -> dict[str, Any]:
        return {"mode": one.mode, **one.to_dict(), "explore_max": dict(one.explore_max or {})}

    def in_force(site_id: UUID | None) -> dict[str, Any] | None:
        left = standing.cut(site_id)
        return (
            {"mode": left.terms.mode, "share": left.terms.share, "by": list(left.by)}
            if left
            else None
        )

    return {
        "merchant": terms(standing.own()),
        "sites": {
            str(site_id): terms(one)
            for site_id, one in standing.lines.items()
            if site_id is not None
        },
        "in_force": {str(site_id or "merchant"): in_force(site_id) for site_id in standing.within},
        "model": standing.model,
        "why_none": standing.why_none,
        "stops": [
            {
                "all": stop.merchant_id is None,
                "since": iso(stop.stopped_at),
                "by": stop.actor,
                "why": stop.why,
            }
            for stop in standing.stops
        ],
        "unlisted": [{**asdict(one), "last_at": iso(one.last_at)} for one in unlisted],
    }
