"""`recoup sandbox processor`: stand-ins of vendors, each a process with a book on disk."""

import asyncio
from pathlib import Path

import click

from recoup.doors.command.sandbox import sandbox
from recoup.doors.command.verbs import data_dir_option
from recoup.lab.processors.faults import read_faults
from recoup.lab.processors.stripe.server import KEY, SECRET, StandIn
from recoup.main.settings import load_settings


def add(_cli: click.Group) -> None:
    @sandbox.group()
    def processor() -> None:
        """Runs a stand-in of a vendor's API, for routes of the sandbox."""

    @processor.command()
    @click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
    @click.option(
        "--faults",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="JSON file: what it does wrong; see docs/connectors.md.",
    )
    @click.option("--seed", type=int, default=0, help="Draws which calls the faults meet.")
    @click.option("--notices", default="", help="Address that its signed notices go to.")
    @data_dir_option
    def stripe(port: int, faults: Path | None, seed: int, notices: str, data_dir: Path | None) -> None:
        """A stand-in of Stripe's API; its book is stripe.sqlite in the data folder. Ends with Ctrl-C."""
        folder = Path(load_settings(data_dir=data_dir).data_dir)
        folder.mkdir(parents=True, exist_ok=True)
        drawn = read_faults(faults, seed)

        async def serve() -> None:
            standin = await StandIn(folder / "stripe.sqlite", faults=drawn, notices_to=notices).start(port)
            click.echo(f"{standin.url}  key {KEY}  signing secret {SECRET}")
            try:
                await asyncio.Event().wait()
            finally:
                await standin.stop()

        try:
            asyncio.run(serve())
        except KeyboardInterrupt:
            click.echo("Stopped; the book stays.")
