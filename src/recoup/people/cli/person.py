"""Actor at the command line, where the books ask for a second person: a person of the portal, named
by e-mail."""

from typing import Annotated

from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.parameters import Option
from recoup.merchants.cli import Opened
from recoup.people.flows.sign_in import clean_email
from recoup.people.store.people import find_user, is_operator

AsPerson = Annotated[
    str, Option("Your e-mail, as operator staff in the portal.", "--as", metavar="E-MAIL")
]


async def scope_of_person(at: Opened, email: str) -> Scope:
    """The merchant's, acted on by the same actor as in the portal, so that nobody is a second
    person by taking another door. Raises: Problem invalid without an e-mail, forbidden for one that
    does not decide for the operator."""
    email = clean_email(email)
    if not email:
        raise invalid(
            "--as E-MAIL is required: the person who moves money is logged.",
            "as",
            "Use the e-mail with which you sign in to the portal.",
        )
    user = await find_user(at.world.people.reader, email)
    decides = (
        user is not None
        and user.active
        and await is_operator(at.world.people.reader, user.user_id, at.world.name)
    )
    if user is None or not decides:
        raise Problem(
            "forbidden",
            f"{email} may not decide for the operator.",
            "Use the e-mail of an owner or operations member of the operator.",
            field="as",
        )
    return Scope(at.merchant_id, Actor("user", str(user.user_id)), "command")
