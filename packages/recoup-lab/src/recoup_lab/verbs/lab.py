"""`recoup lab`: simulated worlds, and what plays policies against them. Ours is a program, too, for
clients of its protocol (docs/contributing/world-protocol.md)."""

import sys
from pathlib import Path

import click

from recoup_lab.plug.speak import speak
from recoup_lab.verbs import compare
from recoup_lab.world.parameter_file import read
from recoup_lab.world.world import build


@click.group()
def lab() -> None:
    """Simulated worlds that judge retry policies."""


lab.add_command(compare.verb)


@lab.command("world")
@click.option(
    "--world",
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file that overrides parameters of the base world.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**53),
    help="Seed; another one gives another world of the same kind.",
)
def verb(file: Path | None, seed: int | None) -> None:
    """Runs the simulated world: reads one JSON request per line, writes one answer per line."""
    speak(build(read(file, seed=seed)), sys.stdin.buffer, sys.stdout.buffer)
