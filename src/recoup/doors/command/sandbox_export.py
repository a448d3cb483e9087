"""`recoup sandbox export`: what the sandbox's counterparts remember, as a statement to reconcile with."""

import sys
from contextlib import nullcontext
from pathlib import Path

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, Run, in_sandbox
from recoup.flows.money.sandbox_statement import BOOKS, sandbox_statement


@click.command()
@click.argument("book", type=click.Choice(BOOKS))
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Output file; default: standard output.")
@click.option("--currency", help="Only this currency; a file is compared in one currency at a time.")
@click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
@in_sandbox
def export(run: Run, book: str, out: Path | None, currency: str | None, merchant: str | None) -> None:
    """Exports a counterpart's records as a CSV for `recoup reconcile`."""

    async def work(opened: Opened) -> int:
        lines = 0
        with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as file:
            async for row in sandbox_statement(
                opened.world, merchant_of(opened, merchant), book, currency=currency.upper() if currency else None
            ):
                file.write(row)
                lines += 1
            file.flush()
        return lines - 1

    lines = run(work)
    if out:
        click.echo(f"{lines:,} lines in {out}")
