"""Actor at the command line, where the books ask for a second person: a person of the portal, named
by e-mail."""

import click

from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor
from recoup.merchants.cli import Opened
from recoup.people.flows.sign_in import clean_email
from recoup.people.store.people import find_user, is_operator

as_option = click.option(
    "--as",
    "email",
    metavar="E-MAIL",
    default="",
    help="Your e-mail, as operator staff in the portal.",
)


async def operator_named(opened: Opened, email: str) -> Actor:
    """The same actor as in the portal, so that nobody is a second person by taking another door.
    Raises: Problem invalid without an e-mail, forbidden for one that does not decide for the
    operator."""
    email = clean_email(email)
    if not email:
        raise invalid(
            "--as E-MAIL is required: the person who moves money is logged.",
            "as",
            "Use the e-mail with which you sign in to the portal.",
        )
    user = await find_user(opened.world.people.reader, email)
    decides = (
        user is not None
        and user.active
        and await is_operator(opened.world.people.reader, user.user_id, opened.world.name)
    )
    if user is None or not decides:
        raise Problem(
            "forbidden",
            f"{email} may not decide for the operator.",
            field="as",
            cure="Use the e-mail of an owner or operations member of the operator.",
        )
    return Actor("user", str(user.user_id))
