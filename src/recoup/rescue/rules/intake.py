"""Kind of order that a declined payment becomes, and until when. Pure.

Source: rescue contract §5, §17.1 (C5, modes, U1).
"""

from datetime import datetime, timedelta
from typing import Final

from recoup.kernel.policy import Policy
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.time import iso
from recoup.orders.rules.kinds import OrderKind
from recoup.rescue.rules.intake_warnings import SHORT_EXPIRY

_CALL_CENTRE: Final = frozenset({"callcenter", "call_center", "moto", "phone"})


def source_of(text: str | None) -> str:
    """The order's source; the call centre's several names become one, anything unknown is kept as
    sent."""
    plain = (text or "ecommerce").strip()
    return "callcenter" if plain.lower() in _CALL_CENTRE else plain[:64] or "ecommerce"


def kind_of(mit_mode: str, is_mit: bool, source: str, has_expiry: bool) -> OrderKind:
    if not is_mit:
        return "cit_callcenter" if source == "callcenter" else "cit_web"
    managed = mit_mode == "managed" or (mit_mode == "by_expiry" and has_expiry)
    return "mit_managed" if managed else "mit_sync"


def expiry_of(
    kind: str, asked: datetime | None, now: datetime, policy: Policy, recurring: bool
) -> tuple[datetime | None, tuple[str, ...]]:
    """End of the rescue, and codes of `intake_warnings`.

    Raises: Problem(invalid) for a date that is missing, past, too soon or too late, naming the
    bounds.
    """
    if kind == "mit_sync":
        return now + policy.sync_period, ()
    if kind != "mit_managed":
        return None, ()
    if asked is None:
        cure = "Send the date until which the payment may be retried, ideally three weeks ahead."
        message = "The ExpiryDateUtc field is required."
        raise Problem("invalid", message, field="ExpiryDateUtc", cure=cure, verbatim=True)
    floor, latest = (
        now + policy.expiry_floor - policy.expiry_grace,
        now + policy.expiry_max + policy.expiry_grace,
    )
    if asked < floor:
        days = policy.expiry_floor / timedelta(days=1)
        ahead = "a day" if days == 1 else f"{days:g} days"
        message = Sentence("ExpiryDateUtc must be at least {0} ahead of {1}.", ahead, iso(now))
        raise invalid(message, "ExpiryDateUtc", "Send a later date, ideally three weeks ahead.")
    if asked > latest:
        message = Sentence("ExpiryDateUtc may be at most {0}.", iso(latest))
        raise invalid(message, "ExpiryDateUtc", "Send an earlier date.")
    if recurring and asked < now + policy.expiry_recommended - policy.expiry_grace:
        if policy.short_recurring_refused:
            message = Sentence(
                "ExpiryDateUtc of a recurring payment must be at least 14 days ahead of {0}.",
                iso(now),
            )
            raise invalid(message, "ExpiryDateUtc", "Send a date three weeks ahead.")
        return asked, (SHORT_EXPIRY,)
    return asked, ()
