"""What a back-test's figures are called, and what is missing where there are none."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.money import shown
from recoup.kernel.sentence import Sentence
from recoup.rules.backtest.question import Question
from recoup.store.insight.backtests import BacktestRow

KINDS: Final = {
    "class": "By class of decline", "issuer": "By issuer", "country": "By country", "amount": "By amount",
}  # fmt: skip
VERDICTS: Final = {
    "better": "Better than what was done", "worse": "Worse than what was done",
    "not_told": "No difference can be told from what was done",
}  # fmt: skip
CLASSES: Final = {
    "technical": "Technical failure", "soft": "General decline", "funds": "Lack of money", "limits": "Card limit",
    "hard": "Hard decline", "": "No reason was told",
}  # fmt: skip
# what -> its sentence, and how the numbers are shown
LESS: Final[Mapping[str, tuple[str, str]]] = {
    "weight": ("The orders that went this policy’s way count as {0} customers; {1} are needed.", "%.0f"),
    "support": ("In {0} % of its decisions the policy does what no order shows; {1} % at most.", "%"),
    "clipped": ("{0} % of the weight was cut off, because few orders would count too much; {1} % at most.", "%"),
    "one_payer": ("One customer has {0} % of the weight; {1} % at most.", "%"),
    "width": ("The interval is {0} points wide to each side; {1} points are the most that is shown.", "%"),
    "days": ("There are {0} days of closed windows; {1} are needed.", "%.0f"),
    "rescued": ("There are {0} rescued payments; {1} are needed.", "%.0f"),
    "not_rescued": ("There are {0} payments that were not rescued; {1} are needed.", "%.0f"),
    "attempts": ("No attempt of a card stands in the file.", ""),
    "only_successes": ("The file holds only successes: export the failed payments too.", ""),
    "declined": ("No declined payment has its whole window in the file; the rest is cut by its edges.", ""),
    "guessed": ("{0} % of the attempts are put together by guess; {1} % at most. Export the payments’ ids.", "%"),
}  # fmt: skip
NO_ARM: Final = (
    "No order has stored probabilities yet: let the rescue engine watch, or decide for a share of customers."
)


def lacking(report: Mapping[str, Any]) -> list[Sentence]:
    """What is missing for a figure, one sentence each."""
    found = [_sentence(one) for one in report["missing"] if one["have"] is not None]
    if report["basis"] == "propensities" and not report["orders"] and not report["open"]:
        found = [Sentence(NO_ARM), *found]
    return found


def _sentence(one: Mapping[str, Any]) -> Sentence:
    text, form = LESS[one["what"]]
    if not form:
        return Sentence(text)
    scale, digits = (100, "%.1f") if form == "%" else (1, form)
    return Sentence(text, digits % (scale * one["have"]), digits % (scale * one["needed"]))


def policy_name(question: Question) -> Sentence:
    """Who was asked, within what."""
    who = "Rescue engine" if question.decider == "engine" else Sentence("Schedule {0}", question.decider)
    if question.lines is None:
        return Sentence("{0}, within the policies that held at the time", who)
    if question.purpose == "draft":
        return Sentence("{0}, within the policy before it became version {1}", who, question.number)
    return Sentence("{0}, within version {1} of the policy", who, question.number)


def title(row: BacktestRow, question: Question) -> Sentence:
    """Of which payments."""
    if question.basis == "import":
        return Sentence("Imported payments")
    return Sentence("Payments of {0} days", question.days)


def label(by: str, name: str) -> str | Sentence:
    """Of a group; a band of amounts is `USD/1299/2499` in minor units."""
    parts = name.split("/")
    if by == "class":
        return CLASSES.get(name, name or "Others")
    if by == "amount" and len(parts) == 3 and parts[0] in EXPONENTS:  # noqa: PLR2004
        asset, low, high = parts[0], int(parts[1]), int(parts[2])
        if low and high:
            return Sentence("{0} {1} to {2}", asset, shown(low, asset), shown(high, asset))
        if low:
            return Sentence("{0} above {1}", asset, shown(low, asset))
        return Sentence("{0} up to {1}", asset, shown(high, asset)) if high else asset
    return name or "Others"
