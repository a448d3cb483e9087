"""Choice among the messages in a processor's book: the one that is about to be sent, or stands in
its place."""

from collections.abc import Iterable
from dataclasses import replace
from uuid import UUID

from recoup.processors.gateways.outcome import Outcome
from recoup.processors.gateways.port import Charge, LookUp

NOT_OFFERED = Outcome("unknown", text="its book cannot be looked up")


def chosen(question: LookUp, answers: Iterable[tuple[UUID | None, Outcome]]) -> Outcome:
    """`answers`: what the book has of the order, each by its key of ours. An approval by its own
    key; of a charge, else by another of the order, whose attempt our database forgot; what is still
    going there; then a decline of its own."""
    own, others = list[Outcome](), list[Outcome]()
    for key, said in answers:
        is_own = key == question.message.key
        if (
            is_own
            or key is not None
            and key not in question.known
            and isinstance(question.message, Charge)
        ):
            (own if is_own else others).append(replace(said, key=key, other_id=False))
    taken = [outcome for outcome in own if outcome.state == "approved"] or [
        other for other in others if other.state == "approved"
    ]
    if len(taken) > 1:
        return Outcome("unknown", text="the order was charged several times", contradicts=True)
    if taken:
        return taken[0]
    going = [outcome for outcome in own + others if outcome.state in ("unknown", "awaits_payer")]
    if going:
        return replace(going[0], state="unknown", redirect_url=None)
    return next((outcome for outcome in own if outcome.state == "declined"), Outcome("not_found"))
