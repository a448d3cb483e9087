"""The demo's own (hidden) verb."""

import sys
from typing import Annotated, Final

import click

from recoup.kernel.time import Clocks
from recoup.kit.cli.command import DataDir
from recoup.main.chosen_world import with_world
from recoup.main.demo.demo import MONTHS, load_demo
from recoup.main.demo.months import has_months
from recoup.main.settings import load_settings
from recoup.merchants.cli import verb

BAR: Final = 24
LINE_SECONDS: Final = 10.0  # where nobody watches a terminal
CLEAR: Final = "\r\x1b[K"


class Progress:
    """A bar that stays on one line of a terminal; elsewhere a line now and then."""

    def __init__(self) -> None:
        self._clocks, self._printed_at, self._is_terminal = (
            Clocks(),
            float("-inf"),
            sys.stdout.isatty(),
        )

    def tell(self, share: float, words: str) -> None:
        done = round(BAR * share)
        bar = f"Demo  [{'#' * done}{'.' * (BAR - done)}] {share:4.0%}  {words}"
        if self._is_terminal:
            click.echo(f"{CLEAR}{bar}", nl=False)
        elif self._clocks.monotonic() - self._printed_at >= LINE_SECONDS:
            self._printed_at = self._clocks.monotonic()
            click.echo(bar)

    def end(self, words: str) -> None:
        click.echo(f"{CLEAR if self._is_terminal else ''}{words}")


@verb(hidden=True)
def demo(
    *,
    url: Annotated[str, "Address of the API."],
    months: Annotated[str, click.Choice(["0", str(MONTHS)])] = str(MONTHS),
    data_dir: DataDir = None,
) -> None:
    """Plays or continues the demo; `recoup up --demo` calls this."""
    settings, progress = load_settings(data_dir=data_dir), Progress()
    click.echo("Demo  The pages fill while it plays.")
    if months != "0" and not has_months():
        click.echo(
            "Demo  It is one month; its three months of renewals come with the package recoup-lab."
        )
    progress.end(
        with_world(settings, lambda opened: load_demo(opened, url, progress.tell, int(months)))
    )
