"""`recoup terms NOUN`: what a merchant's contract says. Without options it is shown; with them it is changed."""

from collections.abc import Callable
from typing import Any

import click

from recoup.doors.command import terms_disputes, terms_exposure, terms_fees, terms_notices, terms_settlement
from recoup.doors.command.verbs import WithWorld

# One module a noun, each with an `add(terms, with_world, load_settings)`.
NOUNS: tuple[Any, ...] = (terms_fees, terms_exposure, terms_disputes, terms_settlement, terms_notices)


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.group()
    def terms() -> None:
        """Shows and changes the terms of a merchant's contract."""

    for noun in NOUNS:
        noun.add(terms, with_world, load_settings)
