"""Facts beside the timeline: the money, what is planned and why, and what may be done now."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.desk.page.order.ended import versions
from recoup.desk.page.order.timeline import decision_of
from recoup.desk.page.order.unpaid import why_no_refund
from recoup.kernel.money import Money
from recoup.kernel.problem import Sentence, joined
from recoup.networks import whys
from recoup.networks.disputes import takes_money
from recoup.networks.reasons import only_waits
from recoup.orders.rules.attention import sentence_of
from recoup.orders.rules.lifecycle import APPROVALS, ENDED, Stage, can
from recoup.orders.rules.snapshot import second_answers
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageAdvance, PageDecision, PageModification
from recoup.orders.store.rows import LogLine
from recoup.people.page.feature_parts import in_place_words
from recoup.people.page.portal_visit import Visit
from recoup.people.page.words import CLASSES
from recoup.rescue.rules.order_facts import earlier_attempts
from recoup.stablecoin.rules.channels import CHANNELS, Channel
from recoup.terms.rules.fees import KEEP, returned_units
from recoup.terms.rules.refunds import Item, items_of, lines_total

ON_HOLD, _NOT_BACK = 1, ("refused", "failed")
COLLECTED = (
    "The order was approved before its customer was charged; they are charged later, by a separate "
    "plan.",
    "The operator bears the risk: you are settled whether it succeeds or not.",
)
# What the engine weighs, by the names that it gives it.
_OFFERED: Final = {
    "within-36h": "The best time within 36 hours.", "within-96h": "The best time within 4 days.",
    "within-168h": "The best time within 7 days.", "within-336h": "The best time within 14 days.",
    "later": "The best time after 14 days.", "stop": "No further attempt.",
    "link_now": "A link to pay by mail now.",
    "link_after_next": "A link to pay after the next attempt.",
    "link_last": "A link to pay after the last try.",
}  # fmt: skip
COLLECTED_ENDS = (
    "A refund reduces or cancels the charge; a hard decline or the end of the plan "
    "ends the attempts."
)


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of the order's ledger entries, in the asset's smallest unit; `due` is the customer's
    amount due."""

    approved: int
    fee: int
    refunded: int
    to_you: int
    charged: int
    due: int
    disputed: int = 0
    dispute_fee: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """Action and whether it is possible. `why_not` is empty when it is possible now; `shown`:
    whether to speak of it at all."""

    why_not: str = ""
    shown: bool = True

    @property
    def possible(self) -> bool:
        return not self.why_not


def customer(page: OrderPage) -> str:
    """The customer by name and e-mail address, as the reader may see them."""
    payer = page.payer
    known = (f"{payer.first_name} {payer.last_name}".strip(), payer.email) if payer else ()
    return ", ".join(word for word in known if word)


def blocked(page: OrderPage) -> str:
    """The reason why its planned attempt is not sent; empty where nothing blocks it, and of a
    customer's charge that is owed."""
    kinds = [] if to_collect(page) is not None else [block.kind for block in page.blocks]
    return whys.sentence_of(whys.blocked(kinds[0])) if kinds else ""


def card_of_modification(page: OrderPage, modification_id: UUID) -> str:
    """The last four digits of the card that it goes back to; empty where it is none."""
    of = next(
        (
            modification.attempt_id
            for modification in page.modifications
            if modification.modification_id == modification_id
        ),
        None,
    )
    charged = next(
        (attempt.card_last4 for attempt in page.attempts if attempt.attempt_id == of), None
    )
    return charged or (page.card.last4 if page.card else "")


def sums(page: OrderPage) -> Sums:
    totals: dict[str, int] = {}
    by_recipe: dict[str, int] = {}
    for posting in page.postings:
        for entry in posting.entries:
            fee_of = (
                "dispute_"
                if posting.recipe.startswith("dispute_fee") and entry.account == "fees"
                else ""
            )
            account = fee_of + entry.account
            totals[account] = totals.get(account, 0) + entry.units
        by_recipe[posting.recipe] = by_recipe.get(posting.recipe, 0) + max(
            (e.units for e in posting.entries), default=0
        )
    return Sums(
        by_recipe.get("approve", 0),
        -totals.get("fees", 0),
        page.head.refunded_units,
        -totals.get("merchant_payable", 0),
        by_recipe.get("charge", 0),
        totals.get("customer_due", 0),
        sum(
            d.units
            for d in page.disputes
            if d.liable == "merchant" and takes_money(d.stage, d.state)
        ),
        -totals.get("dispute_fees", 0),
    )


def planned(page: OrderPage) -> dict[str, Any] | None:
    """The attempt that comes next. `why` are its decision's reasons, `would_change` the last of
    them; `forward_request` is the line of who brought it forward, whose act is the reason then."""
    attempt = next((a for a in page.attempts if a.state == "planned"), None)
    at = page.head.next_attempt_at
    if attempt is None or at is None:
        return None
    what = dict(number=attempt.attempt_no, units=attempt.units, at=at, forward_request=None)
    unsaid = dict(why=(), would_change="", alternatives=(), versions="")
    if to_collect(page) is not None:
        return what | unsaid | dict(why=COLLECTED, would_change=COLLECTED_ENDS)
    decision = decision_of(page, attempt.decision_id)
    reasons = tuple(decision.reasons) if decision else ()
    forward_request = brought_forward(page)
    if forward_request is not None and page.head.status != ON_HOLD:
        return what | unsaid | dict(forward_request=forward_request)
    if page.head.status == ON_HOLD and page.head.attention:
        # Not the plan decides when, but what the order waits for; what the plan heard last still
        # holds.
        reasons = (sentence_of(page.head.attention), *reasons[1:])
    return what | dict(
        why=reasons[:-1] if len(reasons) > 1 else reasons,
        would_change=reasons[-1] if reasons else "",
        alternatives=_alternatives(decision),
        versions=versions(decision),
    )


def brought_forward(page: OrderPage) -> LogLine | None:
    """The log line of the person's request for the attempt that is planned now."""
    newest = next(
        (
            line
            for line in reversed(page.log)
            if line.happening == "planned" or line.happening.startswith("attempt_")
        ),
        None,
    )
    return newest if newest is not None and newest.body.get("verdict") == "by_hand" else None


def last_hold(page: OrderPage) -> Mapping[str, Any]:
    """The log's facts of the last hold: cause, why, until."""
    return last_of(page, "held")


def last_of(page: OrderPage, happening: str) -> Mapping[str, Any]:
    """The log's facts of the last time it happened; empty when it never did."""
    return next((line.body for line in reversed(page.log) if line.happening == happening), {})


def to_collect(page: OrderPage) -> PageAdvance | None:
    """The advance that its customer was not charged for yet."""
    return page.advance if page.advance is not None and page.advance.state == "due" else None


def tried_again(page: OrderPage) -> bool:
    """Something is planned or out, or will be: the order waits for its first look, or was approved
    before its customer was charged."""
    if page.order.stage in ENDED:
        return to_collect(page) is not None
    if page.order.stage == Stage.RECEIVED or page.head.next_attempt_at is not None:
        return True
    return attempt_out(page)


def _alternatives(decision: PageDecision | None) -> tuple[str, ...]:
    texts = []
    for option in decision.alternatives if decision else ():
        if (
            option.probability is not None
            and decision is not None
            and option.name == decision.taken
        ):
            continue
        chance, note = option.chance, option.note or _OFFERED.get(option.name, "")
        if option.name == "stop":
            chance = None
        known = Sentence("Chance {0} %.", round(chance * 100)) if chance is not None else ""
        texts.append(joined(filter(None, (note, known))))
    return tuple(texts)


def tried(page: OrderPage) -> list[dict[str, Any]]:
    """The attempts. What each answer meant stands in the log, as it was read on that day.
    `sent_by`: the template that says by what it was sent; empty: by the card itself. `first`: the
    attempt that it is the second answer of."""
    seconds = second_answers(page.attempts)
    bodies = {line.fact_id: line.body for line in page.log if line.happening == "attempt_declined"}
    rows = []
    for attempt in page.attempts:
        body = bodies.get(attempt.attempt_id, {})
        waits = only_waits(body.get("reason") or "", body.get("class") or "")
        words = in_place_words() if attempt.credential() else None
        rows.append(
            dict(
                row=attempt,
                first=seconds.get(attempt.attempt_no),
                meaning=str(body.get("meaning") or "").partition(";")[0],
                klass=CLASSES.get(body.get("class") or "", ""),
                cure=str(body.get("cure") or "") if tried_again(page) or not waits else "",
                sent_by=words.template if words is not None else "",
            )
        )
    return rows


def sent(page: OrderPage) -> int:
    """Attempts sent to the processor; of a stablecoin order what its payer made."""
    if page.order.kind == "stable":
        return sum(bool(a.reference) or a.state in ("approved", "declined") for a in page.attempts)
    return int(page.head.attempts)


def own_declines(page: OrderPage) -> int:
    """The merchant's own attempts that were declined: those that it says the order came from, and
    what was transmitted since."""
    since = sum(
        line.happening == "merchant_attempt" and bool(line.body.get("declined"))
        for line in page.log
    )
    return int(bool(page.order.facts.get("decline")) + earlier_attempts(page.order.facts) + since)


def order_items(page: OrderPage) -> tuple[Item, ...]:
    """The lines with their prices; none where they do not add up to the order."""
    items = items_of(page.order.facts.get("items") or ())
    return items if lines_total(items, Money(page.order.units, page.order.asset)) is None else ()


def taken(page: OrderPage) -> dict[int, tuple[int, int]]:
    """Line -> (units, quantity) that earlier refunds took of it."""
    sums: dict[int, tuple[int, int]] = {}
    for refund in page.modifications:
        if refund.kind == "refund" and refund.state not in _NOT_BACK:
            for part in refund.items:
                units, quantity = sums.get(part.line, (0, 0))
                sums[part.line] = (units + part.units, quantity + part.quantity)
    return sums


def fee_back(page: OrderPage, units: int) -> int:
    """The part of the fee that comes back with a refund of so much more."""
    approval: Mapping[str, Any] = next(
        (line.body for line in page.log if line.happening in APPROVALS), {}
    )
    fee, policy, before = (
        int(approval.get("fee") or 0),
        approval.get("fee_refund") or KEEP,
        page.head.refunded_units,
    )
    total = page.order.units
    return returned_units(fee, policy, before + units, total) - returned_units(
        fee, policy, before, total
    )


def paid(page: OrderPage) -> int:
    """The amount that the customer paid, as far as it was not let go or given back late; as the
    list says it."""
    if page.head.status in (0, 5):
        return 0
    if taken := captured_units(page):
        return taken
    back = sum(
        r.units
        for r in page.modifications
        if r.kind in ("void", "reversal") and r.state not in _NOT_BACK
    )
    return int(sum(a.units for a in page.attempts if a.state == "approved") - back)


def remaining(page: OrderPage) -> int:
    charged = sum(
        a.units for a in page.attempts if a.state == "approved"
    )  # less than the order, by a tolerance
    came = (
        charged
        if page.order.kind == "stable" and page.order.stage is Stage.COMPLETED
        else page.head.units
    )
    return max(0, int(came - page.head.refunded_units) - disputed(page))


def disputed(page: OrderPage) -> int:
    """The amount that issuers have taken back."""
    return sum(d.units for d in page.disputes if takes_money(d.stage, d.state))


def channel(page: OrderPage) -> Channel | None:
    """The channel of a stablecoin order, as soon as it is known."""
    route = (page.attempts[-1].route if page.attempts else None) or page.head.source
    return CHANNELS.get(route)


def can_refund(visit: Visit, page: OrderPage) -> Action:
    if not visit.session.may("refund"):
        return Action(Sentence("{0} may view orders, but not refund them.", _role(visit)))
    if page.order.stage != Stage.COMPLETED:
        return Action(why_no_refund(page))
    if (
        page.order.kind == "stable"
        and (stable_channel := channel(page)) is not None
        and not stable_channel.supports_refund
    ):
        return Action("The money went straight to your own wallet; Recoup holds none of it.")
    if remaining(page) <= 0 and disputed(page):
        return Action(_taken_back(page))
    if remaining(page) <= 0:
        return Action(_given_back(page))
    return Action()


def can_dispute(visit: Visit, page: OrderPage) -> dict[str, Any] | None:
    """The sandbox's cardholder may come back for what was charged on the sandbox's route. `most`:
    what they may still dispute. `usual` without an amount: an inquiry goes on with its own, a new
    one takes what was not refunded; 0 when one is needed. `inquired`: an inquiry about it came
    before."""
    charge = next((a for a in reversed(page.attempts) if a.state == "approved"), None)
    sandbox = visit.world.policy.test_mode and charge is not None and charge.route == "sandbox"
    if not (
        sandbox and charge and page.order.stage == Stage.COMPLETED and visit.session.may("dispute")
    ):
        return None
    most = int(charge.units) - disputed(page)
    inquired_units = next(
        (int(d.units) for d in reversed(page.disputes) if d.stage == "inquiry"), None
    )
    usual = most - int(page.head.refunded_units) if inquired_units is None else inquired_units
    return dict(most=most, usual=usual if usual <= most else 0, inquired=inquired_units is not None)


def can_cancel(visit: Visit, page: OrderPage) -> Action:
    stage = page.order.stage
    if stage is Stage.COMPLETED:
        return Action(_paid_for_good(page))
    if stage in ENDED:
        return Action("It has already ended.")
    if capture_out(page) is not None:
        return Action("Its capture is under way: wait for the processor's answer.")
    if not can(stage, "cancelled") or stage is Stage.PROBLEM and attempt_out(page):
        return Action(Sentence("An order that is {0} cannot be cancelled just now.", stage.value))
    if not visit.session.may("cancel"):
        return Action(Sentence("{0} may view orders, but not cancel them.", _role(visit)))
    return Action()


def _paid_for_good(page: OrderPage) -> str:
    """Text of what can be done with a paid order instead of cancelling it, as far as there is
    something."""
    if (stable_channel := channel(page)) is not None and not stable_channel.supports_refund:
        return "It is paid. The money went straight to your own wallet."
    if remaining(page) > 0 and page.head.status == 8:
        return "It was paid. What is not disputed can be refunded."
    if remaining(page) > 0:
        return "It is paid. A completed order is refunded, not cancelled."
    if disputed(page):
        return Sentence("It was paid. {0}", _taken_back(page))
    return Sentence("It was paid. {0}", _given_back(page))


def _given_back(page: OrderPage) -> str:
    """Text of an order of which nothing is left: a refund that is stuck has not arrived."""
    if any(r.kind == "refund" and r.state in ("owed", "sent", "stuck") for r in page.modifications):
        return "Its full amount is being refunded: see Refunds below."
    return "It is already refunded in full."


def _taken_back(page: OrderPage) -> str:
    """Text of an order of which a dispute holds all that was not refunded."""
    if page.head.refunded_units:
        return "The rest is disputed: the cardholder's bank has taken it back."
    return "It is disputed: the cardholder's bank has taken it back."


def can_capture(visit: Visit, page: OrderPage) -> bool:
    """True when something is held, inside its window, while no capture of it is out."""
    until = capture_before(page)
    return (
        until is not None
        and until > visit.now
        and capture_out(page) is None
        and visit.session.may("capture")
    )


def held_units(page: OrderPage) -> int:
    """The amount that is held and not captured yet."""
    if page.order.stage != Stage.AUTHORISED:
        return 0
    return sum(a.units for a in page.attempts if a.state == "approved") - captured_units(page)


def captured_units(page: OrderPage) -> int:
    return sum(r.units for r in page.modifications if r.kind == "capture" and r.state == "done")


def takes_parts(visit: Visit, page: OrderPage) -> bool:
    """True when what a capture leaves may stay held for another."""
    route = next((a.route for a in page.attempts if a.state == "approved"), None)
    return bool(
        route and (processor := visit.world.processors.get(route)) and processor.multicapture
    )


def attempt_out(page: OrderPage) -> bool:
    """True when one is sent, and its outcome is not known."""
    return any(a.state in ("open", "unknown") for a in page.attempts)


def capture_before(page: OrderPage) -> datetime | None:
    """The end of the window in which what is held may be captured."""
    if page.order.stage != Stage.AUTHORISED:
        return None
    until = last_of(page, "authorised").get("capture_before")
    return datetime.fromisoformat(until) if until else None


def capture_out(page: OrderPage) -> PageModification | None:
    """The capture that was requested and has no answer."""
    return next(
        (
            r
            for r in page.modifications
            if r.kind == "capture" and r.state not in ("done", "refused")
        ),
        None,
    )


def stopped(page: OrderPage) -> LogLine | None:
    """The line of who stopped its attempts, while they are stopped."""
    lines = (line for line in reversed(page.log) if line.happening == "retries_stopped")
    return next(lines, None) if page.order.do_not_retry else None


def _role(visit: Visit) -> str:
    if visit.paused:
        return "People of a paused partner"
    return Sentence(
        "Your role ({0})", visit.session.merchant.role if visit.session.merchant else "none"
    )


def refund_with(page: OrderPage, modification_id: UUID | None) -> PageModification | None:
    return next((r for r in page.modifications if r.modification_id == modification_id), None)
