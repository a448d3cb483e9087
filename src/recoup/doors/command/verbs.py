"""How verbs get their world, and the list of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.kernel.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    world: World
    orders: Orders
    deliveries: Deliveries
    data_dir: Path
    url: str


WithWorld = Callable[[Any, Callable[[Opened], Awaitable[Any]]], Any]
data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Where the data lives."
)


def register(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    """Adds each verb of this folder to the command line."""
    from recoup.doors.command import (
        applications,
        bank,
        clock,
        erase,
        listen,
        outcome,
        partner,
        reconcile,
        report,
        sandbox,
        sandbox_export,
        terms,
        verify,
    )

    applications.add(cli, with_world, load_settings)
    for module in (
        clock, listen, outcome, erase, sandbox, sandbox_export, terms, partner, report, reconcile, bank, verify,
    ):  # fmt: skip
        module.add(cli, with_world, load_settings)
