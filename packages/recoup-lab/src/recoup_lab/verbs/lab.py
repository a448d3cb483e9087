"""`recoup lab`: simulated worlds, and what plays policies against them."""

import click

from recoup_lab.verbs import compare, world


@click.group()
def lab() -> None:
    """Simulated worlds that judge retry policies."""


lab.add_command(compare.verb)
lab.add_command(world.verb)
