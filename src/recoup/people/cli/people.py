"""`recoup people`: help for somebody who cannot sign in."""

import getpass
from typing import Annotated

import click

from recoup.merchants.cli import Opened, verb
from recoup.people.flows.lost_factor import find_to_help, help_by_email
from recoup.people.flows.operators import make_operator, unmake_operator
from recoup.people.flows.password_links import find_for_link, link_by_operator


@click.group()
def people() -> None:
    """Helps people who cannot sign in to the portal."""


@verb(people, "reset-second-factor")
async def reset_second_factor(
    opened: Opened,
    email: str,
    *,
    yes: Annotated[bool, "Remove it without confirmation."] = False,
) -> str:
    """Removes the second factor of a person who lost app and recovery codes. Ends their sessions
    and notifies them by e-mail."""
    await find_to_help(opened.world, email)
    if not yes:
        click.confirm(
            f"Have you verified the identity of {email}? Remove the second factor?", abort=True
        )
    await help_by_email(opened.world, email, f"operator:{_whoever()}")
    return (
        f"{email} can now sign in with the password alone. The worker sends them an e-mail "
        f"about it."
    )


@verb(people, "password-link")
async def password_link(
    opened: Opened, email: str, *, yes: Annotated[bool, "Proceed without confirmation."] = False
) -> str:
    """Prints a link to set a new password: valid once, for one hour. The second factor stays, and
    the person is notified by e-mail."""
    await find_for_link(opened.world, email)
    if not yes:
        click.confirm(f"Have you verified the identity of {email}? Create a link?", abort=True)
    return await link_by_operator(opened.world, email, f"operator:{_whoever()}")


@verb(people, "add-operator")
async def add_operator(
    opened: Opened,
    email: str,
    *,
    name: Annotated[str, "Their name. Default: the part before the @."] = "",
) -> str:
    """Lets a person decide for the operator, in both worlds, and prints a link to set a password.
    Live asks for a second factor."""
    return await make_operator(opened.world, email, name, f"operator:{_whoever()}")


@verb(people, "end-operator")
async def end_operator_verb(opened: Opened, email: str) -> str:
    """Ends that, as for the operator of the sandbox's start. The person's account stays."""
    if await unmake_operator(opened.world, email):
        return f"{email} decides for the operator no longer."
    return f"{email} was none of the operator's people."


def _whoever() -> str:
    """The user of the shell, where that is known."""
    try:
        return getpass.getuser()[:64]
    except (OSError, KeyError):
        return "shell"
