"""`recoup people`: help for somebody who cannot sign in."""

import getpass

import click

from recoup.merchants.cli import Opened, Run, in_world
from recoup.people.flows.lost_factor import find_to_help, help_by_email
from recoup.people.flows.operators import make_operator, unmake_operator
from recoup.people.flows.password_links import find_for_link, link_by_operator


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
            click.confirm(
                f"Have you verified the identity of {email}? Remove the second factor?", abort=True
            )
        await help_by_email(opened.world, email, f"operator:{_whoever()}")

    run(work)
    click.echo(
        f"{email} can now sign in with the password alone. The worker sends them an e-mail about it."
    )


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


@people.command("add-operator")
@click.argument("email")
@click.option("--name", default="", help="Their name. Default: the part before the @.")
@in_world
def add_operator(run: Run, email: str, name: str) -> None:
    """Lets a person decide for the operator, in both worlds, and prints a link to set a password. Live asks for a
    second factor."""
    click.echo(
        run(lambda opened: make_operator(opened.world, email, name, f"operator:{_whoever()}"))
    )


@people.command("end-operator")
@click.argument("email")
@in_world
def end_operator_verb(run: Run, email: str) -> None:
    """Ends that, as for the operator of the sandbox's start. The person's account stays."""
    done = run(lambda opened: unmake_operator(opened.world, email))
    click.echo(
        f"{email} decides for the operator no longer."
        if done
        else f"{email} was none of the operator's people."
    )


def _whoever() -> str:
    """The user of the shell, where that is known."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "shell"
