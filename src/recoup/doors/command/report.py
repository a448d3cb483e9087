"""`recoup report NOUN`: what a merchant's accountant reads."""

from collections.abc import Callable
from typing import Any

import click

from recoup.doors.command import report_reconciliation, report_settlement
from recoup.doors.command.verbs import WithWorld

# One module a noun, each with an `add(report, with_world, load_settings)`.
NOUNS: tuple[Any, ...] = (report_settlement, report_reconciliation)


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.group()
    def report() -> None:
        """Reports for a merchant's accounting."""

    for noun in NOUNS:
        noun.add(report, with_world, load_settings)
