"""Mails about people, in their reader's language and zone: a subject, and paragraphs. Some are a
link alone.

Names, addresses and reasons that somebody typed are filled in as they are.
"""

from datetime import datetime
from typing import Final

from recoup.kit.languages.locale import Locale
from recoup.people.rules.account_words import NOT_YOU, Happening

Letter = tuple[str, list[str]]
_LEFT: Final = {0: "None is left: create new codes.", 1: "One is left."}


def of_account(
    happening: Happening, at: datetime, email: str, codes_left: int | None, to: Locale
) -> Letter:
    """`happening`: what happened to somebody's account. `codes_left`: recovery codes, where it was
    about one."""
    what = to.say(happening.mail)
    if codes_left is not None:
        what += " " + to.say(_LEFT.get(codes_left, "{count} are left."), count=str(codes_left))
    when = to.say("At {when}, of the account {email}.", when=to.moment(at), email=email)
    return to.say(happening.subject), [what, when, to.say(NOT_YOU)]


def of_invitation(name: str, role: str, until: datetime, link: str, to: Locale) -> Letter:
    """`name`: of the merchant or partner."""
    return to.say("Invitation to {name}", name=name), [
        to.say("You are invited to {name}, with the role {role}.", name=name, role=_role(role, to)),
        to.say("This link works once, until {when}:", when=to.moment(until)),
        link,
        to.say("If you do not know why you got this, ignore it: nothing happens."),
    ]


def of_password_link(email: str, until: datetime, link: str, to: Locale) -> Letter:
    return to.say("A new password"), [
        to.say("Somebody asked for a new password for the account {email}.", email=email),
        to.say("This link works once, until {when}:", when=to.moment(until)),
        link,
        to.say("If it was not you, ignore this mail: your password stays as it is."),
    ]


def of_impersonation(
    staff: str,
    shop: str,
    whom: tuple[str, str],
    why: str,
    lasts: tuple[datetime, datetime],
    may_act: bool,
    to: Locale,
) -> Letter:
    """Somebody of the operator impersonates one of a shop's people. `whom`: their name, if it is
    somebody, and role."""
    name, role = whom
    shop = shop or to.say("your merchant account")
    viewing = "{staff}, operator staff, is viewing {shop} in the portal as {name}."
    if not name:
        viewing = "{staff}, operator staff, is viewing {shop} in the portal with the role {role}."
    may = (
        "They may act; every action is logged under both names."
        if may_act
        else "They cannot change anything."
    )
    return to.say("The operator is viewing {shop}", shop=shop), [
        to.say(viewing, staff=staff, shop=shop, name=name, role=_role(role, to)),
        to.say("Why: {reason}", reason=why),
        to.say(
            "From {begin} until {end} at most.", begin=to.moment(lasts[0]), end=to.moment(lasts[1])
        )
        + " "
        + to.say(may),
        to.say(
            "Your audit log shows when it started and ended. If you did not expect it, ask the "
            "operator."
        ),
    ]


def _role(role: str, to: Locale) -> str:
    return to.say(role.capitalize())
