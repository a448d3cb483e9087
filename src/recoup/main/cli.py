"""`recoup`: every verb, what it needs, and how it fails: non-zero, with one clear line."""

import io
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeVar

import click
from msgspec import Meta

from recoup import __version__
from recoup.kernel.problem import Problem
from recoup.kernel.unseen import shown_by_number
from recoup.kit.cli.command import Printed, command
from recoup.kit.cli.parameters import SHOWN, Option, OutFolder
from recoup.kit.cli.verb_group import VerbGroup
from recoup.main.heap import settle_heap
from recoup.main.later_verbs import LATER
from recoup.main.settings import Settings, load_settings, shown_setting
from recoup.networks.card_guard import check_words

if TYPE_CHECKING:
    from recoup.main.databases import Databases
    from recoup.merchants.cli import Opened

T = TypeVar("T")


class CommandLine:
    """Implements `merchants.cli.CommandLine`."""

    def run(
        self, data_dir: Path | None, work: Callable[["Opened"], Awaitable[T]], *, sandbox_only: bool
    ) -> T:
        from recoup.main.chosen_world import with_world

        settings = load_settings(data_dir=data_dir)
        if sandbox_only and settings.world != "sandbox":
            raise Problem(
                "invalid",
                "This command works in the sandbox only.",
                cure="Remove --live and RECOUP_WORLD.",
            )
        settle_heap()
        return with_world(settings, work)


class _Shown(io.TextIOWrapper):
    """`unguarded`: the terminal itself, for what moves its cursor."""

    unguarded: io.TextIOWrapper

    def write(self, text: str) -> int:
        super().write(shown_by_number(text))
        return len(text)


def guard_terminal() -> None:
    """Controls are shown by their numbers where standard output or error is a terminal; a file gets
    what there is."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, io.TextIOWrapper) and stream.isatty():
            stream.flush()
            raw = open(stream.fileno(), "wb", closefd=False)  # noqa: SIM115
            shown = _Shown(raw, stream.encoding, "backslashreplace", line_buffering=True)
            shown.unguarded = stream
            setattr(sys, name, shown)


Port = Annotated[int | None, Meta(ge=0, le=65535)]
Doors = Annotated[
    int | None, Meta(ge=1, le=64), "Processes that answer HTTP. Default: the setting."
]
Hidden = Option(hidden=True)
DataDir = Annotated[OutFolder | None, "Data folder. Default: .recoup"]
ONLY_SHOWN: Final = {"--version", "--help", "-h"}


@click.group(
    cls=VerbGroup,
    later=LATER,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="recoup")
@click.option("--live", "is_live", is_flag=True, help="Use the live world instead of the sandbox.")
@click.pass_context
def cli(context: click.Context, is_live: bool) -> None:
    """Recoup: an orders platform that rescues declined payments."""
    context.obj = CommandLine()
    if is_live:
        os.environ["RECOUP_WORLD"] = "live"


def _bootstrap(
    settings: Settings, databases: "Databases", *, serving: bool = False
) -> dict[str, Any] | None:
    from recoup.main.apart import apart

    async def credentials() -> dict[str, Any] | None:
        from recoup.main.chosen_world import bootstrap_once
        from recoup.main.databases import prepare
        from recoup.main.worlds import open_sandbox

        await prepare(databases)
        async with open_sandbox(settings, databases, "recoup-start") as running:
            return await bootstrap_once(running, serving=serving)

    return apart(credentials)


def _is_live(databases: "Databases") -> bool:
    from recoup.main.apart import apart
    from recoup.main.databases import has_live

    return apart(lambda: has_live(databases))


@command(cli)
def up(
    *,
    port: Annotated[Port, "Port to listen on; 0 for a free port. Default 8400."] = None,
    host: Annotated[str | None, "Address to listen on."] = None,
    doors: Doors = None,
    demo: Annotated[bool, "Play the demo once."] = False,
    demo_months: Annotated[
        Literal["0", "3"],
        SHOWN,
        "3: renewals with the rescue engine and its comparison group; 0: a month of example orders "
        "only.",
    ] = "3",
    chain: Annotated[
        str | None,
        Option(
            "Stablecoins in the sandbox, on this development node.",
            metavar="[URL]",
            is_flag=False,
            flag_value="",
        ),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Starts database, HTTP server and worker in one command."""
    from recoup.main.certificate import certificate_of
    from recoup.main.databases import find_databases
    from recoup.main.output import guard_output
    from recoup.main.up import doors_of, listen_at, only_one, start_chain, supervise

    guard_output()
    settings = load_settings(port=port, host=host, doors=doors, data_dir=data_dir)
    certificate_of(settings)
    lock = only_one(settings.data_dir)
    sock = listen_at(settings)
    beside = [] if chain is None else start_chain(settings.data_dir, chain)
    if beside:  # it has written the channels
        settings = load_settings(port=port, host=host, doors=doors, data_dir=data_dir)
    settings = replace(settings, port=sock.getsockname()[1])
    is_new = not (settings.data_dir / "bootstrap.json").exists()
    if is_new:
        click.echo(f"Setting up {settings.data_dir}: database, keys, and a merchant ...")
    databases = find_databases(settings)
    kept = _bootstrap(settings, databases, serving=True)
    click.echo(_addresses(settings, kept, is_new=is_new))
    if beside:
        flag = f" --data-dir {data_dir}" if data_dir else ""
        click.echo(
            '  chains    play money. Charge with "currency": "USDC", "network": "base", then pay '
            "it:\n"
            f"            `recoup sandbox deposit ORDER{flag}`. See {settings.url}/docs/chains"
        )
    doing: Callable[[], bool] = bool
    if demo and kept is not None:
        from recoup.main.demo.progress import Demo

        doing = Demo(settings, int(demo_months)).tick
    with lock:
        supervise(
            settings, databases, sock, doors_of(settings, live=_is_live(databases)), doing, beside
        )


def _addresses(settings: Settings, kept: dict[str, Any] | None, *, is_new: bool = False) -> str:
    """`kept`: the credentials; None where they were made on another machine. Passwords are shown
    once, by who made them: what is printed at each start stands in logs for good."""
    where = f"Recoup runs at {settings.url}\n  portal    {settings.url}/orders\n"
    if kept is None:
        return (
            f"{where}  sign in   as before; bootstrap.json is on the machine that set up this "
            f"database.\n"
            "            `recoup bootstrap` creates new credentials here and ends the earlier ones."
        )
    passwords = (
        (" / " + kept["portal_password"], " / " + kept["operator_password"]) if is_new else ("", "")
    )
    return (
        f"{where}  sign in   {kept['portal_user']}{passwords[0]}\n"
        f"  operator  {kept['operator_user']}{passwords[1]}\n  API       {settings.url}/v1\n"
        f"  docs      {settings.url}/docs\n"
        f"  keys      {settings.data_dir / 'bootstrap.json'}   (with passwords; or: recoup "
        f"bootstrap)"
    )


@command(cli)
def serve(
    *,
    port: Annotated[Port, "Port to listen on. Default 8400."] = None,
    host: str | None = None,
    doors: Doors = None,
    fd: Annotated[int | None, Hidden] = None,
    metrics_fd: Annotated[int | None, Hidden] = None,
    data_dir: DataDir = None,
) -> None:
    """Starts only the HTTP server."""
    import asyncio

    from recoup.main.databases import find_databases, prepare
    from recoup.main.heap import hold_collector
    from recoup.main.up import doors_of, serve_by_several

    settings = load_settings(
        port=port, host=host, doors=doors, data_dir=data_dir
    )  # names the features of the doors
    databases = find_databases(settings)
    if fd is None:
        asyncio.run(prepare(databases))
        if (count := doors_of(settings, live=_is_live(databases))) > 1:
            serve_by_several(settings, databases, count)
            return
    hold_collector()
    from recoup.main.serve import serve as serve_doors

    serve_doors(settings, databases, fd, metrics_fd)


@command(cli)
def worker(
    *,
    processes: Annotated[int, Meta(ge=1, le=64), "Processes that share the work."] = 1,
    prepared: Annotated[bool, Hidden] = False,
    metrics_fd: Annotated[int | None, Hidden] = None,
    data_dir: DataDir = None,
) -> None:
    """Starts only the worker: due work, events, webhook deliveries, ledger pages."""
    import asyncio

    from recoup.main.databases import find_databases, prepare
    from recoup.main.heap import hold_collector
    from recoup.main.up import work_by_several

    settings = load_settings(data_dir=data_dir)
    databases = find_databases(settings)
    if not prepared:
        asyncio.run(prepare(databases))
    if processes > 1:
        work_by_several(settings, databases, processes)
        return
    hold_collector()
    from recoup.main.worker import run_worker

    run_worker(settings, databases, metrics_fd)


def _which_installation(settings: Settings) -> str:
    """Tells whose credentials are printed: before anything is made."""
    folder = settings.data_dir.resolve()
    if (folder / "bootstrap.json").exists():
        return f"These are the credentials of the installation in {folder}."
    if folder.is_dir() and any(folder.iterdir()):
        return f"New credentials were created for the data in {folder}; earlier ones are revoked."
    return (
        f"A NEW installation was made in {folder}, with a merchant of its own. "
        "To use another one, run this in its folder or name it with --data-dir."
    )


@command(cli, json="Output as one JSON object.")
def bootstrap(*, data_dir: DataDir = None) -> Printed:
    """Creates the sandbox's merchant, keys and portal user once, and prints them."""
    from recoup.main.databases import used_databases

    settings = load_settings(data_dir=data_dir)
    if settings.world != "sandbox":  # its credentials are no live merchant's
        cure = (
            "A merchant goes live from its Onboarding page; leave out --live and RECOUP_WORLD "
            "for the sandbox."
        )
        raise Problem("invalid", "bootstrap makes the sandbox's merchant.", cure=cure)
    where = _which_installation(settings)
    with used_databases(settings) as databases:
        kept = _bootstrap(settings, databases)
    assert kept is not None
    click.echo(where, err=True)
    return Printed(kept, [f"{name:26} {value}" for name, value in kept.items()])


@command(cli, json="")
def settings(*, data_dir: DataDir = None) -> Printed:
    """Prints each setting: its value, its source, its meaning. Passwords in URLs are hidden."""
    loaded = load_settings(data_dir=data_dir)
    rows = [
        {
            "name": spec.name,
            "value": shown_setting(spec.name, getattr(loaded, spec.name)),
            "origin": loaded.origins[spec.name],
            "variable": f"RECOUP_{spec.name.upper()}",
            "meaning": spec.metadata["meaning"],
        }
        for spec in fields(loaded)
        if spec.name != "origins"
    ]
    lines = (
        f"{row['name']:22} = {row['value'] or '-':24} [{row['origin']}]\n"
        f"    {row['meaning']}; {row['variable']}"
        for row in rows
    )
    return Printed(rows, lines)


def no_cards(words: Sequence[str]) -> None:
    """Raises: Problem(invalid) for a card number among a command's words, by the option that it is
    given to."""
    option = "key"
    for word in words:
        name, _, text = word.partition("=") if word.startswith("--") else (option, "", word)
        check_words({name.lstrip("-") or "key": text})
        option = word if word.startswith("--") and "=" not in word else "key"


def run() -> None:
    """The console script."""
    if not ONLY_SHOWN & set(sys.argv[1:]):
        from recoup.main.logs import start_logs

        start_logs("warning")
    guard_terminal()
    try:
        no_cards(sys.argv[1:])
        ended = cli.main(standalone_mode=False)
        if isinstance(ended, int) and ended:  # what a verb that ends by Exit comes back as
            sys.exit(ended)
    except Problem as problem:
        click.echo(f"recoup: {problem.sentence()}", err=True)
        sys.exit(1)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except BrokenPipeError:
        os.close(1)
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
