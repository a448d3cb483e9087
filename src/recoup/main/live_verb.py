"""`recoup live`: the live world's database, made once and on purpose, and the key of its
processor's notices."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import click

from recoup.kernel.problem import Problem, invalid, sentences
from recoup.kit.cli.command import DataDir, Printed
from recoup.kit.live_check import EXIT_CODES, WAIVABLE, CheckLine
from recoup.main.chosen_world import with_world
from recoup.main.databases import Databases, check_installed, prepare, used_databases
from recoup.main.live_opening import unwaive, waive
from recoup.main.rekey import drop_vault
from recoup.main.schema_verb import checked_databases
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_worlds
from recoup.merchants.cli import Opened, verb
from recoup.outside.keys.keyring import has_keys
from recoup.processors.gateways.bridge import check_bridge
from recoup.routes.cli.route import OPERATOR
from recoup.routes.flows.route_switches import checked_reason
from recoup.sandbox.cli.sandbox import ForSignals, ForTokens, notice_key


@click.group()
def live() -> None:
    """Sets up the live world: real cards, real money."""


@verb(live)
def init(
    *,
    embedded: Annotated[bool, "Use the embedded server; `recoup backup` copies it."] = False,
    trial: Annotated[
        bool, "Waive the whole live check: no real money yet. Implies --embedded."
    ] = False,
    without_vault: Annotated[
        bool, "Keep no key of a vault; every call refuses card numbers."
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Creates the live database. Running it again changes nothing."""
    settings = load_settings(data_dir=data_dir)
    embedded = embedded or trial
    _check(settings, embedded)
    with used_databases(settings) as databases:
        if not databases.live:
            raise invalid(
                "The live database is not set.",
                "live_database_url",
                "Set RECOUP_LIVE_DATABASE_URL.",
            )
        asyncio.run(prepare(databases, live=True))
        if embedded:
            waived = WAIVABLE if trial else ("server",)
            asyncio.run(
                _waive(
                    settings,
                    databases,
                    waived,
                    "a trial" if trial else "the embedded server is meant",
                )
            )
            click.echo(f"Waived in `recoup live check`: {', '.join(waived)}.")
        if without_vault:
            asyncio.run(_leave_vault(settings, databases))
    click.echo(
        "The live world is ready. If Recoup is running, restart it; `recoup live check` says when "
        "it opens."
    )
    if not settings.live_processor_url:
        click.echo("No card processor is set yet, so no merchant can go live; see docs/operate.md.")


@verb(live, "notice-key")
def show_key(
    *,
    data_dir: DataDir = None,
    route: Annotated[str | None, "Name of the route; default: the first."] = None,
    signals: ForSignals = False,
    tokens: ForTokens = False,
) -> str:
    """Prints the key with which a bridge signs its notices (hex); see docs/disputes.md."""

    async def work(opened: Opened) -> str:
        routes = list(opened.world.processors)
        if route is not None and route not in routes:
            message = f"There is no route {route!r}."
            raise Problem("not_found", message, cure=f"There are {', '.join(routes)}.")
        name = route or routes[0]
        return notice_key(opened.world, name, signals=signals, tokens=tokens)

    return with_world(_live_settings(data_dir), work)


@verb(live, json="Output as one JSON array.")
def check(*, data_dir: DataDir = None) -> Printed:
    """Says what keeps live shut, and what to do. Exits with 0: pass, 1: wait, 2: refuse."""
    try:
        lines = _looked(_live_settings(data_dir))
    except Problem as problem:
        lines = [CheckLine("start", "refuse", problem.message, problem.cure or "")]
    text = (
        f"{line.verdict:7} {line.name}{line.subject and f' {line.subject}'}: "
        + (line.finding if line.verdict == "pass" else sentences(line.finding, line.cure))
        for line in lines
    )
    failed = max((EXIT_CODES[line.verdict] for line in lines), default=0)
    return Printed([line._asdict() for line in lines], text, failed)


@verb(live, "waive")
def waive_verb(
    names: tuple[str, ...],
    *,
    reason: Annotated[str, "Reason, shown with the line from now on."],
    data_dir: DataDir = None,
) -> str:
    """Lets live open, and stay open, in spite of a line. `recoup live check` still shows it."""
    why = checked_reason(reason)
    with_world(_live_settings(data_dir), lambda running: waive(running.world, names, why, OPERATOR))
    return f"Waived: {', '.join(names)}."


@verb(live, "unwaive")
def unwaive_verb(names: tuple[str, ...], *, data_dir: DataDir = None) -> str:
    """Takes the waiver of a line back."""
    with_world(_live_settings(data_dir), lambda running: unwaive(running.world, names))
    return f"No longer waived: {', '.join(names)}."


def _live_settings(data_dir: Path | None) -> Settings:
    return replace(load_settings(data_dir=data_dir), world="live")


def _looked(settings: Settings) -> Sequence[CheckLine]:
    """Raises: Problem(not_found) where there is no live world."""

    async def work(opened: Opened) -> Sequence[CheckLine]:
        assert opened.world.opening is not None
        return await opened.world.opening.look()

    check_installed(settings)
    with used_databases(settings) as databases:
        troubles = [check for check in asyncio.run(checked_databases(databases)) if check[2]]
    if troubles:
        cure = "See docs/operate.md."
        return [
            CheckLine("schema", "refuse", trouble, cure, f"{place} {what}")
            for place, what, trouble in troubles
        ]
    return [CheckLine("schema", "pass", "As this release needs it."), *with_world(settings, work)]


async def _waive(settings: Settings, databases: Databases, names: Sequence[str], why: str) -> None:
    async with open_worlds(settings, databases, "recoup-cli") as (_, live):
        if live is not None:
            await waive(live.world, names, why, OPERATOR)


async def _leave_vault(settings: Settings, databases: Databases) -> None:
    """Raises: Problem(conflict) when a card is kept already."""
    had_keys = has_keys(settings.data_dir / "keys", os.environ)
    async with open_worlds(settings, databases, "recoup-keys") as worlds:
        await drop_vault(
            [cell.world for each in worlds if each is not None for cell in each.cells],
            keep=had_keys,
        )
    click.echo(
        "The key file is without a vault: card numbers are refused. Back the file up now; see "
        "docs/operate.md."
    )


def _check(settings: Settings, embedded: bool) -> None:
    """Raises: Problem(invalid) before anything is made."""
    if not (settings.live_database_url or settings.database_url) and not embedded:
        message = (
            "Live data needs its own PostgreSQL server with backups; the embedded server is "
            "for trials."
        )
        raise invalid(
            message, "live_database_url", "Set RECOUP_LIVE_DATABASE_URL, or use --embedded."
        )
    if settings.live_processor_url:
        check_bridge(
            settings.live_processor_url, settings.live_processor_secret, settings.live_acceptor_id
        )
