"""What a back-test is called, on its page and in the notification of it."""

from recoup.kernel.sentence import Sentence
from recoup.rules.backtest.question import Question


def name_of_policy(question: Question) -> Sentence:
    """Who was asked, within what."""
    who = Sentence("Rescue engine") if question.decider == "engine" else Sentence("Schedule {0}", question.decider)
    if question.lines is None:
        return Sentence("{0}, within the policies that held at the time", who)
    if question.purpose == "draft":
        return Sentence("{0}, within the policy before it became version {1}", who, question.number)
    return Sentence("{0}, within version {1} of the policy", who, question.number)


def name_of_payments(question: Question) -> Sentence:
    """Which payments it was asked of."""
    if question.basis == "import":
        return Sentence("Imported payments")
    return Sentence("Payments of {0} days", question.days)
