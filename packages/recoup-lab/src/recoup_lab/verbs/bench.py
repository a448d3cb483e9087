"""`recoup bench [NAME] [--json]`: on a throw-away database in the data folder, so that the disk is
the right one."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import click
import uvloop
from rich.console import Console

from recoup.main.databases import find_databases, prepare
from recoup.main.settings import Settings, load_settings
from recoup.merchants.cli import data_dir_option
from recoup_lab.bench.figure import Figure, Size
from recoup_lab.bench.ground import Ground
from recoup_lab.bench.run import chosen, run
from recoup_lab.bench.table import show


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON array.")
@click.option(
    "--rounds",
    default=Size().rounds,
    show_default=True,
    help="Rounds; Recoup and pgbench alternate.",
)
@click.option(
    "--seconds", default=Size().seconds, show_default=True, help="Seconds per side of a round."
)
@click.option(
    "--doors",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer at one address.",
)
@data_dir_option
def bench(
    name: str | None, as_json: bool, rounds: int, seconds: float, doors: int, data_dir: Path | None
) -> None:
    """Measures this machine's throughput, compared with pgbench running the same statements."""
    names = chosen(name)
    console = Console(stderr=True)
    with console.status("bench") as status:
        figures = measure(
            load_settings(data_dir=data_dir).data_dir,
            names,
            Size(rounds=rounds, seconds=seconds),
            lambda now: status.update(f"bench {now}"),
            doors=doors,
        )
    if as_json:
        click.echo(json.dumps([figure.row() for figure in figures]))
    else:
        show(figures, Console())


def measure(
    data_dir: Path, names: Sequence[str], size: Size, tell: Callable[[str], None], *, doors: int = 1
) -> list[Figure]:
    """Measures from the main thread: it starts the database, which ends with the run."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=data_dir.resolve()))
    databases = find_databases(Settings(data_dir=folder))
    try:
        asyncio.run(prepare(databases))
        ground = Ground(folder, databases.people, databases.sandbox, doors)
        return uvloop.run(run(ground, names, size, tell))
    finally:
        if databases.server is not None:
            databases.server.stop()
        shutil.rmtree(folder, ignore_errors=True)
