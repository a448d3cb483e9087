"""Changes a merchant may make to an open order. Each move writes its line only where something
changes."""

from datetime import datetime
from typing import Any

from recoup.kernel.policy import Policy
from recoup.kernel.problem import STAGE, Problem, Sentence, invalid
from recoup.kernel.time import iso
from recoup.networks import whys
from recoup.orders.moves.change import Change, check_room
from recoup.orders.rules.holds import BY_HAND
from recoup.orders.rules.lifecycle import OPEN, Stage
from recoup.orders.rules.typed_card import CardIds
from recoup.rescue.moves.plan import ask_by_hand, decide_next, drop_plan, follow, plan_attempt
from recoup.rescue.rules.intake import expiry_of
from recoup.rescue.rules.order_evidence import last_reading


def check_open(change: Change) -> None:
    """Raises: Problem(wrong_state) for an order that has ended; Problem(conflict) as
    `check_room`."""
    stage = change.order.stage
    if stage not in OPEN:
        raise Problem(
            "wrong_state",
            Sentence("An order that is {0} cannot be changed.", STAGE),
            cure="Its rescue has ended.",
            stage=stage.value,
        )
    check_room(change)


def replace_card(change: Change, card: CardIds, **body: Any) -> None:
    """Another card, or the same one with new data, is tried at once: also where waiting would have
    cured nothing. The gate looks at the new card's own sends. What a person holds stays on hold: it
    is tried when it is let go. `body`: for the log.

    Raises: Problem(wrong_state), Problem(conflict) while a try of the old card is out.
    """
    order = change.order
    if card.token_id == order.token_id:
        return
    check_retried(change)
    if order.stage is Stage.HELD and not order.attempts:
        message = (
            "The order waits for its first look: the operator has stopped all sending for "
            "this merchant."
        )
        raise Problem("wrong_state", message, cure="Send the card again when it is released.")
    if order.is_being_tried:
        raise Problem(
            "conflict", "The card is just being tried.", cure="Send the change again in a moment."
        )
    if order.is_refused:
        change.step("mended", why=whys.NEW_CARD)
    change.swap_card(card, **body)
    if order.stage is Stage.HELD and order.held.get("cause") not in BY_HAND:
        change.undue("release")
        change.step("released", why=whys.NEW_CARD)
    if not order.do_not_retry:
        decision, decision_id = ask_by_hand(change, "new_card")
        change.fact(
            "planned",
            decision_id=decision_id,
            verdict=decision.verdict,
            next=change.now,
            reasons=list(decision.reasons),
        )
        plan_attempt(change, change.now, "soft", decision_id, when_due="new_card")


def change_amount(change: Change, units: int) -> None:
    """Changes the amount due from here on; a planned attempt is for that. Not while one is out."""
    before, planned = change.order.units, change.order.planned()
    if units == before:
        return
    change.order.units = units
    change.fact("amount_changed", before=before, units=units)
    if planned is not None:
        change.set_attempt(planned, units=units)


def move_expiry(change: Change, expiry: datetime, policy: Policy) -> tuple[str, ...]:
    """Another end of the rescue, within the bounds that it had when it began. Answers warnings.

    Raises: Problem(invalid) naming the bounds; Problem(wrong_state).
    """
    order = change.order
    if expiry == order.expires_at:
        return ()
    if order.kind != "mit_managed":
        message = "Only a rescue that was given an expiry has one that can be moved."
        raise invalid(message, "ExpiryDateUtc", "Leave it out.")
    if expiry <= change.now:
        raise invalid(
            "ExpiryDateUtc lies in the past.",
            "ExpiryDateUtc",
            "Send a later date, or cancel the order.",
        )
    recurring = bool(order.facts.get("is_recurring"))
    expires_at, warnings = expiry_of(order.kind, expiry, order.placed_at, policy, recurring)
    typed = (attempt.typed for attempt in order.attempts)
    agreed = [
        typed_card.until
        for typed_card in typed
        if typed_card and typed_card.until and typed_card.card.token_id == order.token_id
    ]
    if agreed and expires_at is not None and expires_at > agreed[-1]:
        until = iso(agreed[-1])
        message = Sentence("The customer agreed to charges of this card until {0}.", until)
        raise invalid(message, "ExpiryDateUtc", "Send an earlier date.")
    before = order.expires_at
    change.amend(expires_at=expires_at)
    change.fact("expiry_moved", before=before, until=expires_at, warnings=warnings)
    challenge = order.challenge()
    if challenge is not None and expires_at is not None:
        change.set_challenge(challenge, expires_at=expires_at)
    if order.stage is Stage.RECEIVED:
        return warnings  # picking it up plans it
    change.due("expire", expiry)
    planned = order.planned()
    if planned is not None and planned.due_at >= expiry:
        drop_plan(change)
    plan_anew(change)
    return warnings


def want_attempts(change: Change, wanted: bool) -> None:
    """Stops further attempts, or goes on with them. One that is out already is not called back."""
    check_retried(change)
    if change.order.do_not_retry is not wanted:
        return
    change.amend(do_not_retry=not wanted)
    change.fact("retries_resumed" if wanted else "retries_stopped")
    if wanted:
        plan_anew(change)
        return
    drop_plan(change)
    challenge = change.order.challenge()
    if challenge is not None and change.order.attempt_in_flight() is None:
        change.set_challenge(challenge, state="ended")


def note(change: Change, notes: dict[str, str | None], maximum: int) -> None:
    """Adds the merchant's notes to what is there; null takes one away. The log says only that they
    changed.

    Raises: Problem(invalid) when they become more than `maximum`.
    """
    order = change.order
    kept = {name: text for name, text in (order.metadata | notes).items() if text is not None}
    if kept == order.metadata:
        return
    if len(kept) > maximum:
        raise invalid(
            Sentence("An order has at most {0} notes.", maximum), "Metadata", "Take some away."
        )
    change.amend(metadata=kept)
    change.fact("notes_changed", count=len(kept))


def check_retried(change: Change) -> None:
    """Raises: Problem(wrong_state) for what the engine does not try again by a plan."""
    if change.order.kind == "stable":
        raise Problem(
            "wrong_state",
            "Its customer pays it themselves; nothing is retried.",
            cure="Cancel it if it must not be paid any more.",
        )
    if change.order.initiator == "customer":
        raise Problem(
            "wrong_state",
            "A payment that its customer made is tried once, while they wait.",
            cure="Only its metadata can be changed.",
        )


def plan_anew(change: Change) -> None:
    """Plans as after the last decline, where nothing is planned or out."""
    order = change.order
    if (
        order.stage not in (Stage.PROCESSING, Stage.HELD)
        or order.planned() is not None
        or order.attempt_in_flight() is not None
    ):
        return
    if order.stage is Stage.HELD and not order.attempts:
        return  # it waits for its first look
    reading = last_reading(order)
    decision, decision_id = decide_next(change, reading)
    follow(change, decision, decision_id, reading)
