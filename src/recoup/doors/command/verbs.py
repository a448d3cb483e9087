"""How verbs get their world."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial, update_wrapper
from pathlib import Path
from typing import Protocol, TypeVar

import click

from recoup.flows.locked import Orders
from recoup.flows.messages.deliver import Deliveries
from recoup.flows.world import World

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    world: World
    orders: Orders
    deliveries: Deliveries
    data_dir: Path
    url: str


class CommandLine(Protocol):
    """Click's object of `recoup`."""

    def run(self, data_dir: Path | None, work: Callable[[Opened], Awaitable[T]], *, sandbox_only: bool) -> T:
        """Opens the world that was chosen, and answers what the work there answered."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """Does a verb's work in its world."""

    command_line: CommandLine
    data_dir: Path | None
    sandbox_only: bool

    def __call__(self, work: Callable[[Opened], Awaitable[T]]) -> T:
        return self.command_line.run(self.data_dir, work, sandbox_only=self.sandbox_only)


data_dir_option = click.option("--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Data folder.")


def in_world(verb: Callable[..., None], *, sandbox_only: bool = False) -> Callable[..., None]:
    """A verb that works in a world: it has the option --data-dir, and its first argument is a `Run`."""

    def call(command_line: CommandLine, /, data_dir: Path | None, **given: object) -> None:
        verb(Run(command_line, data_dir, sandbox_only), **given)

    update_wrapper(call, verb)
    return data_dir_option(click.pass_obj(call))


in_sandbox = partial(in_world, sandbox_only=True)  # it does what only the sandbox's counterparts can
