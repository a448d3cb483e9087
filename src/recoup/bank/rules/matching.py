"""Matching of a line of somebody else's statement to our ledger. Pure: the same verdicts wherever
the candidates come from.

A line is matched by our id or by the reference that the other side gave, and by type, amount and
currency; never by the amount alone. Source: design §5; docs/money.md.
"""

import tomllib
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Final, NamedTuple
from uuid import UUID

from recoup.kernel.money import decimals_of
from recoup.kernel.problem import Sentence, invalid
from recoup.orders.rules.ledger import (
    RECIPES,
    Posting,
    funded,
    funding_returned,
    processing_cost,
    processing_cost_returned,
    suspended,
)

OUTCOMES: Final = (
    "matched",
    "missing_here",
    "missing_there",
    "amount_differs",
    "duplicate",
    "refused",
)
_LINES: Final = tomllib.loads((files(__package__) / "lines.toml").read_text("ascii"))
# kind of file -> types that its lines may name
KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    kind: tuple(type_ for type_, row in rows.items() if not row.get("beside"))
    for kind, rows in _LINES.items()
}
EDGE: Final = timedelta(days=1)


def recipes_of(kind: str) -> Mapping[str, tuple[str, ...]]:
    """The recipes of the postings that a line is, by type; none of a word of one processor, which
    becomes another."""
    return {
        type_: tuple(recipe.name for recipe in RECIPES.values() if recipe.files.get(kind) == type_)
        for type_ in KINDS[kind]
    }


class Theirs(NamedTuple):
    """A line that could be read. `units` without sign; `line_id` stands for what it says, `number`
    for where. `statement`: which one of a bank, where every line is a movement of its own, however
    alike; else empty. `refs`: the other side's further ids of the movement, those of its own
    first."""

    number: int
    line_id: UUID
    type: str
    our_id: UUID | None
    reference: str
    units: int
    asset: str
    at: datetime
    route: str = ""
    statement: str = ""
    refs: tuple[str, ...] = ()


class Ours(NamedTuple):
    """A movement of the ledger on the account that the file is about. `entry`: which, `from_file`:
    the line that it was booked from, if it was."""

    entry: tuple[UUID, int]
    source_id: UUID
    type: str
    reference: str
    units: int
    asset: str
    at: datetime
    order_id: UUID | None = None
    from_file: bool = False


class Verdict(NamedTuple):
    """`reason` for machines, `text` for people; `posting`: what somebody may book, if anything
    settles it."""

    outcome: str
    reason: str
    text: str
    posting: Posting | None = None


class Found(NamedTuple):
    """Match found for one line. `by`: id, reference, booked, or nothing; `several`: the reference
    is that of several movements. `first`: the line that says the same. `taken`: the line that has
    the movement already, with another date or amount; `same_amount`: at most another date,
    `same_day`: not even that. `parts`: this and other lines have the movement's amount together.
    `booked`: the whole line was booked. `alike`: open movements of the same type, amount and
    currency. `elsewhere`: a file that has nothing in common with this one has this line, too.
    `whole`: the movement is one of several of a payment, which come to the amount of this line, the
    only one about it."""

    ours: Ours | None
    by: str = ""
    several: bool = False
    first: int | None = None
    taken: int | None = None
    same_amount: bool = False
    parts: bool = False
    booked: bool = False
    alike: int = 0
    same_day: bool = False
    elsewhere: bool = False
    whole: bool = False


def judge(kind: str, line: Theirs, match: Found, route: str) -> Verdict:
    """`route`: of the money, where the line names none."""
    ours = match.ours
    if match.first is not None:
        text: str = Sentence("It says again what line {0} says; it counts once.", match.first)
        return Verdict("duplicate", "same_as_another_line", text)
    if ours is None:
        return _missing_here(kind, line, match, line.route or route)
    if match.parts:
        text = "This line is a part: the lines of this payment have its amount together."
        return Verdict("matched", "in_parts", text)
    if match.whole and match.taken is None:
        text = "The ledger has this payment in parts; they have the line's amount together."
        return Verdict("matched", "in_parts", text)
    if match.taken is not None and not match.booked:
        return _second(kind, line, match, line.route or route)
    by = "booked" if match.taken is not None else match.by
    if by != "booked" and ours.asset != line.asset:
        text = Sentence("The same payment is in {0} here and in {1} there.", ours.asset, line.asset)
        return Verdict("amount_differs", "currency_differs", text)
    if by != "booked" and ours.units != line.units:
        posting = suspended(
            _sign(kind, line) * (line.units - ours.units), line.route or route, kind
        )
        text = "The same payment has another amount there; the difference may wait in suspense."
        return Verdict("amount_differs", "amount_differs", text, posting)
    return Verdict(
        "matched",
        f"by_{by}",
        {
            "id": "Same id, type, amount and currency.",
            "reference": "Same reference, type, amount and currency.",
            "booked": "It was booked from this very line.",
        }[by],
    )


def unit_of(line: Theirs, match: Found) -> str:
    """The unit in which the line's amount is that of the movement found for it: `same`, `minor`
    where it is read as whole units and is in the smallest, `major` the other way round; else
    `other`, nothing where none was found."""
    ours = match.ours
    if ours is None:
        return ""
    theirs, factor = line.units if line.asset == ours.asset else 0, 10 ** decimals_of(ours.asset)
    if theirs == ours.units or match.parts or match.whole:
        return "same"
    return (
        "minor"
        if theirs == ours.units * factor
        else "major"
        if theirs * factor == ours.units
        else "other"
    )


def check_units(counted: Counter[str]) -> None:
    """Raises: Problem(invalid) for a file with no amount of ours, most of whose amounts are ours in
    another unit."""
    unit = max(("minor", "major"), key=lambda unit: counted[unit])
    if not counted["same"] and counted[unit] > counted["other"]:
        message = "This file gives our amounts in the smallest unit."
        if unit == "major":
            message = "This file gives our amounts in whole units."
        raise invalid(
            message, "amounts", Sentence("Say the unit of its amounts: --amounts {0}.", unit)
        )


def judge_missing(ours: Ours, period: tuple[datetime, datetime]) -> Verdict:
    """A movement of ours in the period that no line of the file is about."""
    if ours.at - period[0] < EDGE or period[1] - ours.at <= EDGE:
        text = (
            "The file does not have it. So close to an end of the period, it may be in the "
            "file before or after."
        )
        return Verdict("missing_there", "near_the_edge", text)
    text = "The file does not have it. Ask the other side; book nothing until they answer."
    return Verdict("missing_there", "not_in_the_file", text)


def _second(kind: str, line: Theirs, match: Found, route: str) -> Verdict:
    """Another line about a movement that has one: perhaps a second charge, never passed over as a
    repetition."""
    posting = suspended(_sign(kind, line) * line.units, route, kind)
    if match.same_day:
        text = Sentence(
            "Line {0} is this payment already, and the bank lists it twice. Ask the bank whether "
            "money moved "
            "twice; this line may wait in suspense.",
            match.taken,
        )
        return Verdict("missing_here", "listed_twice", text, posting)
    if match.same_amount:
        text = Sentence(
            "Line {0} is this payment already, on another date. Ask the other side whether money "
            "moved "
            "twice; this line may wait in suspense.",
            match.taken,
        )
        return Verdict("missing_here", "another_date", text, posting)
    text = Sentence(
        "Line {0} is this payment already, with another amount. Ask the other side whether money "
        "moved twice; this line may wait in suspense.",
        match.taken,
    )
    return Verdict("missing_here", "another_amount", text, posting)


def _missing_here(kind: str, line: Theirs, match: Found, route: str) -> Verdict:
    if match.elsewhere:
        verdict = _missing_here(kind, line, match._replace(elsewhere=False), route)
        text: str = Sentence(
            "{0} Another file has an equal line; the files have no payment in common, so both "
            "count. If they cover "
            "the same days, compare both with their period.",
            verdict.text,
        )
        return verdict._replace(text=text)
    if line.type in ("fee", "dispute_fee"):
        return Verdict(
            "missing_here",
            "cost",
            "What the processor takes is booked from its files.",
            processing_cost(line.units, route),
        )
    if line.type == "fee_returned":
        text = "The processor gave back what it took; booked from here, it lowers the cost."
        return Verdict(
            "missing_here", "cost_returned", text, processing_cost_returned(line.units, route)
        )
    if kind == "processor" and line.type == "funding":
        return Verdict(
            "missing_here", "funding", "The processor paid this out; book it from the bank's file."
        )
    if kind == "processor" and line.type == "funding_return":
        text = "What the processor paid out came back to it; book it from the bank's file."
        return Verdict("missing_here", "funding_return", text)
    if line.type == "funding":
        return Verdict(
            "missing_here",
            "funding",
            "Money that a processor paid to the bank; book it from here.",
            funded(line.units, route),
        )
    if line.type == "funding_return":
        return Verdict(
            "missing_here",
            "funding_return",
            "Money of a processor that the bank took back; book it from here.",
            funding_returned(line.units, route),
        )
    if match.several:
        text = (
            "Its reference is that of several movements here, and it has no id of ours: "
            "nothing says which."
        )
        return Verdict("missing_here", "ambiguous_reference", text)
    if match.by == "conflict":
        text = "Its id is ours, but the reference beside it is not the one that we know."
        return Verdict("missing_here", "id_and_reference_differ", text)
    posting = suspended(_sign(kind, line) * line.units, route, kind)
    if match.alike:
        text = Sentence(
            "Nothing here has its id or reference. Possible: {0} open movement{1} of the same type "
            "and "
            "amount; that alone is no match.",
            match.alike,
            "" if match.alike == 1 else "s",
        )
        return Verdict("missing_here", "possible", text, posting)
    return Verdict(
        "missing_here",
        "unknown",
        "Nothing here has its id or reference; it may wait in suspense.",
        posting,
    )


def signed_type(kind: str, type_: str, *, came_in: bool, ours: bool = False) -> str:
    """The type of a line by which way its money went; empty where it cannot have gone that way.
    `ours`: a bank's line with a payout's id or reference."""
    words: str = _LINES[kind][type_]["in" if came_in else "out"]
    return "payout_return" if ours and words == "funding" != type_ else words


def is_inward(kind: str, type_: str) -> bool:
    """True when money of this type comes to the account that the file is about."""
    return bool(_LINES[kind][type_]["in"] == type_)


def is_either(kind: str, type_: str) -> bool:
    """True when a type's sign alone says which way its money went."""
    row = _LINES[kind][type_]
    return bool(row["in"] and row["out"]) and type_ not in (row["in"], row["out"])


def _sign(kind: str, line: Theirs) -> int:
    return 1 if is_inward(kind, line.type) else -1
