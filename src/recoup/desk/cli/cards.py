"""`recoup cards`: which prints are known as one card, by the operator's word; see docs/cards.md."""

from collections.abc import Iterator
from typing import Any

import click

from recoup.cards.store.card_joins import Alike, CardJoin
from recoup.desk.flows.operator_joins import (
    CardPage,
    alike_prints_of,
    decide_join,
    joins_of,
    propose_join,
    read_card,
)
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso
from recoup.merchants.cli import Opened, Run, in_world, merchant_option, show
from recoup.orders.flows.find_order import find_one
from recoup.people.cli.person import as_option, operator_named

_json = click.option("--json", "as_json", is_flag=True, help="Output as JSON.")


@click.group()
def cards() -> None:
    """Says that two prints are one card: one person of the operator proposes it, another joins them for good."""


@cards.command("list")
@merchant_option
@_json
@in_world
def list_verb(run: Run, as_json: bool) -> None:
    """Lists proposals and joins, the newest first, and pairs of prints that look alike."""

    async def work(opened: Opened) -> tuple[list[CardJoin], list[Alike]]:
        merchant_id = opened.merchant_id
        return await joins_of(opened.world, merchant_id), await alike_prints_of(
            opened.world, merchant_id
        )

    joins, alike = run(work)
    lines = [_line(one) for one in joins] + [
        f"alike: {pair.first_order} and {pair.second_order}, one customer,"
        f" {pair.scheme} {pair.last4} {pair.exp_month:02}/{pair.exp_year}"
        for pair in alike
    ]
    nothing = ["Nothing was proposed, and no prints of one customer look alike."]
    found = {
        "joins": [_dict(one) for one in joins],
        "alike": [
            {
                "orders": [str(one.first_order), str(one.second_order)],
                "scheme": one.scheme,
                "last4": one.last4,
                "expiry": f"{one.exp_month:02}/{one.exp_year}",
            }
            for one in alike
        ],
    }
    show(found, lines or nothing, as_json=as_json)


@cards.command()
@click.argument("first")
@click.argument("second")
@click.option("--reason", required=True, help="Why the two are one card.")
@click.option(
    "--evidence", required=True, help="Where the evidence is kept: a letter, a ticket, a report."
)
@as_option
@merchant_option
@in_world
def join(run: Run, first: str, second: str, reason: str, evidence: str, email: str) -> None:
    """Proposes that the cards of the orders FIRST and SECOND are one; a second person decides."""

    async def work(opened: Opened) -> CardJoin:
        merchant_id = opened.merchant_id
        scope = Scope(merchant_id, await operator_named(opened, email), "command")
        _, one = await find_one(opened.world, first, merchant_id)
        _, other = await find_one(opened.world, second, merchant_id)
        return await propose_join(opened.world, scope, (one, other), reason, evidence)

    click.echo(_line(run(work)))


@cards.command()
@click.argument("proposal")
@click.option(
    "--refuse", is_flag=True, help="Refuse it; without this, the two are joined for good."
)
@as_option
@merchant_option
@in_world
def decide(run: Run, proposal: str, refuse: bool, email: str) -> None:
    """Joins the two prints of PROPOSAL for good, or refuses."""
    join_id = parse_id(proposal)
    if join_id is None:
        raise invalid(f"{proposal[:80]!r} is no id of a proposal.", "proposal")

    async def work(opened: Opened) -> CardJoin:
        scope = Scope(opened.merchant_id, await operator_named(opened, email), "command")
        return await decide_join(opened.world, scope, join_id, join=not refuse)

    click.echo(_line(run(work)))


@cards.command("show")
@click.argument("order")
@merchant_option
@_json
@in_world
def show_verb(run: Run, order: str, as_json: bool) -> None:
    """Shows the card of an ORDER: its print, since when it is joined to others, and by whose word."""

    async def work(opened: Opened) -> CardPage:
        merchant_id = opened.merchant_id
        _, order_id = await find_one(opened.world, order, merchant_id)
        return await read_card(opened.world, merchant_id, order_id)

    found = run(work)
    show(_card(found), _card_lines(found), as_json=as_json)


def _card_lines(found: CardPage) -> Iterator[str]:
    card = found.card
    yield (
        f"{card.scheme} {card.last4} {card.exp_month:02}/{card.exp_year}"
        + f", {card.route}" * bool(card.route)
    )
    yield f"print {card.card_id}"
    yield (
        f"joined with others, last {iso(found.joined_at)}"
        if found.joined_at is not None
        else "joined with no other"
    )
    yield from map(_line, found.joins)


def _line(one: CardJoin) -> str:
    by = (
        f"by {one.decided_by}, {iso(one.decided_at)}"
        if one.decided_at is not None
        else "for a second person"
    )
    words = {"waiting": "waits", "joined": "joined", "refused": "refused"}[one.state]
    return (
        f"{one.join_id} {words} {by}: orders {one.first_external} and {one.second_external};"
        f" {one.reason} ({one.evidence}), proposed by {one.made_by}, {iso(one.created_at)}"
    )


def _dict(one: CardJoin) -> dict[str, Any]:
    return {
        "id": str(one.join_id),
        "orders": [str(one.first_order), str(one.second_order)],
        "state": one.state,
        "reason": one.reason,
        "evidence": one.evidence,
        "proposed_by": one.made_by,
        "proposed_at": iso(one.created_at),
        "decided_by": one.decided_by,
        "decided_at": iso(one.decided_at) if one.decided_at is not None else None,
    }


def _card(found: CardPage) -> dict[str, Any]:
    return {
        "print": str(found.card.card_id),
        "scheme": found.card.scheme,
        "last4": found.card.last4,
        "route": found.card.route,
        "joined_at": iso(found.joined_at) if found.joined_at is not None else None,
        "joins": [_dict(one) for one in found.joins],
    }
