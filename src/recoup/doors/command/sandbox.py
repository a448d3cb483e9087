"""`recoup sandbox`: what the outside world would do to a sandbox order, and the inputs that cause it."""

import json
from datetime import timedelta
from typing import Any, Final

import click

from recoup.doors.command.clock import parse_step
from recoup.doors.command.sandbox_dispute import dispute, show_key
from recoup.doors.command.sandbox_export import export
from recoup.doors.command.verb_group import PackageVerb, VerbGroup
from recoup.doors.command.verbs import Opened, Run, in_sandbox
from recoup.flows.cards.on_demand import FAULTS, FaultKind, clear_fault, set_fault, settle_attempt, statement
from recoup.flows.cards.sandbox_token import CHANGES, change_token
from recoup.flows.stable.pay import simulate_by_operator
from recoup.kernel.money import Money
from recoup.rules.network.magic import inputs

LATER: Final = {
    "processor": PackageVerb(
        "Runs a stand-in of a vendor's API, for routes of the sandbox.", "recoup-lab", "sandbox.processor"
    )
}


@click.group(cls=VerbGroup, later=LATER)
def sandbox() -> None:
    """Simulates issuer, processor and cardholder in the sandbox."""


@sandbox.command("inputs")
@click.option("--json", "as_json", is_flag=True)
def show_inputs(as_json: bool) -> None:
    """Lists every magic input: card, amount, phone, and the issuer's response."""
    rows = [one.to_dict() for one in inputs()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        amount = "any amount" if row["amount"] is None else f"{row['amount']:>6} minor units"
        click.echo(f"{row['scheme']:11} {row['card']:20} {amount:20} {row['answer']:10} {row['note']}")


@sandbox.command()
@click.argument("order")
@in_sandbox
def pay(run: Run, order: str) -> None:
    """Makes the issuer approve all attempts of this order, and sends the next one now. A stablecoin order is paid;
    if it has ended, the payment is late."""
    click.echo(run(lambda opened: _settle(opened, order, approve=True)))


@sandbox.command()
@click.argument("order")
@in_sandbox
def decline(run: Run, order: str) -> None:
    """Makes the issuer decline all attempts of this order, and sends the next one now. The payment of a stablecoin
    order fails."""
    click.echo(run(lambda opened: _settle(opened, order, approve=False)))


@sandbox.command("statement")
@click.argument("order")
@in_sandbox
def show_statement(run: Run, order: str) -> None:
    """Shows this order on the cardholder's bank statement."""

    async def work(opened: Opened) -> list[dict[str, Any]]:
        return await statement(opened.world, order)

    for row in run(work):
        amount = Money(row["units"], row["currency"]).text()
        click.echo(f"{row['at']:%Y-%m-%d}  {row['descriptor']:34} {amount:>14} {row['currency']}")


@sandbox.command()
@click.argument("kind", type=click.Choice(FAULTS))
@click.argument("duration")
@in_sandbox
def fault(run: Run, kind: FaultKind, duration: str) -> None:
    """Makes the processor fail for a while (wall time): `recoup sandbox fault outage 60s`; 0s ends it."""
    lasts = timedelta(0) if duration == "0s" else parse_step(duration)

    async def work(opened: Opened) -> None:
        await (set_fault(opened.world, kind, lasts) if lasts else clear_fault(opened.world, kind))

    run(work)
    click.echo(f"{kind} for {duration}" if lasts else f"{kind} ended")


@sandbox.command()
@click.argument("order")
@click.argument("change", type=click.Choice(CHANGES))
@in_sandbox
def token(run: Run, order: str, change: Any) -> None:
    """Changes the network token of an order's card, as its network would; see docs/cards.md."""
    token_id = run(lambda opened: change_token(opened.world, opened.orders, order, change))
    click.echo(f"{token_id} {change}")


async def _settle(opened: Opened, order: str, *, approve: bool) -> str:
    state = await simulate_by_operator(opened.world, opened.orders, order, approve)
    return state or await settle_attempt(opened.world, opened.orders, order, approve)


for command in (dispute, show_key, export):
    sandbox.add_command(command)
