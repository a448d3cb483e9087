"""`recoup people`: help for somebody who cannot sign in."""

import getpass
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.people.lost_factor import find_to_help, help_by_email
from recoup.flows.people.password_links import find_for_link, link_by_operator


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.group()
    def people() -> None:
        """Helps people who cannot sign in to the portal."""

    @people.command("reset-second-factor")
    @click.argument("email")
    @click.option("--yes", is_flag=True, help="Remove it without confirmation.")
    @data_dir_option
    def reset_second_factor(email: str, yes: bool, data_dir: Path | None) -> None:
        """Removes the second factor of a person who lost app and recovery codes. Ends their sessions and notifies them
        by e-mail."""

        async def work(opened: Opened) -> None:
            await find_to_help(opened.world, email)
            if not yes:
                click.confirm(f"Have you verified the identity of {email}? Remove the second factor?", abort=True)
            await help_by_email(opened.world, email, f"operator:{_whoever()}")

        with_world(load_settings(data_dir=data_dir), work)
        click.echo(f"{email} can now sign in with the password alone. The worker sends them an e-mail about it.")

    _add_password_link(people, with_world, load_settings)


def _add_password_link(people: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @people.command("password-link")
    @click.argument("email")
    @click.option("--yes", is_flag=True, help="Proceed without confirmation.")
    @data_dir_option
    def password_link(email: str, yes: bool, data_dir: Path | None) -> None:
        """Prints a link to set a new password: valid once, for one hour. The second factor stays, and the person is
        notified by e-mail."""

        async def work(opened: Opened) -> str:
            await find_for_link(opened.world, email)
            if not yes:
                click.confirm(f"Have you verified the identity of {email}? Create a link?", abort=True)
            return await link_by_operator(opened.world, email, f"operator:{_whoever()}")

        click.echo(with_world(load_settings(data_dir=data_dir), work))


def _whoever() -> str:
    """Whose shell it is, where that can be told."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "shell"
