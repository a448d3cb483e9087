"""Command lines of verbs: how they get their world and merchant, and print what they found."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field, replace
from functools import partial, update_wrapper
from pathlib import Path
from typing import Annotated, Any, Final, Protocol, TypeVar
from uuid import UUID

import click

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.services import Services
from recoup.kernel.unseen import shown_by_number
from recoup.kit.cli.command import command
from recoup.kit.cli.command import show as show
from recoup.kit.cli.parameters import id_of, option
from recoup.kit.world import World
from recoup.merchants.flows.cells import home_of, of_each
from recoup.merchants.flows.demo_clock import bootstrap_merchant
from recoup.merchants.store.merchants import has_orders, merchants_with_orders

T = TypeVar("T")
MERCHANT_HELP: Final = "Merchant id; default: the bootstrap merchant."
MERCHANT_ID: Final = id_of(
    "is not a merchant id.", cure="It is the mid that `recoup bootstrap` prints."
)


@frozen
class Opened:
    """`services`: what else its process runs. `merchant`: its id as typed, where the verb has
    `merchant_option`."""

    world: World
    services: Services
    data_dir: Path
    url: str
    merchant: str | None = None
    services_by_cell: Mapping[int, Services] = field(default_factory=dict)

    async def at(self, merchant: str) -> "Opened":
        """The same at a merchant, in whose cell it is. Raises: Problem(invalid)."""
        merchant_id: UUID = MERCHANT_ID.parse(merchant)
        return replace(self.within(await home_of(self.world, merchant_id)), merchant=merchant)

    def within(self, world: World) -> "Opened":
        """The same in that cell."""
        services = self.services_by_cell.get(world.cell, self.services)
        return replace(self, world=world, services=services)

    @property
    def merchant_id(self) -> UUID:
        """The bootstrap merchant's unless another was named. Raises: Problem(invalid)."""
        if self.merchant is None:
            return bootstrap_merchant(self.world)
        named: UUID = MERCHANT_ID.parse(self.merchant)
        return named

    def scope(self, origin: str, actor: str = "") -> Scope:
        """The merchant's, acted on by the operator. `actor`: the origin where none is named."""
        return Scope(self.merchant_id, Actor("operator", actor or origin), origin)


class CommandLine(Protocol):
    """Click's object of `recoup`."""

    def run(
        self, data_dir: Path | None, work: Callable[[Opened], Awaitable[T]], *, sandbox_only: bool
    ) -> T:
        """Opens the world that was chosen, and answers what the work there answered."""
        ...


@frozen
class Run:
    """Does a verb's work in its world."""

    command_line: CommandLine
    data_dir: Path | None
    sandbox_only: bool
    merchant: str | None = None
    in_quarantine: bool = False
    with_orders: bool = False

    def __call__(self, work: Callable[[Opened], Awaitable[T]]) -> T:
        async def at_merchant(opened: Opened) -> T:
            if self.merchant is not None:
                opened = await opened.at(self.merchant)
            if self.in_quarantine:
                opened.world.db.before_write = None
            return await work(
                await _with_orders(opened) if self.with_orders and self.merchant is None else opened
            )

        return self.command_line.run(self.data_dir, at_merchant, sandbox_only=self.sandbox_only)


async def _with_orders(opened: Opened) -> Opened:
    """Chooses the bootstrap merchant, or the only one that has orders. Raises: Problem(invalid) for
    several others."""
    if await has_orders(opened.world.db.reader, opened.merchant_id):
        return opened
    rows = await of_each(
        opened.world, lambda world: merchants_with_orders(world.db.reader, MERCHANTS_SHOWN)
    )
    if not rows:
        return opened
    if len(rows) > 1:
        named = "; ".join(
            f"{shown_by_number(merchant.name)} --merchant {merchant.merchant_id}"
            for merchant in rows[:MERCHANTS_SHOWN]
        )
        raise invalid(
            "The bootstrap merchant has no orders.", "--merchant", f"Choose one that has: {named}."
        )
    click.echo(
        f"Of {shown_by_number(rows[0].name)} ({rows[0].merchant_id}): no one else has orders.",
        err=True,
    )
    return await opened.at(str(rows[0].merchant_id))


MERCHANTS_SHOWN = 6
merchant_option = click.option("--merchant", "of_merchant", help=MERCHANT_HELP)
json_option = click.option("--json", "as_json", is_flag=True)
data_dir_option = click.option(
    "--data-dir", type=click.Path(path_type=Path, file_okay=False), help="Data folder."
)


def in_world(verb: Callable[..., None], *, with_orders: bool = False) -> Callable[..., None]:
    """A verb that works in a world: it has the option --data-dir, and its first argument is a
    `Run`. `with_orders`: as of `verb`."""

    def call(
        command_line: CommandLine,
        /,
        data_dir: Path | None,
        of_merchant: str | None = None,
        **given: object,
    ) -> None:
        verb(Run(command_line, data_dir, False, of_merchant, with_orders=with_orders), **given)

    update_wrapper(call, verb)
    return data_dir_option(click.pass_obj(call))


of_orders = partial(in_world, with_orders=True)
AtMerchant = Annotated[Opened, "has --merchant"]
RunAtMerchant = Annotated[Run, "has --merchant"]
_MERCHANT: Final = option(
    "of_merchant",
    Annotated[str | None, MERCHANT_HELP],
    None,
    named="merchant",
)
_PROVIDED: Final = {Opened: (), Run: (), AtMerchant: (_MERCHANT,), RunAtMerchant: (_MERCHANT,)}
OPERATOR: Final = Actor("operator", "command")


def verb(
    group: Any = None,
    name: str | None = None,
    *,
    sandbox_only: bool = False,
    in_quarantine: bool = False,
    with_orders: bool = False,
    **settings: Any,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Declares a verb (`command`) that works in a world: in an `Opened`, if it is async, else by a
    `Run`.

    `in_quarantine`: it may write also then. `with_orders`: where no merchant is named and the
    bootstrap merchant has no orders, it is about the only one that has them.
    """

    def run_of(command_line: CommandLine, typed: dict[str, Any]) -> Run:
        data_dir, merchant = typed.pop("data_dir"), typed.pop("of_merchant", None)
        return Run(command_line, data_dir, sandbox_only, merchant, in_quarantine, with_orders)

    return command(group, name, provided=_PROVIDED, run_of=run_of, **settings)
