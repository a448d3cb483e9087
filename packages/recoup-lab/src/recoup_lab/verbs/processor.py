"""`recoup sandbox processor`: stand-ins of vendors, each a process with a book on disk."""

import asyncio
from importlib import import_module
from pathlib import Path
from typing import Final

import click

from recoup.main.settings import load_settings
from recoup.merchants.cli import data_dir_option
from recoup_lab.processors.faults import read_faults

VENDORS: Final = {"adyen": "Adyen", "braintree": "Braintree", "nmi": "NMI", "stripe": "Stripe"}


@click.group()
def processor() -> None:
    """Runs a stand-in of a vendor's API, for routes of the sandbox."""


def _add(name: str) -> None:
    doc = (
        f"A stand-in of {VENDORS[name]}'s API; its book is {name}.sqlite in the data folder. "
        f"Ends with Ctrl-C."
    )

    @processor.command(name, help=doc)
    @click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
    @click.option(
        "--faults",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="JSON file: what it does wrong; see docs/contributing/connectors.md.",
    )
    @click.option("--seed", type=int, default=0, help="Draws which calls the faults meet.")
    @click.option("--notices", default="", help="Address that its signed notices go to.")
    @data_dir_option
    def run(port: int, faults: Path | None, seed: int, notices: str, data_dir: Path | None) -> None:
        folder = Path(load_settings(data_dir=data_dir).data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        drawn = read_faults(faults, seed)

        async def serve() -> None:
            kind = import_module(f"recoup_lab.processors.{name}.server").StandIn
            standin = await kind(folder / f"{name}.sqlite", faults=drawn, notices_to=notices).start(
                port
            )
            click.echo(standin.shown)
            try:
                await asyncio.Event().wait()
            finally:
                await standin.stop()

        try:
            asyncio.run(serve())
        except KeyboardInterrupt:
            click.echo("Stopped; the book stays.")


for _vendor in VENDORS:
    _add(_vendor)
