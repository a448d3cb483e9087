"""How verbs get their world, and the list of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.world import World
from recoup.kernel.problem import Problem

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
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Data folder."
)


def register(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    """Adds each verb of this folder to the command line."""
    from recoup.doors.command import (
        applications,
        bank,
        clock,
        engine,
        erase,
        learn,
        listen,
        outcome,
        partner,
        people,
        reconcile,
        report,
        sandbox,
        sandbox_export,
        terms,
        verify,
        webhooks,
    )

    applications.add(cli, with_world, load_settings)
    for module in (outcome, terms, partner, people, report, reconcile, bank, verify, erase, learn, engine):
        module.add(cli, with_world, load_settings)
    webhooks.add(cli, with_world, load_settings)
    for module in (clock, listen, sandbox, sandbox_export):
        module.add(cli, _sandbox_only(with_world), load_settings)


def _sandbox_only(with_world: WithWorld) -> WithWorld:
    """For verbs that do what only the sandbox's counterparts can."""

    def open_it(settings: Any, work: Callable[[Opened], Awaitable[Any]]) -> Any:
        if settings.world != "sandbox":
            raise Problem("invalid", "This command works in the sandbox only.", cure="Remove --live and RECOUP_WORLD.")
        return with_world(settings, work)

    return open_it
