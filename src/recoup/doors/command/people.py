"""`recoup people`: help for somebody who cannot sign in."""

import getpass

import click

from recoup.doors.command.verbs import Opened, Run, in_world
from recoup.flows.people.lost_factor import find_to_help, help_by_email
from recoup.flows.people.password_links import find_for_link, link_by_operator


@click.group()
def people() -> None:
    """Helps people who cannot sign in to the portal."""


@people.command("reset-second-factor")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Remove it without confirmation.")
@in_world
def reset_second_factor(run: Run, email: str, yes: bool) -> None:
    """Removes the second factor of a person who lost app and recovery codes. Ends their sessions and notifies them
    by e-mail."""

    async def work(opened: Opened) -> None:
        await find_to_help(opened.world, email)
        if not yes:
            click.confirm(f"Have you verified the identity of {email}? Remove the second factor?", abort=True)
        await help_by_email(opened.world, email, f"operator:{_whoever()}")

    run(work)
    click.echo(f"{email} can now sign in with the password alone. The worker sends them an e-mail about it.")


@people.command("password-link")
@click.argument("email")
@click.option("--yes", is_flag=True, help="Proceed without confirmation.")
@in_world
def password_link(run: Run, email: str, yes: bool) -> None:
    """Prints a link to set a new password: valid once, for one hour. The second factor stays, and the person is
    notified by e-mail."""

    async def work(opened: Opened) -> str:
        await find_for_link(opened.world, email)
        if not yes:
            click.confirm(f"Have you verified the identity of {email}? Create a link?", abort=True)
        return await link_by_operator(opened.world, email, f"operator:{_whoever()}")

    click.echo(run(work))


def _whoever() -> str:
    """Whose shell it is, where that is known."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "shell"
