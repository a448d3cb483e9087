"""A verb of the command line, declared above the function that does it, and what it prints."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import update_wrapper
from inspect import iscoroutinefunction
from json import dumps
from typing import Annotated, Any, Final, NamedTuple

import click

from recoup.kernel.time import iso
from recoup.kit.cli.parameters import OutFolder, option, parameters_of

DataDir = Annotated[OutFolder | None, "Data folder."]
_DATA_DIR: Final = option("data_dir", DataDir, None)
Run = Callable[[Callable[[Any], Awaitable[Any]]], Any]  # does work in a world
Open = Callable[[Any, dict[str, Any]], Run]  # click's object and what was typed


class Printed(NamedTuple):
    """What a verb prints: one JSON text, or lines. `failed`: it exits with 1, or this code."""

    value: Any
    lines: Iterable[str]
    failed: int = False


def command(
    group: Any = None,
    name: str | None = None,
    *,
    json: str | None = None,
    cls: type[click.Command] = click.Command,
    provided: Mapping[Any, Sequence[click.Parameter]] | None = None,
    run_of: Open | None = None,
    **settings: Any,
) -> Callable[[Callable[..., Any]], click.Command]:
    """Declares the function below as a verb of the group; its parameters are the verb's, and what
    it returns is printed: a text, lines, or a `Printed`. A group works where no verb of it is
    named.

    `json`: help of the option --json, which chooses what a `Printed` prints. `provided`: types of
    parameters that come from a world, and what is typed for each. An async function works in the
    world; one that is not opens it, as often as it wants.
    """

    def declare(function: Callable[..., Any]) -> click.Command:
        parameters = parameters_of(function, provided or {})

        def call(context: Any, /, **typed: Any) -> None:
            if click.get_current_context().invoked_subcommand is not None:
                return
            as_json = typed.pop("as_json") if json is not None else False
            run = run_of(context, typed) if run_of is not None and parameters.provided else None
            made = parameters.made(typed)

            async def work(opened: Any) -> Any:
                return await function(**made, **dict.fromkeys(parameters.provided, opened))

            if run is not None and iscoroutinefunction(function):
                answer = run(work)
            else:
                answer = function(**made, **dict.fromkeys(parameters.provided, run))
            _print(answer, as_json=as_json)

        listed = [*parameters.listed, *([_DATA_DIR] if parameters.provided else [])]
        if json is not None:
            choice = option("as_json", Annotated[bool, json or None], False, named="json")
            last = [parameter.name for parameter in listed[-1:]]
            listed.insert(len(listed) - (last == ["data_dir"]), choice)
        made = cls(
            name or function.__name__.rstrip("_").replace("_", "-"),
            callback=click.pass_obj(update_wrapper(call, function)),
            params=listed,
            **{"help": function.__doc__} | settings,
        )
        if group is not None:
            group.add_command(made)
        return made

    return declare


def _print(answer: Any, *, as_json: bool) -> None:
    """Raises: click's Exit for what failed."""
    if isinstance(answer, Printed):
        show(answer.value, answer.lines, as_json=as_json)
        if answer.failed:
            raise click.exceptions.Exit(int(answer.failed))
    elif answer is not None:
        for line in (answer,) if isinstance(answer, str) else answer:
            click.echo(line)


def show(answer: Any, lines: Iterable[str], *, as_json: bool) -> None:
    """Prints one JSON text, or the lines."""
    for line in (dumps(answer, default=plain),) if as_json else lines:
        click.echo(line)


def plain(value: object) -> Any:
    """Times, days and ids, as JSON has them."""
    if isinstance(value, datetime):
        return iso(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def picked(row: object, *names: str) -> dict[str, Any]:
    """These fields of a row, in this order."""
    return {name: getattr(row, name) for name in names}
