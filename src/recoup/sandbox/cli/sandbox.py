"""`recoup sandbox`: what the outside world would do to a sandbox order, and the inputs that cause
it."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from recoup.cards.rules.token_notices import TOKEN_NOTICES
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.kernel.money import UNITS_MAX, Money
from recoup.kit.cli.verb_group import PackageVerb, VerbGroup, with_features
from recoup.merchants.cli import Opened, Run, in_sandbox, json_option, merchant_option, show
from recoup.networks.disputes import STAGES
from recoup.networks.magic import inputs
from recoup.notices.rules import SIGNALS
from recoup.outside.inbound import DISPUTE_NOTICES, SignedKind
from recoup.reconciliation.flows.sandbox_statement import BOOKS, sandbox_statement
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.on_demand import (
    FAULTS,
    FaultKind,
    clear_fault,
    set_fault,
    settle_attempt,
    statement,
)
from recoup.routes.flows.signed_notices import signing_key
from recoup.sandbox.flows.clock_moves import parse_step
from recoup.stablecoin.flows.pay import simulate_by_operator


@click.command()
@click.argument("order")
@click.option(
    "--fraud",
    "kind",
    flag_value="fraud",
    default="fraud",
    help="The cardholder denies it (default).",
)
@click.option(
    "--service", "kind", flag_value="service", help="The dispute is about goods or services."
)
@click.option(
    "--processing", "kind", flag_value="processing", help="The dispute is about processing."
)
@click.option(
    "--amount",
    type=click.IntRange(max=UNITS_MAX),
    help="Minor units; default: the amount not refunded.",
)
@click.option(
    "--stage", type=click.Choice(STAGES), default="first", help="The next stage of an earlier case."
)
@click.option("--won", "decided", flag_value="won", help="The dispute is won.")
@click.option("--lost", "decided", flag_value="lost", help="The dispute is lost.")
@in_sandbox
def dispute(run: Run, order: str, kind: Any, amount: int | None, stage: str, decided: Any) -> None:
    """Opens a dispute: the cardholder disputes an order, and the processor sends a notice."""

    async def work(opened: Opened) -> str:
        return await dispute_on_demand(
            opened.world,
            opened.services.get(Orders),
            order,
            kind=kind,
            units=amount,
            stage=stage,
            decided=decided,
        )

    click.echo(run(work))


@click.command("notice-key")
@click.option("--signals", is_flag=True, help="The key for signals (docs/cards.md).")
@click.option(
    "--network-tokens", "tokens", is_flag=True, help="The key for tokens (docs/cards.md)."
)
@in_sandbox
def show_key(run: Run, signals: bool, tokens: bool) -> None:
    """Prints the key with which the sandbox's processor signs its notices (hex); see docs/disputes.md."""

    async def work(opened: Opened) -> str:
        kind: SignedKind[Any] = TOKEN_NOTICES if tokens else SIGNALS if signals else DISPUTE_NOTICES
        return signing_key(opened.world, kind, "sandbox").hex()

    click.echo(run(work))


@click.command()
@click.argument("book", type=click.Choice(BOOKS))
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Output file; default: standard output.",
)
@click.option(
    "--currency", help="Only this currency; a file is compared in one currency at a time."
)
@merchant_option
@in_sandbox
def export(run: Run, book: str, out: Path | None, currency: str | None) -> None:
    """Exports a counterpart's records as a CSV for `recoup reconcile`."""

    async def work(opened: Opened) -> int:
        lines = 0
        with (
            out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as file
        ):
            async for row in sandbox_statement(
                opened.world,
                opened.merchant_id,
                book,
                currency=currency.upper() if currency else None,
            ):
                file.write(row)
                lines += 1
            file.flush()
        return lines - 1

    lines = run(work)
    if out:
        click.echo(f"{lines:,} lines in {out}")


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


@sandbox.command("inputs")
@json_option
def show_inputs(as_json: bool) -> None:
    """Lists every magic input: card, amount, phone, and the issuer's response."""
    rows = [one.to_dict() for one in inputs()]
    show(rows, map(_input, rows), as_json=as_json)


def _input(row: Mapping[str, Any]) -> str:
    amount = "any amount" if row["amount"] is None else f"{row['amount']:>6} minor units"
    return f"{row['scheme']:11} {row['card']:20} {amount:20} {row['answer']:10} {row['note']}"


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

    for row in run(lambda opened: statement(opened.world, order)):
        amount = Money(row["units"], row["currency"]).text()
        click.echo(f"{row['at']:%Y-%m-%d}  {row['descriptor']:34} {amount:>14} {row['currency']}")


@sandbox.command()
@click.argument("kind", type=click.Choice(FAULTS))
@click.argument("duration")
@in_sandbox
def fault(run: Run, kind: FaultKind, duration: str) -> None:
    """Makes the processor fail for a while (wall time): `recoup sandbox fault outage 60s`; 0s ends it."""
    lasts = timedelta(0) if duration == "0s" else parse_step(duration)

    run(
        lambda opened: (
            set_fault(opened.world, kind, lasts) if lasts else clear_fault(opened.world, kind)
        )
    )
    click.echo(f"{kind} for {duration}" if lasts else f"{kind} ended")


async def _settle(opened: Opened, order: str, *, approve: bool) -> str:
    state = await simulate_by_operator(opened.world, opened.services.get(Orders), order, approve)
    return state or await settle_attempt(opened.world, opened.services.get(Orders), order, approve)


for command in (dispute, show_key, export):
    sandbox.add_command(command)
