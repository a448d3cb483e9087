"""`recoup engine`: who plans attempts, the rescue engine or the fixed schedule; and the engine
stopped."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import click
from msgspec.structs import asdict

from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import id_of
from recoup.merchants.cli import OPERATOR, AtMerchant, Opened, verb
from recoup.notifications.flows.unlisted_codes import read_unlisted
from recoup.notifications.store.unlisted_codes import UnlistedCode
from recoup.terms.rules.arm_terms import MODES, Cut, Terms
from recoup.terms.rules.typed_bounds import bounds_of, text_of
from recoup.uplift.flows import arms
from recoup.uplift.flows.arms import ArmsChange, Standing
from recoup.uplift.flows.uplift_report import set_return


@click.group()
def engine() -> None:
    """Shows and sets who plans the attempts on declined payments: the rescue engine or the fixed
    schedule."""


@verb(engine, json="Output as one JSON object.")
async def show(at: AtMerchant) -> Printed:
    """Shows the settings of a merchant and its sites, the model, whether the engine is stopped, and
    unknown codes."""
    standing = await _standing(at)
    unlisted = await read_unlisted(at.world, at.merchant_id)
    return Printed(_dict(standing, unlisted), [_text(standing, unlisted)])


AllMerchants = Annotated[bool, "For all merchants."]


@verb(engine, "set")
async def set_verb(
    at: AtMerchant,
    *,
    site: Annotated[
        UUID | None,
        id_of("is not a site id.", "site", "See the page /developers."),
        "Only one site, by its id.",
    ] = None,
    mode: Annotated[
        Any,
        click.Choice(MODES),
        "off, shadow: the fixed schedule; share: the engine, for its share; inherit: the "
        "merchant's.",
    ] = None,
    share: Annotated[int | None, "Percentage of customers for whom the engine decides."] = None,
    holdout: Annotated[int | None, "Percentage of customers in the comparison group."] = None,
    explore: Annotated[
        int | None, "Percentage of the engine's decisions made at random, to explore."
    ] = None,
    explore_max: Annotated[
        str | None, "Largest amounts for that, like '500 USD; 450 EUR'; '' for any amount."
    ] = None,
) -> str:
    """Changes the settings for new orders; earlier orders keep theirs."""
    bounds = bounds_of(explore_max) if explore_max is not None else None
    change = ArmsChange(mode, share, holdout, explore, bounds)
    terms = await arms.set_arms(at.world, _scope(at), site, change, needs_model=True)
    return _line(terms, (await _standing(at)).cut(site))


@verb(engine)
async def stop(
    at: AtMerchant,
    *,
    all_: AllMerchants = False,
    why: Annotated[str, "Reason, shown to the merchants concerned."],
) -> str:
    """Stops the engine at once, also for open orders: the fixed schedule applies instead."""
    done = await arms.stop(at.world, _scope(at, all_), why, all_merchants=all_)
    return "The engine is stopped." if done else "The engine was already stopped."


@verb(engine)
async def resume(at: AtMerchant, *, all_: AllMerchants = False) -> str:
    """Ends the stop: the engine decides again."""
    done = await arms.resume(at.world, _scope(at, all_), all_merchants=all_)
    return "The engine decides again." if done else "The engine was not stopped."


@verb(engine, "return")
async def return_verb(wanted: Literal["on", "off"], *, at: AtMerchant) -> str:
    """Sets whether the engine stops by itself once it is shown to do harm,
    as `recoup uplift` says."""
    await set_return(at.world, _scope(at), on_harm=wanted == "on")
    if wanted == "on":
        return "The engine stops by itself once harm is shown."
    return "The engine goes on."


def _scope(opened: Opened, all_merchants: bool = False) -> Scope:
    return Scope(UUID(int=0) if all_merchants else opened.merchant_id, OPERATOR, "engine")


async def _standing(at: Opened) -> Standing:
    clock = await arms.clock_of(at.world, at.merchant_id)
    return await arms.read_arms(at.world, at.merchant_id, clock)


def _line(terms: Terms, left: Cut | None) -> str:
    bounds = text_of(terms.explore_max)
    upto = f" up to {bounds}" if bounds else ""
    line = (
        f"{terms.mode}: share {terms.share} %, holdout {terms.holdout} %, exploration "
        f"{terms.explore} %{upto}"
    )
    return line + _in_force(left)


def _in_force(left: Cut | None) -> str:
    if left is None:
        return ""
    share = f", share {left.terms.share} %" if left.terms.mode == "share" else ""
    return (
        f"; in force for new orders: {left.terms.mode}{share}, by the retry policy of "
        f"{', '.join(left.by)}"
    )


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
    for code in unlisted:
        lines.append(
            f"unknown    {code.scheme} {code.kind} {code.code}; orders: {code.orders}, last "
            f"{iso(code.last_at)}"
        )
    return "\n".join(lines)


def _dict(standing: Standing, unlisted: Sequence[UnlistedCode]) -> dict[str, Any]:
    def terms(line: Terms) -> dict[str, Any]:
        return {"mode": line.mode, **line.to_dict(), "explore_max": dict(line.explore_max or {})}

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
            str(site_id): terms(line)
            for site_id, line in standing.lines.items()
            if site_id is not None
        },
        "in_force": {str(site_id or "merchant"): in_force(site_id) for site_id in standing.within},
        "model": standing.model,
        "why_none": standing.why_none,
        "stops": [
            {
                "all": stop.merchant_id is None,
                "since": stop.stopped_at,
                "by": stop.actor,
                "why": stop.why,
            }
            for stop in standing.stops
        ],
        "unlisted": [asdict(code) for code in unlisted],
    }
