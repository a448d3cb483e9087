"""`recoup sandbox`: what the outside world would do to a sandbox order, and the inputs that cause it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from recoup.doors.command import sandbox_dispute
from recoup.doors.command.clock import parse_step
from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.cards.on_demand import FAULTS, FaultKind, clear_fault, set_fault, settle_attempt, statement
from recoup.flows.stable.pay import simulate_by_operator
from recoup.kernel.money import Money
from recoup.rules.network.magic import inputs


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.group()
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
    @data_dir_option
    def pay(order: str, data_dir: Path | None) -> None:
        """Makes the issuer approve all attempts of this order, and sends the next one now. A stablecoin order is paid;
        if it has ended, the payment is late."""
        _settle(with_world, load_settings(data_dir=data_dir), order, True)

    @sandbox.command()
    @click.argument("order")
    @data_dir_option
    def decline(order: str, data_dir: Path | None) -> None:
        """Makes the issuer decline all attempts of this order, and sends the next one now. The payment of a stablecoin
        order fails."""
        _settle(with_world, load_settings(data_dir=data_dir), order, False)

    @sandbox.command("statement")
    @click.argument("order")
    @data_dir_option
    def show_statement(order: str, data_dir: Path | None) -> None:
        """Shows this order on the cardholder's bank statement."""

        async def work(opened: Opened) -> list[dict[str, Any]]:
            return await statement(opened.world, order)

        for row in with_world(load_settings(data_dir=data_dir), work):
            amount = Money(row["units"], row["currency"]).text()
            click.echo(f"{row['at']:%Y-%m-%d}  {row['descriptor']:34} {amount:>14} {row['currency']}")

    sandbox_dispute.add(sandbox, with_world, load_settings)

    @sandbox.command()
    @click.argument("kind", type=click.Choice(FAULTS))
    @click.argument("duration")
    @data_dir_option
    def fault(kind: FaultKind, duration: str, data_dir: Path | None) -> None:
        """Makes the processor fail for a while (wall time): `recoup sandbox fault outage 60s`; 0s ends it."""
        lasts = timedelta(0) if duration == "0s" else parse_step(duration)

        async def work(opened: Opened) -> None:
            await (set_fault(opened.world, kind, lasts) if lasts else clear_fault(opened.world, kind))

        with_world(load_settings(data_dir=data_dir), work)
        click.echo(f"{kind} for {duration}" if lasts else f"{kind} ended")


def _settle(with_world: WithWorld, settings: Any, order: str, approve: bool) -> None:
    async def work(opened: Opened) -> str:
        state = await simulate_by_operator(opened.world, opened.orders, order, approve)
        return state or await settle_attempt(opened.world, opened.orders, order, approve)

    click.echo(with_world(settings, work))
