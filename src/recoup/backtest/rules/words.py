"""Words of back-tests that the command and the portal share."""

from collections.abc import Mapping
from typing import Any, Final

from recoup.kernel.problem import Figure, Sentence

CLASSES: Final = {
    "technical": Sentence("Technical failure"),
    "soft": Sentence("General decline"),
    "funds": Sentence("Insufficient funds"),
    "limits": Sentence("Card limit"),
    "hard": Sentence("Hard decline"),
    "data": Sentence("Wrong card details"),
    "fraud": Sentence("Suspected fraud"),
    "sca": Sentence("Confirmation required"),
    "configuration": Sentence("Account not set up for it"),
    "": Sentence("No reason was told"),
}


# what -> its sentence, and how the numbers are shown
LESS: Final[Mapping[str, tuple[str, str]]] = {
    "weight": ("The orders that were tried as this policy would have count as {0} customers; {1} "
               "are needed.", "%.0f"),
    "support": ("In {0} % of its decisions the policy does what no order shows; {1} % at most.",
    "%"),
    "clipped": ("{0} % of the weight was cut off, because few orders would count too much; {1} % "
                "at most.", "%"),
    "one_payer": ("One customer has {0} % of the weight; {1} % at most.", "%"),
    "width": ("The interval is {0} points wide to each side; {1} points are the most that is "
              "shown.", "%"),
    "days": ("There are {0} days of closed windows; {1} are needed.", "%.0f"),
    "rescued": ("There are {0} rescued payments; {1} are needed.", "%.0f"),
    "customers": ("The declined payments are of {0} customers; {1} are needed. Is it the right "
                  "column?", "%.0f"),
    "not_rescued": ("There are {0} payments that were not rescued; {1} are needed.", "%.0f"),
    "attempts": ("No attempt of a card stands in the file.", ""),
    "only_successes": ("The file holds only successes: export the failed payments too.", ""),
    "declined": ("No declined payment has its whole window in the file; the rest is cut by its "
                 "edges.", ""),
    "guessed": ("{0} % of the attempts are put together by guess; {1} % at most. Export the "
                "payments’ ids.", "%"),
    "unknown": ("Of {0} % of the payments it is not known whether a later attempt was approved; "
                "{1} % at most.", "%"),
}  # fmt: skip
LONGER: Final = Sentence("Import a longer export, with the failed payments and all their retries.")
MORE: Final = Sentence(
    "Let the engine decide for more of the customers, some of them at random, and look again in a "
    "few weeks."
)
NO_ARM: Final = (
    "No order has stored probabilities yet: let the rescue engine watch, or decide "
    "for a share of customers."
)


def lacking(report: Mapping[str, Any]) -> list[Sentence]:
    """Sentences that say what a kept back-test lacks for a figure, and what to do."""
    sentences = [
        _sentence(shortfall) for shortfall in report["missing"] if shortfall["have"] is not None
    ]
    own = report["basis"] == "propensities"
    if own and not report["orders"] and not report["open"]:
        return [Sentence(NO_ARM), *sentences]
    return [*sentences, MORE if own else LONGER] if sentences else []


def _sentence(shortfall: Mapping[str, Any]) -> Sentence:
    text, form = LESS[shortfall["what"]]
    if not form:
        return Sentence(text)
    scale, digits = (100, "%.1f") if form == "%" else (1, form)
    return Sentence(
        text, *(Figure(digits % (scale * shortfall[end])) for end in ("have", "needed"))
    )


def days_earlier(low: float, high: float | None = None) -> Sentence:
    """Sentence of so many days earlier; below 0: later. `high`: the other end of a range."""
    high = low if high is None else high
    if low < 0.0 < high:
        return Sentence(
            "{0} days later to {1} earlier", Figure(f"{-low:.1f}"), Figure(f"{high:.1f}")
        )
    ends = sorted({Figure(f"{abs(end):.1f}") for end in (low, high)}, key=float)
    if len(ends) > 1:
        return Sentence("{0} to {1} days earlier" if low >= 0.0 else "{0} to {1} days later", *ends)
    return Sentence("{0} days earlier" if low >= 0.0 else "{0} days later", ends[0])
