"""`recoup cards`: which prints are known as one card, by the operator's word; see docs/cards.md."""

from collections.abc import Iterator
from typing import Annotated, Any
from uuid import UUID

import click

from recoup.cards.store.card_joins import CardJoin
from recoup.desk.flows.operator_joins import (
    CardPage,
    alike_prints_of,
    decide_join,
    joins_of,
    propose_join,
    read_card,
)
from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import id_of
from recoup.merchants.cli import AtMerchant, verb
from recoup.orders.flows.find_order import find_one
from recoup.people.cli.person import AsPerson, scope_of_person

AS_JSON = "Output as JSON."


@click.group()
def cards() -> None:
    """Says that two prints are one card: one person of the operator proposes it, another joins them
    for good."""


@verb(cards, "list", json=AS_JSON)
async def list_verb(at: AtMerchant) -> Printed:
    """Lists proposals and joins, the newest first, and pairs of prints that look alike."""
    joins = await joins_of(at.world, at.merchant_id)
    alike = await alike_prints_of(at.world, at.merchant_id)
    lines = [_line(card_join) for card_join in joins] + [
        f"alike: {pair.first_order} and {pair.second_order}, one customer,"
        f" {pair.scheme} {pair.last4} {pair.exp_month:02}/{pair.exp_year}"
        for pair in alike
    ]
    nothing = ["Nothing was proposed, and no prints of one customer look alike."]
    pairs = [
        {"orders": (pair.first_order, pair.second_order)}
        | picked(pair, "scheme", "last4")
        | {"expiry": f"{pair.exp_month:02}/{pair.exp_year}"}
        for pair in alike
    ]
    return Printed(
        {"joins": [_dict(card_join) for card_join in joins], "alike": pairs}, lines or nothing
    )


@verb(cards)
async def join(
    first: str,
    second: str,
    *,
    reason: Annotated[str, "Why the two are one card."],
    evidence: Annotated[str, "Where the evidence is kept: a letter, a ticket, a report."],
    email: AsPerson = "",
    at: AtMerchant,
) -> str:
    """Proposes that the cards of the orders FIRST and SECOND are one; a second person decides."""
    scope = await scope_of_person(at, email)
    _, first_order = await find_one(at.world, first, scope.merchant_id)
    _, other = await find_one(at.world, second, scope.merchant_id)
    return _line(await propose_join(at.world, scope, (first_order, other), reason, evidence))


@verb(cards)
async def decide(
    proposal: Annotated[UUID, id_of("is no id of a proposal.", "proposal")],
    *,
    refuse: Annotated[bool, "Refuse it; without this, the two are joined for good."] = False,
    email: AsPerson = "",
    at: AtMerchant,
) -> str:
    """Joins the two prints of PROPOSAL for good, or refuses."""
    scope = await scope_of_person(at, email)
    return _line(await decide_join(at.world, scope, proposal, join=not refuse))


@verb(cards, "show", json=AS_JSON)
async def show_verb(order: str, *, at: AtMerchant) -> Printed:
    """Shows the card of an ORDER: its print, since when it is joined to others,
    and by whose word."""
    _, order_id = await find_one(at.world, order, at.merchant_id)
    page = await read_card(at.world, at.merchant_id, order_id)
    return Printed(_card(page), _card_lines(page))


def _card_lines(page: CardPage) -> Iterator[str]:
    card = page.card
    yield (
        f"{card.scheme} {card.last4} {card.exp_month:02}/{card.exp_year}"
        + f", {card.route}" * bool(card.route)
    )
    yield f"print {card.card_id}"
    yield (
        f"joined with others, last {iso(page.joined_at)}"
        if page.joined_at is not None
        else "joined with no other"
    )
    yield from map(_line, page.joins)


def _line(card_join: CardJoin) -> str:
    by = (
        f"by {card_join.decided_by}, {iso(card_join.decided_at)}"
        if card_join.decided_at is not None
        else "for a second person"
    )
    words = {"waiting": "waits", "joined": "joined", "refused": "refused"}[card_join.state]
    return (
        f"{card_join.join_id} {words} {by}: orders {card_join.first_external} and "
        f"{card_join.second_external};"
        f" {card_join.reason} ({card_join.evidence}), proposed by {card_join.made_by}, "
        f"{iso(card_join.created_at)}"
    )


def _dict(card_join: CardJoin) -> dict[str, Any]:
    return {
        "id": card_join.join_id,
        "orders": (card_join.first_order, card_join.second_order),
        **picked(card_join, "state", "reason", "evidence"),
        "proposed_by": card_join.made_by,
        "proposed_at": card_join.created_at,
        **picked(card_join, "decided_by", "decided_at"),
    }


def _card(page: CardPage) -> dict[str, Any]:
    return {
        "print": page.card.card_id,
        **picked(page.card, "scheme", "last4", "route"),
        "joined_at": page.joined_at,
        "joins": [_dict(card_join) for card_join in page.joins],
    }
