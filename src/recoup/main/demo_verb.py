"""The demo's own (hidden) verb."""

from pathlib import Path

import click

from recoup.doors.command.verbs import data_dir_option
from recoup.main.chosen_world import with_world
from recoup.main.demo import load_demo
from recoup.main.settings import load_settings


def add(cli: click.Group) -> None:
    @cli.command(hidden=True)
    @click.option("--url", required=True, help="Address of the API.")
    @data_dir_option
    def demo(url: str, data_dir: Path | None) -> None:
        """Plays or continues the demo; `recoup up --demo` calls this."""
        settings = load_settings(data_dir=data_dir)
        summary = with_world(settings, lambda opened: load_demo(opened, url, lambda text: click.echo(f"Demo: {text}")))
        click.echo(summary)
