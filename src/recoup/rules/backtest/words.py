"""Words of back-tests that the command and the portal share."""

from typing import Final

from recoup.kernel.problem import Sentence

CLASSES: Final = {
    "technical": Sentence("Technical failure"),
    "soft": Sentence("General decline"),
    "funds": Sentence("Lack of money"),
    "limits": Sentence("Card limit"),
    "hard": Sentence("Hard decline"),
    "data": Sentence("Wrong card details"),
    "fraud": Sentence("Suspected fraud"),
    "sca": Sentence("Confirmation required"),
    "configuration": Sentence("Account not set up for it"),
    "": Sentence("No reason was told"),
}


def days_earlier(low: float, high: float | None = None) -> Sentence:
    """So many days earlier; below 0: later. `high`: the other end of a range."""
    high = low if high is None else high
    if low < 0.0 < high:
        return Sentence("{0} days later to {1} earlier", f"{-low:.1f}", f"{high:.1f}")
    ends = sorted({f"{abs(low):.1f}", f"{abs(high):.1f}"}, key=float)
    span = Sentence("{0} to {1}", *ends) if len(ends) > 1 else ends[0]
    return Sentence("{0} days earlier" if low >= 0.0 else "{0} days later", span)
