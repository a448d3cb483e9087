"""Happenings of somebody's account, in words: for its page and for the mails about it."""

from collections.abc import Mapping
from typing import Final

from recoup.kernel.frozen import frozen


@frozen
class Happening:
    """`words` as the page says it. `mail`: what the mail says, empty where there is none."""

    words: str
    subject: str = ""
    mail: str = ""


HAPPENINGS: Final[Mapping[str, Happening]] = {
    "signed_in": Happening("Signed in"),
    "renamed": Happening("Name changed"),
    "password_changed": Happening(
        "Password changed", "Your password was changed",
        "The password of your account was changed. All other sessions were signed out."),
    "password_link_asked": Happening("A link for a new password was asked for"),
    "password_link_made": Happening(
        "The operator made a link for a new password", "A link for a new password was made",
        "Whoever runs this Recoup made a link that sets a new password for your account. It works "
        "once, for one hour."),
    "password_set": Happening(
        "New password set by a link", "Your password was changed",
        "The password of your account was changed by a link. All sessions were signed out."),
    "session_ended": Happening("A session was ended"),
    "other_sessions_ended": Happening("All other sessions were ended"),
    "second_factor_on": Happening(
        "Second factor turned on", "A second factor was turned on",
        "From now on, signing in requires a code from your app. Keep the recovery codes where you "
        "find them without"
        " your phone."),
    "second_factor_moved": Happening(
        "Second factor moved to another app", "Your second factor was moved to another app",
        "From now on, signing in requires a code from the new app. The old app's codes and the old "
        "recovery codes no"
        " longer work."),
    "second_factor_off": Happening(
        "Second factor turned off", "Your second factor was turned off",
        "From now on your password alone signs you in."),
    "second_factor_removed": Happening(
        "Second factor removed for you", "Your second factor was removed",
        "An owner or the operator removed your second factor because you had lost it. All sessions "
        "were signed"
        " out; from now on your password alone signs you in."),
    "recovery_codes_made": Happening(
        "New recovery codes", "You have new recovery codes",
        "Ten new recovery codes were made. The old codes no longer work."),
    "recovery_code_used": Happening(
        "A recovery code was used", "A recovery code was used",
        "One of your recovery codes was used. Each works once."),
    "codes_guessed": Happening(
        "Too many wrong codes", "Somebody is trying to sign in with your password",
        "Your password was right, but the code after it was wrong too many times."),
    "rule_made": Happening("Required a second factor of everybody"),
    "rule_ended": Happening("No longer required a second factor"),
}  # fmt: skip
NOT_YOU: Final = (
    "If this was not you, change your password now and check Sessions on your account page. If you"
    " cannot sign in, tell the operator."
)
