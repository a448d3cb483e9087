"""`recoup sandbox`: what the outside world would do to a sandbox order, and the inputs that cause
it."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any, Final

import click
from msgspec import Meta

from recoup.cards.rules.token_notices import TOKEN_NOTICES
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.money import UNITS_MAX, Money
from recoup.kernel.problem import invalid
from recoup.kit.cli.command import Printed
from recoup.kit.cli.parameters import Option, OutFile
from recoup.kit.cli.verb_group import PackageVerb, VerbGroup, with_features
from recoup.kit.world import World
from recoup.merchants.cli import AtMerchant, Opened, verb
from recoup.networks.disputes import STAGES
from recoup.networks.magic import inputs
from recoup.notices.rules import SIGNALS
from recoup.orders.flows.find_order import home_of_order
from recoup.outside.inbound import DISPUTE_NOTICES, SignedKind
from recoup.reconciliation.flows.sandbox_statement import BOOKS, sandbox_statement
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.on_demand import (
    FAULTS,
    clear_fault,
    set_fault,
    settle_attempt,
    statement,
)
from recoup.routes.flows.signed_notices import signing_key
from recoup.sandbox.flows.clock_moves import parse_step
from recoup.stablecoin.flows.pay import simulate_by_operator

ForSignals = Annotated[bool, "The key for signals (docs/cards.md)."]
ForTokens = Annotated[bool, Option("The key for tokens (docs/cards.md).", "--network-tokens")]


def notice_key(world: World, route: str, *, signals: bool, tokens: bool) -> str:
    """The key of a route's notices, in hex."""
    kind: SignedKind[Any] = DISPUTE_NOTICES
    if tokens:
        kind = TOKEN_NOTICES
    elif signals:
        kind = SIGNALS
    return signing_key(world, kind, route).hex()


LATER: Final = {
    "processor": PackageVerb(
        "Runs a stand-in of a vendor's API, for routes of the sandbox.",
        "recoup-lab",
        "sandbox.processor",
    )
}


@click.group(cls=VerbGroup, later=with_features("sandbox", LATER))
def sandbox() -> None:
    """Simulates issuer, processor and cardholder in the sandbox."""


@verb(sandbox, sandbox_only=True)
async def dispute(
    opened: Opened,
    order: str,
    *,
    fraud: Annotated[bool, "The cardholder denies it (default)."] = False,
    service: Annotated[bool, "The dispute is about goods or services."] = False,
    processing: Annotated[bool, "The dispute is about processing."] = False,
    amount: Annotated[
        int | None, Meta(le=UNITS_MAX), "Minor units; default: the amount not refunded."
    ] = None,
    stage: Annotated[Any, click.Choice(STAGES), "The next stage of an earlier case."] = "first",
    won: Annotated[bool, "The dispute is won."] = False,
    lost: Annotated[bool, "The dispute is lost."] = False,
) -> str:
    """Opens a dispute: the cardholder disputes an order, and the processor sends a notice."""
    if fraud + service + processing > 1 or won and lost:
        raise invalid(
            "A dispute has one reason and one end.",
            None,
            "Name --fraud, --service or --processing; --won or --lost.",
        )
    opened = opened.within(await home_of_order(opened.world, order))
    return await dispute_on_demand(
        opened.world,
        opened.services.get(Orders),
        order,
        kind="service" if service else "processing" if processing else "fraud",
        units=amount,
        stage=stage,
        decided="won" if won else "lost" if lost else None,
    )


@verb(sandbox, "notice-key", sandbox_only=True)
async def show_key(
    opened: Opened, *, signals: ForSignals = False, tokens: ForTokens = False
) -> str:
    """Prints the key with which the sandbox's processor signs its notices (hex); see
    docs/disputes.md."""
    return notice_key(opened.world, "sandbox", signals=signals, tokens=tokens)


@verb(sandbox, sandbox_only=True)
async def export(
    book: Annotated[Any, click.Choice(BOOKS)],
    *,
    out: Annotated[OutFile, "Output file; default: standard output."] = None,
    currency: Annotated[
        str | None, "Only this currency; a file is compared in one currency at a time."
    ] = None,
    at: AtMerchant,
) -> str | None:
    """Exports a counterpart's records as a CSV for `recoup reconcile`."""
    lines, asset = -1, currency.upper() if currency else None
    with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as file:
        async for row in sandbox_statement(at.world, at.merchant_id, book, currency=asset):
            file.write(row)
            lines += 1
        file.flush()
    return f"{lines:,} lines in {out}" if out else None


@verb(sandbox, "inputs", json="")
def show_inputs() -> Printed:
    """Lists every magic input: card, amount, phone, and the issuer's response."""
    rows = [row.to_dict() for row in inputs()]
    return Printed(rows, map(_input, rows))


def _input(row: Mapping[str, Any]) -> str:
    amount = "any amount" if row["amount"] is None else f"{row['amount']:>6} minor units"
    return f"{row['scheme']:11} {row['card']:20} {amount:20} {row['answer']:10} {row['note']}"


@verb(sandbox, sandbox_only=True)
async def pay(opened: Opened, order: str) -> str:
    """Makes the issuer approve all attempts of this order, and sends the next one now. A stablecoin
    order is paid; if it has ended, the payment is late."""
    return await _settle(opened, order, approve=True)


@verb(sandbox, sandbox_only=True)
async def decline(opened: Opened, order: str) -> str:
    """Makes the issuer decline all attempts of this order, and sends the next one now. The payment
    of a stablecoin order fails."""
    return await _settle(opened, order, approve=False)


@verb(sandbox, "statement", sandbox_only=True)
async def show_statement(opened: Opened, order: str) -> list[str]:
    """Shows this order on the cardholder's bank statement."""
    opened = opened.within(await home_of_order(opened.world, order))
    return [
        f"{row['at']:%Y-%m-%d}  {row['descriptor']:34} "
        f"{Money(row['units'], row['currency']).text():>14} {row['currency']}"
        for row in await statement(opened.world, order)
    ]


@verb(sandbox, sandbox_only=True)
async def fault(opened: Opened, kind: Annotated[Any, click.Choice(FAULTS)], duration: str) -> str:
    """Makes the processor fail for a while (wall time): `recoup sandbox fault outage 60s`; 0s ends
    it."""
    if duration == "0s":
        await clear_fault(opened.world, kind)
        return f"{kind} ended"
    await set_fault(opened.world, kind, parse_step(duration))
    return f"{kind} for {duration}"


async def _settle(opened: Opened, order: str, *, approve: bool) -> str:
    opened = opened.within(await home_of_order(opened.world, order))
    orders = opened.services.get(Orders)
    state = await simulate_by_operator(opened.world, orders, order, approve)
    return state or await settle_attempt(opened.world, orders, order, approve)
