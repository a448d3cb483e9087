"""`recoup lab`: simulated worlds, and what plays policies against them. Each verb stands in a module of its own and
adds itself to the group."""

import click

from recoup.main import compare_verb, world_verb


def add(cli: click.Group) -> None:
    @cli.group()
    def lab() -> None:
        """Simulated worlds that judge retry policies."""

    world_verb.add(lab)
    compare_verb.add(lab)
