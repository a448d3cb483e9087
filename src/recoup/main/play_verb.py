"""`recoup sandbox play FILE`: plays by the demo's own player, which doors do not know."""

import asyncio
import base64
import json
from pathlib import Path

import click

from recoup.kernel.problem import Problem
from recoup.kernel.time import Clocks
from recoup.main.chosen_world import read_bootstrap, with_world
from recoup.main.demo.example import read_example
from recoup.main.demo.play import play
from recoup.main.settings import load_settings
from recoup.merchants.cli import data_dir_option
from recoup.sandbox.cli.clock import shown_now
from recoup.sandbox.cli.sandbox import sandbox


def add(_cli: click.Group) -> None:
    @sandbox.command("play")
    @click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
    @click.option("--url", help="Target address; default: this installation.")
    @data_dir_option
    def play_file(file: Path, url: str | None, data_dir: Path | None) -> None:
        """Sends the first day of an examples file now, as the bootstrap merchant. Dates are relative to the
        merchant's clock."""
        settings = load_settings(data_dir=data_dir)
        kept = Path(settings.data_dir) / "bootstrap.json"
        if not kept.exists():
            raise Problem(
                "not_found",
                "There is no bootstrap.json.",
                cure="Run `recoup up` or `recoup bootstrap`.",
            )
        keys = read_bootstrap(kept)
        now = with_world(settings, shown_now)
        played = asyncio.run(
            play(read_example(file), url or keys["base_url"], keys, now=now, run=_run_name())
        )
        click.echo(json.dumps(played.to_dict(), ensure_ascii=False))


def _run_name() -> str:
    """Short, and another one each time: the same file can be sent again."""
    number = int(Clocks().wall().timestamp() * 10)
    return base64.b32encode(number.to_bytes(5, "big")).decode().lower()
