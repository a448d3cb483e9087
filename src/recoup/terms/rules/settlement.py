"""Payment dates of a merchant, and what a batch comes to. Units here are as the merchant sees them:
+ is in its favour.

Source: design §5; contract §16.4 (columns).
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Actor
from recoup.kit.terms import Amounts, BasisPoints, Choice, PageRow, Whole, check
from recoup.terms.rules.fees import share_units

PERIODS: Final = {"day": 1, "week": 7, "month": 28}  # and the highest anchor of each
COLUMNS: Final = (
    "amount",
    "fee",
    "dispute_fee",
    "dispute",
    "refund",
    "adjustment",
    "reserve",
    "carried",
)


@frozen
class Terms:
    """`anchor`: the day of the week (1 is Monday) or of the month on which a period begins, at
    midnight UTC. `delay_days` after its end the batch is made. `reserve_basis_points` of the
    amounts are held for `reserve_days`. An account takes payouts `account_delay_days` after it
    became active. `minimums`, `limits`: asset -> units; a smaller payout is carried; what one
    person adjusts in a day beyond the limit needs a second person."""

    period: Annotated[
        str,
        Choice(
            "Length of a settlement period.",
            values=tuple(PERIODS),
            page=PageRow("Period", "One per {period} and currency, days in GMT"),
        ),
    ] = "month"
    anchor: Annotated[
        int,
        Whole(
            "First day of the period: day of the week (1: Monday) or of the month (up to 28).",
            low=1,
            high=28,
        ),
    ] = 1
    delay_days: Annotated[
        int,
        Whole(
            "Days between the end of a period and its settlement.",
            high=90,
            page=PageRow("Closed", "{delay_days} day{s} after the period"),
        ),
    ] = 2
    reserve_basis_points: Annotated[
        int,
        BasisPoints(
            "Reserve in basis points of the amounts: 500 is 5 %.",
            high=10_000,
            page=PageRow(
                "Reserve",
                "{reserve_basis_points} % of the amounts, for {reserve_days} days",
                "none",
            ),
        ),
    ] = 0
    reserve_days: Annotated[int, Whole("Days that the reserve is held.", high=730)] = 180
    account_delay_days: Annotated[
        int,
        Whole(
            "Days before a new bank account receives payouts.",
            high=90,
            page=PageRow(
                "New bank account", "used for payouts {account_delay_days} day{s} later", last=True
            ),
        ),
    ] = 3
    minimums: Annotated[
        Mapping[str, int],
        Amounts(
            "Smaller payouts are carried over: USD=25.00. May be repeated.",
            page=PageRow("Carried over below", "{minimums}", "never"),
        ),
    ] = field(default_factory=dict)
    limits: Annotated[
        Mapping[str, int],
        Amounts("Maximum adjustments per person and day: USD=100.00."),
    ] = field(default_factory=dict)


DEFAULT: Final = Terms()


class Closing(NamedTuple):
    """End of a batch: what is held, what is paid, and what the next one begins with, - when the
    merchant owes it."""

    held: int
    payout: int
    carried: int


class Earned(NamedTuple):
    """Amounts of a batch that were booked while the same terms held."""

    units: int
    terms: Terms


def check_terms(terms: Terms) -> None:
    """Raises: Problem(invalid) naming the first that cannot be."""
    highest = PERIODS.get(terms.period)
    if highest is not None and not 1 <= terms.anchor <= highest:
        message = Sentence("The anchor of a {0} is from 1 to {1}.", terms.period, highest)
        raise invalid(message, "anchor", "Name a number in between.")
    check(terms)


def check_start(valid_from: datetime, now: datetime) -> None:
    """Raises: Problem(invalid): what was agreed for the past stays."""
    if valid_from < now:
        message = Sentence(
            "Terms cannot begin in the past: the merchant's clock shows {0} UTC.",
            f"{now:%Y-%m-%d %H:%M}",
        )
        raise invalid(message, "valid_from", "Leave it out, or name a later time.")


def period_end(
    terms: Terms, start: datetime, later: Iterable[tuple[datetime, Terms]] = ()
) -> datetime:
    """End of the period that begins at `start` by these terms. Terms that begin before its end
    (`later`, with when) end it at their own first boundary, so that a change does not wait for a
    long period to be over."""
    end = boundary_after(terms, start)
    for valid_from, changed in later:
        if valid_from < end:
            end = min(end, boundary_after(changed, valid_from))
    return end


def boundary_after(terms: Terms, start: datetime) -> datetime:
    day = start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if terms.period == "day":
        return day + timedelta(days=1)
    if terms.period == "week":
        return day + timedelta(days=(terms.anchor - 1 - day.weekday()) % 7 or 7)
    this = day.replace(day=terms.anchor)
    return (
        this
        if this > start
        else (day.replace(day=28) + timedelta(days=4)).replace(day=terms.anchor)
    )


def period_start(terms: Terms, moment: datetime) -> datetime:
    """The last boundary that is not after `moment`."""
    day = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if terms.period == "day":
        return day
    if terms.period == "week":
        return day - timedelta(days=(day.weekday() - (terms.anchor - 1)) % 7)
    this = day.replace(day=terms.anchor)
    return (
        this
        if this <= moment
        else (day.replace(day=1) - timedelta(days=1)).replace(day=terms.anchor)
    )


def due_at(terms: Terms, period_to: datetime) -> datetime:
    return period_to + timedelta(days=terms.delay_days)


def close(sums: Mapping[str, int], asset: str, terms: Terms, earned: Iterable[Earned]) -> Closing:
    """`sums` by kind of line; `earned`: the amounts among them. Held, paid and carried add up to
    them: the batch closes to 0.

    Of each amount the share is held that was agreed on its day; never more than there is to pay.
    """
    net = sum(sums.values())
    held = min(max(0, net), sum(_share(earning) for earning in earned))
    rest = net - held
    if rest > 0 and rest >= terms.minimums.get(asset, 0):
        return Closing(held, rest, 0)
    return Closing(held, 0, rest)


def reserve_days(earned: Iterable[Earned]) -> int:
    """Days that a batch's reserve is held: the shortest that was agreed for any of it, so that
    nothing is held longer than was agreed on its day. Raises: ValueError when nothing of it is to
    be held."""
    return min(earning.terms.reserve_days for earning in earned if _share(earning))


def _share(earning: Earned) -> int:
    return share_units(max(0, earning.units), earning.terms.reserve_basis_points)


def check_adjustment(units: int, note: str, asset: str, assets: Mapping[str, Any]) -> None:
    """`assets`: the currencies that the merchant has a balance in. Raises: Problem(invalid)."""
    if not units:
        raise invalid("An adjustment of 0 changes nothing.", "amount", "Say how much.")
    if not note.strip():
        raise invalid(
            "An adjustment needs a note.", "note", "Write what it is for; shown to the merchant."
        )
    if asset not in assets:
        have = ", ".join(sorted(assets)) or "none yet"
        raise invalid(
            Sentence("The merchant has no balance in {0}; it has: {1}.", asset, have),
            "currency",
            "Choose a currency that it has.",
        )


def needs_second(units: int, asset: str, terms: Terms, alone: int = 0) -> bool:
    """`alone`: what the same person moved without a second one in the last day, whatever its sign.
    An asset without a limit has the limit 0."""
    return alone + abs(units) > terms.limits.get(asset, 0)


def check_second(first: str | None, second: str, what: str) -> None:
    """The second person is another than the first, and impersonates nobody. Raises:
    Problem(forbidden)."""
    actor = Actor.of(second)
    if (
        actor.behind
        or first == second
        or first is not None
        and Actor.of(first).people & actor.people
    ):
        message = Sentence("{0} needs a second person, other than you.", what)
        raise Problem("forbidden", message, cure="Ask another member of the operator's staff.")
