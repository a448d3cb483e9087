"""`recoup live`: the live world's database, made once and on purpose, and the key of its processor's notices."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.verbs import Opened, data_dir_option
from recoup.flows.rekey import drop_vault
from recoup.flows.signed_notices import signing_key
from recoup.gateways.cards.bridge import check_bridge
from recoup.gateways.keys.keyring import has_keys
from recoup.kernel.problem import Problem, invalid
from recoup.main.chosen_world import with_world
from recoup.main.databases import Databases, prepare, used_databases
from recoup.main.settings import Settings, load_settings
from recoup.main.worlds import open_worlds
from recoup.rules.messages.inbound import DISPUTE_NOTICES, SignedKind
from recoup.rules.messages.signals import SIGNALS
from recoup.rules.messages.token_notices import TOKEN_NOTICES


def add(cli: click.Group) -> None:
    @cli.group()
    def live() -> None:
        """Sets up the live world: real cards, real money."""

    @live.command()
    @click.option("--embedded", is_flag=True, help="Use the embedded server; you must back it up yourself.")
    @click.option("--without-vault", is_flag=True, help="Keep no key of a vault; every call refuses card numbers.")
    @data_dir_option
    def init(embedded: bool, without_vault: bool, data_dir: Path | None) -> None:
        """Creates the live database. Running it again changes nothing."""
        settings = load_settings(data_dir=data_dir)
        _check(settings, embedded)
        with used_databases(settings) as databases:
            if not databases.live:
                raise invalid("The live database is not set.", "live_database_url", "Set RECOUP_LIVE_DATABASE_URL.")
            asyncio.run(prepare(databases, live=True))
            if without_vault:
                asyncio.run(_leave_vault(settings, databases))
        click.echo("The live world is ready. If Recoup is running, restart it.")
        if not settings.live_processor_url:
            click.echo("No card processor is set yet, so no merchant can go live; see docs/operate.md.")

    @live.command("notice-key")
    @data_dir_option
    @click.option("--route", "name", help="Name of the route; default: the first.")
    @click.option("--signals", is_flag=True, help="The key for signals (docs/cards.md).")
    @click.option("--network-tokens", "tokens", is_flag=True, help="The key for tokens (docs/cards.md).")
    def show_key(data_dir: Path | None, name: str | None, signals: bool, tokens: bool) -> None:
        """Prints the key with which a bridge signs its notices (hex); see docs/disputes.md."""

        async def work(opened: Opened) -> str:
            routes = list(opened.world.processors)
            if name is not None and name not in routes:
                raise Problem("not_found", f"There is no route {name!r}.", cure=f"There are {', '.join(routes)}.")
            kind: SignedKind[Any] = TOKEN_NOTICES if tokens else SIGNALS if signals else DISPUTE_NOTICES
            return signing_key(opened.world, kind, name or routes[0]).hex()

        click.echo(with_world(replace(load_settings(data_dir=data_dir), world="live"), work))


async def _leave_vault(settings: Settings, databases: Databases) -> None:
    """Raises: Problem(conflict) when a card is kept already."""
    had_keys = has_keys(settings.data_dir / "keys", os.environ)
    async with open_worlds(settings, databases, "recoup-keys") as worlds:
        await drop_vault([one.world for one in worlds if one is not None], keep=had_keys)
    click.echo("The key file is without a vault: card numbers are refused. Back the file up now; see docs/operate.md.")


def _check(settings: Settings, embedded: bool) -> None:
    """Raises: Problem(invalid) before anything is made."""
    if not (settings.live_database_url or settings.database_url) and not embedded:
        message = "Live data needs its own PostgreSQL server with backups; the embedded server is for trials."
        raise invalid(message, "live_database_url", "Set RECOUP_LIVE_DATABASE_URL, or use --embedded.")
    if settings.live_processor_url:
        check_bridge(settings.live_processor_url, settings.live_processor_secret, settings.live_acceptor_id)
