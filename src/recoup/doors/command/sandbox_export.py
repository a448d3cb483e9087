"""`recoup sandbox export`: what the sandbox's counterparts remember, as a statement to reconcile with."""

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.clock import merchant_of
from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.money.sandbox_statement import BOOKS, sandbox_statement


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    sandbox = cli.commands["sandbox"]
    assert isinstance(sandbox, click.Group)

    @sandbox.command()
    @click.argument("book", type=click.Choice(BOOKS))
    @click.option("--out", type=click.Path(path_type=Path, dir_okay=False),
                  help="Output file; default: standard output.")
    @click.option("--currency", help="Only this currency; a file is compared in one currency at a time.")
    @click.option("--merchant", help="Merchant id; default: the bootstrap merchant.")
    @data_dir_option
    def export(
        book: str, out: Path | None, currency: str | None, merchant: str | None, data_dir: Path | None
    ) -> None:
        """Exports a counterpart's records as a CSV for `recoup reconcile`."""

        async def work(opened: Opened) -> int:
            lines = 0
            with out.open("w", encoding="utf-8", newline="") if out else nullcontext(sys.stdout) as file:
                async for row in sandbox_statement(opened.world, merchant_of(opened, merchant), book,
                                                   currency=currency.upper() if currency else None):  # fmt: skip
                    file.write(row)
                    lines += 1
                file.flush()
            return lines - 1

        lines = with_world(load_settings(data_dir=data_dir), work)
        if out:
            click.echo(f"{lines:,} lines in {out}")
