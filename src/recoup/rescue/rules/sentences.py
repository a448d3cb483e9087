"""Sentences that several deciders share. They are stored and compared: a changed sentence is a new
version."""

from datetime import datetime, timedelta, timezone
from typing import Final

from recoup.networks.codes import Reading
from recoup.networks.reasons import REASONS
from recoup.orders.rules.decision import Verdict
from recoup.rescue.rules.evidence import Evidence

NOTHING_PLANNED: Final = "No further attempt is planned; the order stays open until it expires."


def decided(evidence: Evidence, verdict: Verdict, plan: tuple[datetime, ...]) -> str:
    if verdict == "plan":
        return f"Next attempt {at_card_holder(plan[0], evidence)}, {len(plan)} planned in all."
    return {
        "attempt_now": "The card is tried now.",
        "challenge": "The customer is asked to confirm or correct the card's data.",
        "decline_at_once": "The rescue ends now.",
        "approve_now": "The payment is approved now.",
    }.get(verdict, NOTHING_PLANNED)


def last_answer_of(evidence: Evidence) -> str:
    return last_answer(evidence.reading.reason, evidence.reading.code, evidence.reading.advice)


def last_answer(reason: str, code: str | None, advice: str | None = None) -> str:
    meaning = REASONS[reason][0]
    if code and advice:
        return f"The last answer was: {meaning} (code {code}) with advice {advice}."
    if code:
        return f"The last answer was: {meaning} (code {code})."
    return (
        f"The last answer was: {meaning} with advice {advice}."
        if advice
        else f"The last answer was: {meaning}."
    )


def decline_that_came_in(reason: str, code: str | None) -> str:
    """Sentence in place of an answer that did not come in time."""
    meaning = REASONS[reason][0]
    if code:
        return (
            f"The processor had not answered in time; the decline that came in was: {meaning} "
            f"(code {code})."
        )
    return f"The processor had not answered in time; the decline that came in was: {meaning}."


def unlisted(reading: Reading) -> list[str]:
    """Codes that came and are on no list: the decline is read by its other data, or else as a
    general one. And what was stricter than the code."""
    sentences = []
    if reading.decided_by:
        sentences.append(
            f"{reading.decided_by} is stricter than {reading.overruled}, so it decides."
        )
    if reading.unlisted_code:
        sentences.append(
            f"The code {reading.unlisted_code} is unknown; the decline is classified without it."
        )
    if reading.unlisted_advice:
        sentences.append(
            f"The advice code {reading.unlisted_advice} is unknown; the decline is classified "
            f"without it."
        )
    return sentences


def at_card_holder(moment: datetime, evidence: Evidence) -> str:
    zone = timezone(timedelta(minutes=evidence.utc_offset))
    return moment.astimezone(zone).strftime("%a %d %b %Y %H:%M (cardholder’s local time)")
