"""Each line of the order log in plain words: a title, a sentence, a shape."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from recoup.desk.page.order.dispute_words import SAY as DISPUTE_SAY
from recoup.desk.page.order.part_words import SAY as PARTS_SAY
from recoup.kernel.extended import Extended
from recoup.kernel.problem import Sentence, figure, joined
from recoup.orders.rules.lifecycle import REASONS as BILLED
from recoup.orders.rules.words import REASON_WORDS, scheme_word
from recoup.people.page.feature_parts import PORTAL, in_place_words, part_in
from recoup.people.page.timeline_entry import LogContext, TimelineEntry
from recoup.people.page.timeline_entry import plain as _plain
from recoup.people.page.words import CLASSES, REASONS
from recoup.processors.rules.answers import WRONG


def code_words(context: LogContext) -> str:
    """`Code 51 (Visa), advice 24.`"""
    code, advice, scheme = context.get("code"), context.get("advice"), scheme_word(context.scheme)
    if code and advice:
        return Sentence("Code {0} ({1}), advice {2}.", code, scheme, advice)
    if code:
        return Sentence("Code {0} ({1}).", code, scheme)
    return Sentence("No code, advice {0}.", advice) if advice else "No code."


def _received(context: LogContext) -> TimelineEntry:
    until = (
        Sentence("It stays open until {0}.", context.when(context.expires_at))
        if context.expires_at
        else ""
    )
    code, meaning = context.get("code"), context.get("meaning").partition(";")[0]
    text = Sentence("{0} received after your own attempt was declined.", context.amount())
    if meaning:
        text = Sentence(
            "{0} received after your own attempt was declined: {1}.", context.amount(), meaning
        )
    if meaning and code:
        text = Sentence(
            "{0} received after your own attempt was declined: {1} (code {2}).",
            context.amount(),
            meaning,
            code,
        )
    if meaning and code and (source := context.get("source")):
        text = Sentence(
            "{0} received after your own attempt was declined: {1} ({2} code {3}).",
            context.amount(),
            meaning,
            source,
            code,
        )
    return TimelineEntry("Placed", joined(filter(None, (text, until))), "orders")


def _planned(context: LogContext) -> TimelineEntry:
    due = context.moment("next")
    if due:
        return TimelineEntry(
            Sentence("Next attempt planned for {0}", due),
            context.get("why"),
            icon="clock",
            tone="run",
            kind="attempts",
        )
    return TimelineEntry(
        "No attempt planned", "The order stays open until it expires.", "clock", "", "attempts"
    )


def _declined_attempt(context: LogContext) -> TimelineEntry:
    milliseconds = context.get("latency_ms")
    took = Sentence("{0} ms.", figure(int(milliseconds))) if milliseconds.isdigit() else ""
    klass = CLASSES.get(context.get("class"), "")
    text = joined(filter(None, (code_words(context), klass, context.get("cure"), took)))
    title = Sentence(
        "{0} declined: {1}",
        context.attempt,
        str(context.get("meaning") or "no reason given").partition(";")[0],
    )
    return TimelineEntry(title, text, "cancelled", "bad", "attempts")


def _held(context: LogContext) -> TimelineEntry:
    until = (
        Sentence("It continues automatically at {0}.", context.moment("until"))
        if context.moment("until")
        else ""
    )
    return TimelineEntry(
        "On hold", joined(filter(None, (context.get("why"), until))), "onhold", "warn"
    )


MEANS_SAY: Final[Mapping[str, str]] = {
    "link": "The customer paid by the link.",
    "new_card": "It was paid with a new card.",
    "other_card": "It was paid with another card of the same customer.",
    "part": "It was collected in parts.",
    "signal": "It was tried at once because the card had just been approved elsewhere.",
    "merchant": "Somebody requested this attempt.",
}


def _collected(context: LogContext) -> TimelineEntry:
    how = (
        Sentence("Attempt {0}", context.get("attempt")) if context.get("attempt") else "The attempt"
    )
    route = Sentence(" on route {0}", context.get("route")) if context.get("route") else ""
    text = Sentence("{0} collected it from the customer{1}.", how, route)
    if by := MEANS_SAY.get(context.get("by")):
        text = joined((text, by))
    return TimelineEntry(
        Sentence("Approved: {0}", context.amount()), text, "completed", "ok", "money"
    )


def _card_replaced(context: LogContext) -> TimelineEntry:
    if consent := context.body.get("consent"):
        version, words = consent["version"], consent["words"]
        read = Sentence("Read and agreed to (version {0}): {1}", version, words)
        return TimelineEntry("The customer agreed to later attempts", read, "check", "ok")
    text = _CARDS.get(context.get("by_payer"), "Attempts use the new card data from now on.")
    if context.body.get("of_customer"):
        text = "Attempts use another card of the same customer, which you have charged before."
    if before := context.get("before"):
        text = Sentence(
            "The processor charges its invoice to card …{0} now, not to …{1}.",
            context.get("last4"),
            before,
        )
    return TimelineEntry("Another card", text, "right")


def _amount_changed(context: LogContext) -> TimelineEntry:
    title = Sentence("Amount changed from {0} to {1}", context.amount("before"), context.amount())
    return TimelineEntry(title, "This is what its invoice leaves to be paid.", "right")


_CARDS: Final = {
    "once": "The customer typed it on the page of the link. It is for one attempt.",
    "back": "Attempts use your own card of the customer again.",
}


def _refund(context: LogContext) -> TimelineEntry:
    number, amount = context.get("number"), context.amount()
    title = (
        Sentence("Refund {0} of {1}", number, amount)
        if number
        else Sentence("Refund of {0}", amount)
    )
    text = "Owed to the customer from now on."
    if context.get("asked_by"):
        text = Sentence(
            "{0} requested it, a second person approved it. {1}", context.get("asked_by"), text
        )
    return TimelineEntry(title, text, "returned", "", "money")


def _refund_requested(context: LogContext) -> TimelineEntry:
    text = Sentence(
        "Nothing is owed until somebody else approves; the request expires {0}.",
        context.moment("until"),
    )
    return TimelineEntry(
        Sentence("Refund of {0} waits for a second person", context.amount()),
        text,
        "clock",
        "warn",
        "money",
    )


def refund_done(taken: str) -> Callable[[LogContext], TimelineEntry]:
    """`taken`: the text for one that was not paid by hand."""

    def say(context: LogContext) -> TimelineEntry:
        text = (
            Sentence("Paid by hand: {0}", context.get("why"))
            if context.body.get("by_hand")
            else taken
        )
        return TimelineEntry(
            Sentence("Refund of {0} done", context.amount()), text, "returned", "ok", "money"
        )

    return say


def _moved(context: LogContext) -> TimelineEntry:
    return TimelineEntry(
        "Expiry moved", Sentence("It stays open until {0}.", context.moment("until")), "clock"
    )


def _not_sent(context: LogContext) -> TimelineEntry:
    """`said`: the processor's own words."""
    wrong = context.get("fault") in WRONG
    text = joined(filter(None, (context.get("why"), context.get("said")))) or "Nothing was sent."
    title = Sentence("{0} refused by the processor" if wrong else "{0} not sent", context.attempt)
    return TimelineEntry(title, text, "cancelled", "bad" if wrong else "", "attempts")


def _charge_planned(context: LogContext) -> TimelineEntry:
    title = Sentence("Charge of {0} planned for {1}", context.amount(), context.moment("next"))
    why = context.get("why") or "From the collection plan of the advance."
    return TimelineEntry(title, why, "clock", "run", "money")


def _netted(context: LogContext) -> TimelineEntry:
    left = context.get("due")
    text = "The customer is charged less instead."
    if left == "0":
        text = "Nothing is due any more; the customer is not charged."
    return TimelineEntry(
        Sentence("Refund of {0} taken off the charge", context.amount()),
        text,
        "returned",
        "",
        "money",
    )


def _paid_twice(context: LogContext) -> TimelineEntry:
    if context.get("taken_back"):
        text = (
            "Your own payment succeeded: what was advanced is taken back, and the customer is "
            "not charged again."
        )
        return TimelineEntry("Paid to you directly", text, "info", "", "money")
    return TimelineEntry(
        "Paid twice",
        "Your own payment succeeded too: refund one of them.",
        "problem",
        "bad",
        "money",
    )


def _own_attempt(context: LogContext) -> TimelineEntry:
    if context.body.get("corrected"):
        return TimelineEntry(
            "Your own payment did not succeed after all",
            "You corrected what you had transmitted.",
            "info",
        )
    if context.body.get("declined"):
        return TimelineEntry(
            "Your own attempt was declined",
            "It counts in the card's network limits.",
            "info",
            "",
            "other",
        )
    text = "The same customer paid the same amount with this card under another order id."
    return TimelineEntry("Paid to you under another order id", text, "problem", "warn", "money")


_BY_CARD: Final = _plain("{attempt} sent", "On route {route}.", "right", "run", "attempts")


def _sent(context: LogContext) -> TimelineEntry:
    other = in_place_words() if context.body.get("credential") else None
    return (other.sent if other is not None else _BY_CARD)(context)


_SAY: Final[Mapping[str, Callable[[LogContext], TimelineEntry]]] = {
    "received": _received,
    "began": _received,
    "started": _plain("Picked up", "Processing starts.", "processing", "run"),
    "held": _held,
    "released": _plain("Released from hold", "{why}", "processing", "run"),
    "challenged": _plain(
        "The customer is asked to confirm",
        "Nothing more is sent before they answer.",
        "unknown",
        "warn",
    ),
    "challenge_answered": _plain(
        "The customer answered", "The card is tried with the new data.", "right", "run"
    ),
    "challenge_offered": _plain(
        "A link for the customer",
        "Only they can cure this decline; send them the link.",
        "unknown",
        "warn",
    ),
    "challenge_tried": _plain(
        "The customer used the link", "The card is tried with the new data.", "right", "run"
    ),
    "challenge_passed": _plain("The customer passed", "", "check", "ok"),
    "challenge_refused": _plain("Challenge not completed", "{why}", "cancelled", "bad"),
    "challenge_failed": _plain(
        "Cancelled: the customer failed the challenge",
        REASONS["challenge_failed"],
        "cancelled",
        "bad",
    ),
    "payer_refused": _plain(
        "Cancelled: the customer chose not to pay", REASONS["payer_refused"], "cancelled", "bad"
    ),
    "challenge_timed_out": _plain(
        "Cancelled: no answer", REASONS["challenge_timeout"], "cancelled", "bad"
    ),
    "authorised": _plain(
        "Authorised: {amount}", "Waits for your capture.", "capture", "run", "money"
    ),
    "capture_asked": _plain("Capture of {amount} requested", "", "right", "run", "money"),
    "capture_delayed": _plain(
        "The capture is delayed",
        "The processor does not answer; it is sent until it does.",
        "clock",
        "warn",
        "money",
    ),
    "capture_refused": _plain(
        "The processor refused the capture",
        "The authorisation remains: capture again, or cancel.",
        "problem",
        "bad",
        "money",
    ),
    "capture_failed": _plain(
        "{amount} was not paid after all",
        "The capture failed at the processor.",
        "problem",
        "bad",
        "money",
    ),
    "void_owed": _plain("Void planned", "", "right", "", "money"),
    "voided": _plain("Authorisation of {amount} voided", "", "returned", "", "money"),
    "void_delayed": _plain(
        "Void delayed",
        "The processor does not answer; it is sent until it does.",
        "clock",
        "warn",
        "money",
    ),
    "void_stuck": _plain(
        "Void stuck",
        "The processor refused it; the operator is looking into it.",
        "problem",
        "bad",
        "money",
    ),
    "captured": _plain("Captured: {amount}", "", "completed", "ok", "money"),
    "capture_window_ended": _plain(
        "Cancelled: not captured in time", REASONS["capture_window"], "cancelled"
    ),
    "collected": _collected,
    "advanced": _plain(
        "Approved in advance: {amount}",
        "You are settled now; the customer is charged later, at the operator's risk.",
        "completed",
        "ok",
        "money",
    ),
    "broke": _plain("Problem", "{why}", "problem", "bad"),
    "mended": _plain("Problem resolved", "{why}", "processing", "run"),
    "declined": _plain("Cancelled: declined", "{why}", "cancelled", "bad"),
    "cancelled": _plain("Cancelled by you", "Nothing more is sent for it.", "cancelled"),
    "paid_elsewhere": _plain("Cancelled: paid elsewhere", REASONS["paid_elsewhere"], "cancelled"),
    **{end: _plain(REASON_WORDS[end], REASONS[end], "cancelled") for end in BILLED},
    "expired": _plain("Expired", REASONS["expired"], "cancelled"),
    "planned": _planned,
    "warned": _plain("Note", "{why}", "note"),
    "early_warning": _plain("Early fraud warning", "{why}", "problem"),
    "attempt_sent": _sent,
    "attempt_not_sent": _not_sent,
    "attempt_withheld": _plain("{attempt} withheld", "{why}", "cancelled", "", "attempts"),
    "attempt_declined": _declined_attempt,
    "attempt_unknown": _plain(
        "{attempt}: no answer yet",
        "Recoup keeps asking the processor for the outcome; the attempt is never sent twice.",
        "unknown",
        "warn",
        "attempts",
    ),
    "payer_redirected": _plain(
        "{attempt}: the customer was sent to their bank",
        "Nothing is charged before they confirm; Recoup asks the processor what came of it.",
        "unknown",
        "warn",
        "attempts",
    ),
    "approved_late": _plain(
        "{attempt} was approved after the order ended",
        "The money is returned to the customer.",
        "problem",
        "warn",
        "attempts",
    ),
    "reversed": _plain(
        "{amount} returned to the customer",
        "The late approval is reversed.",
        "returned",
        "",
        "money",
    ),
    "reversal_stuck": _plain(
        "Return of {amount} is stuck",
        "The operator is looking into it; the money is still owed.",
        "problem",
        "bad",
        "money",
    ),
    "refund_asked": _refund_requested,
    "refund_request_refused": _plain(
        "Refund of {amount} refused by a second person",
        "See the reason given.",
        "cancelled",
        "bad",
        "money",
    ),
    "refund_request_withdrawn": _plain(
        "Refund request of {amount} withdrawn", "Nothing was sent.", "info", "", "money"
    ),
    "refund_request_expired": _plain(
        "Refund request of {amount} expired", "Nothing was sent.", "clock", "", "money"
    ),
    "refund_owed": _refund,
    "refund_sent": _plain("Refund of {amount} sent", "", "right", "", "money"),
    "refund_netted": _netted,
    "refund_of_bad_debt": _plain(
        "Refund of {amount}: nothing to send",
        "The customer was never charged; it lessens the operator's loss.",
        "returned",
        "",
        "money",
    ),
    "charge_planned": _charge_planned,
    "charged": _plain(
        "The customer was charged {amount}",
        "What was advanced is collected.",
        "completed",
        "ok",
        "money",
    ),
    "uncollected": _plain(
        "{amount} not collected",
        "{why} It is the operator's loss: you keep what you were settled.",
        "problem",
        "warn",
        "money",
    ),
    "refund_done": refund_done("The processor has accepted it."),
    "refund_refused": _plain(
        "Refund of {amount} refused", "{why} It no longer counts.", "problem", "bad", "money"
    ),
    "refund_delayed": _plain(
        "Refund of {amount} delayed",
        "The processor does not answer; it is sent until it does.",
        "clock",
        "warn",
        "money",
    ),
    "reversal_delayed": _plain(
        "Return of {amount} delayed",
        "The processor does not answer; it is sent until it does.",
        "clock",
        "warn",
        "money",
    ),
    "refund_stuck": _plain(
        "Refund of {amount} is stuck",
        "The processor refused it. It is still owed; the operator looks at it.",
        "problem",
        "bad",
        "money",
    ),
    "refund_retried": _plain(
        "Refund of {amount} sent again", "Requested under Refunds.", "right", "run", "money"
    ),
    "refund_by_hand_proposed": _plain(
        "Refund of {amount} marked as paid by hand",
        "{why} Another person has to confirm it.",
        "note",
        "warn",
        "money",
    ),
    "reversal_retried": _plain(
        "Return of {amount} retried", "Requested under Refunds.", "right", "run", "money"
    ),
    "reversal_by_hand_proposed": _plain(
        "Return of {amount} marked as paid by hand",
        "{why} Another person has to confirm it.",
        "note",
        "warn",
        "money",
    ),
    "void_retried": _plain("Void retried", "Requested under Refunds.", "right", "run", "money"),
    "reversal_owed": _plain(
        "Return of {amount} started",
        "The late payment is owed to the customer and sent at once.",
        "returned",
        "",
        "money",
    ),
    "reversal_refused": _plain(
        "Return of {amount} refused", "It is sent again.", "problem", "warn", "money"
    ),
    "settled_by_hand": _plain(
        "{amount} settled by hand",
        "Outside Recoup; see the note under Refunds.",
        "check",
        "ok",
        "money",
    ),
    "settlement_replaced": _plain(
        "The settlement of {amount} failed", "It is sent again.", "problem", "warn", "money"
    ),
    "paid_late": _plain(
        "{amount} arrived after the order ended",
        "It is not lost: return it, or deliver.",
        "problem",
        "warn",
        "money",
    ),
    **DISPUTE_SAY,
    **PARTS_SAY,
    "settlement_due": _plain("{amount} on the way to your wallet", "", "right", "", "money"),
    "settled": _plain("{amount} reached your wallet", "", "completed", "ok", "money"),
    "settlement_delayed": _plain(
        "The settlement is delayed",
        "It is sent until the channel takes it.",
        "clock",
        "warn",
        "money",
    ),
    "settlement_stuck": _plain(
        "The settlement is stuck",
        "The channel did not take it. The money is still yours; the operator is looking into it.",
        "problem",
        "bad",
        "money",
    ),
    "card_replaced": _card_replaced,
    "amount_changed": _amount_changed,
    "expiry_moved": _moved,
    "retries_stopped": _plain(
        "No further attempts",
        "You stopped them; the order stays open until it expires.",
        "onhold",
        "",
        "attempts",
    ),
    "retries_resumed": _plain(
        "Attempts resumed", "You resumed them.", "processing", "run", "attempts"
    ),
    "notes_changed": _plain("Your notes were changed", "", "note"),
    "merchant_attempt": _own_attempt,
    "paid_twice": _paid_twice,
    "dealt_with": _plain("Marked as resolved", "{why}", "check"),
}
SAY: Final = Extended(_SAY, PORTAL, lambda module: part_in(module).timeline)


def say(happening: str, context: LogContext) -> TimelineEntry:
    """Words for any line, also for one this version does not know."""
    known = SAY.get(happening)
    if known is None:
        return TimelineEntry(happening.replace("_", " ").capitalize(), context.get("why"))
    if context.body.get("elsewhere"):
        return replace(known(context), text="Made at the processor, not through Recoup.")
    return known(context)


def key_words(key: str) -> str:
    """Enough to distinguish keys: the beginning and the last four."""
    return key if len(key) <= 14 else f"{key[:8]}…{key[-4:]}"


def actor_words(actor: str) -> str:
    kind, _, who = actor.partition(":")
    words = {
        "user": who,
        "worker": "Recoup",
        "api": Sentence("API key {0}", key_words(who)),
        "partner": Sentence("Partner {0}", key_words(who)),
        "operator": Sentence("Operator {0}", who),
        "payer": "The customer",
        "processor": Sentence("Processor {0}", who),
    }
    return words.get(kind, actor)
