"""`recoup people`: help for somebody who cannot sign in."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.people.lost_factor import help_by_email
from recoup.flows.people.password_links import link_by_operator


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.group()
    def people() -> None:
        """The portal's people."""

    @people.command("reset-second-factor")
    @click.argument("email")
    @click.option("--yes", is_flag=True, help="Remove it without confirmation.")
    @data_dir_option
    def reset_second_factor(email: str, yes: bool, data_dir: Path | None) -> None:
        """Removes the second factor of somebody who lost app and recovery codes. Their sessions end, and they hear of
        it by mail."""
        if not yes:
            click.confirm(f"Did you speak to {email}, and do you know that it is them? Remove it?", abort=True)

        async def work(opened: Opened) -> None:
            await help_by_email(opened.world, email, f"operator:{_whoever()}")

        with_world(load_settings(data_dir=data_dir), work)
        click.echo(f"{email} signs in by the password alone from now on, and is told so by a mail of the worker")

    _add_password_link(people, with_world, load_settings)


def _add_password_link(people: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @people.command("password-link")
    @click.argument("email")
    @click.option("--yes", is_flag=True, help="Proceed without confirmation.")
    @data_dir_option
    def password_link(email: str, yes: bool, data_dir: Path | None) -> None:
        """Prints a link by which somebody who forgot their password sets another: once, within an hour. Their second
        factor stays, and they are told."""
        if not yes:
            click.confirm(f"Did you speak to {email}, and do you know that it is them? Make a link?", abort=True)

        async def work(opened: Opened) -> str:
            return await link_by_operator(opened.world, email, f"operator:{_whoever()}")

        click.echo(with_world(load_settings(data_dir=data_dir), work))


def _whoever() -> str:
    """Whose shell it is, where that can be told."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "shell"
