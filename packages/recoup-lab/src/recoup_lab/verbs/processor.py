"""`recoup sandbox processor`: stand-ins of vendors, each a process with a book on disk."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from recoup.doors.command.verbs import data_dir_option
from recoup.main.settings import load_settings
from recoup_lab.processors.faults import Faults, read_faults
from recoup_lab.processors.serving import Serving


def _nmi(book: Path, faults: Faults, notices: str) -> Serving:
    from recoup_lab.processors.nmi.server import StandIn

    return StandIn(book, faults=faults, notices_to=notices)


def _stripe(book: Path, faults: Faults, notices: str) -> Serving:
    from recoup_lab.processors.stripe.server import StandIn

    return StandIn(book, faults=faults, notices_to=notices)


def _adyen(book: Path, faults: Faults, notices: str) -> Serving:
    from recoup_lab.processors.adyen.server import StandIn

    return StandIn(book, faults=faults, notices_to=notices)


def _braintree(book: Path, faults: Faults, notices: str) -> Serving:
    from recoup_lab.processors.braintree.server import StandIn

    return StandIn(book, faults=faults, notices_to=notices)


VENDORS: Final[Mapping[str, tuple[str, Callable[[Path, Faults, str], Serving]]]] = {
    "adyen": ("Adyen", _adyen),
    "braintree": ("Braintree", _braintree),
    "nmi": ("NMI", _nmi),
    "stripe": ("Stripe", _stripe),
}


@click.group()
def processor() -> None:
    """Runs a stand-in of a vendor's API, for routes of the sandbox."""


def _add(name: str) -> None:
    vendor, make = VENDORS[name]
    doc = f"A stand-in of {vendor}'s API; its book is {name}.sqlite in the data folder. Ends with Ctrl-C."

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
            standin = await make(folder / f"{name}.sqlite", drawn, notices).start(port)
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
