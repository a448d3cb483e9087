"""Change of a single locked order in a single transaction: gathered as rows, written at once by
`write_all`.

Every line of the log, every step of the stage, every event and posting is made here and nowhere
else, so that they cannot come apart; the rows and the due work are gathered in `gathered.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple
from uuid import UUID

from recoup.db.statement import Tx
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.rights import check_act
from recoup.networks import whys
from recoup.orders.moves.gathered import Gathered
from recoup.orders.moves.postings import book
from recoup.orders.rules import attempts as attempt_life
from recoup.orders.rules.attention import (
    FOR_PEOPLE,
    LATE,
    PAID_TOO,
    PAID_TWICE,
    REASONS,
    REQUEST_REFUSED,
    RETRYING,
    UNCLEAR_DECLINE,
    UNKNOWN,
    held,
    of_dispute,
    stuck,
)
from recoup.orders.rules.ledger import Posting
from recoup.orders.rules.lifecycle import APPROVALS, ENDED, Fact, Stage, Step, fact, step
from recoup.orders.rules.notices import notice_of
from recoup.orders.rules.order_events import order_event_data, subject_kind
from recoup.orders.rules.snapshot import Order
from recoup.orders.rules.typed_card import CardIds
from recoup.orders.store.changes import Rows, write
from recoup.orders.store.rows import LogLine, OrderWords, OutboxEvent, OwedMail


class Booked(NamedTuple):
    """Postings of one source: an attempt, a modification, a dispute's round, a settlement, or the
    order."""

    source_id: UUID
    postings: Sequence[Posting]


class Change(Gathered):
    """Collects what happens to `order` at one instant."""

    def step(
        self,
        happening: str,
        *,
        decision_id: UUID | None = None,
        booked: Booked | None = None,
        **body: Any,
    ) -> None:
        """Moves the order along one row of the lifecycle; `booked`: what the row brings into the
        ledger.

        Raises: Problem(wrong_state) when there is no such row.
        """
        order = self.order
        row = step(order.stage, happening)
        self._book(row, booked)
        line = self._line(happening, row.dst, None, None, body, decision_id)
        order.stage = row.dst
        if order.created_at is None and row.dst is not row.src and happening != "received":
            order.created_at = self.now
        if row.dst is Stage.RECEIVED:  # its payment was taken back
            order.created_at = None
        if row.reason:
            order.reason = row.reason
        elif happening in ("held", "broke"):
            order.reason = None
        if order.attention not in FOR_PEOPLE:
            if row.dst == "held":
                order.attention = held(str(body.get("why") or whys.ON_HOLD))
            elif row.dst == "problem":
                order.attention = _needed(order)
            elif row.src in ("held", "problem"):
                order.attention = None
        if row.dst in ENDED:
            self._end(happening)
        if row.event:
            self._tell(row.event, happening, line.seq, body)
        self._mail(happening, order.order_id, body)

    def fact(
        self,
        happening: str,
        fact_id: UUID | None = None,
        *,
        decision_id: UUID | None = None,
        event: dict[str, Any] | None = None,
        words: str = "",
        booked: Booked | None = None,
        **body: Any,
    ) -> None:
        """Records something that happened at the order's stage without moving it. `booked`: as
        `step`. `words`: what somebody typed; beside the log, which is never changed, for the people
        in them may ask to be forgotten."""
        row = fact(self.order.stage, happening)
        self._book(row, booked)
        line = self._line(happening, self.order.stage, row.kind, fact_id, body, decision_id)
        if words:
            self.rows.order_words.append(
                OrderWords(line.merchant_id, line.order_id, line.seq, words)
            )
        if row.event:
            self._tell(row.event, happening, line.seq, event or body)
        self._mail(happening, fact_id or self.order.order_id, body)

    def raise_attention(self, why: str) -> bool:
        """Asks somebody to look at the order; `why`: the code of an `Attention`. What only people
        can settle gives way to nothing else, and PAID_TWICE to nothing at all: a capture that is
        refused goes by it. Answers whether that is new: only with a line of the log is it
        stored."""
        before = self.order.attention
        if before not in FOR_PEOPLE or before != PAID_TWICE and why in FOR_PEOPLE:
            self.order.attention = why
        return self.order.attention != before

    def clear_attention(self, *settled: str) -> None:
        """Clears the attention for what is settled; what else is stuck or late keeps it."""
        if self.order.attention in settled:
            self.order.attention = _needed(self.order)

    def paid_once(self) -> None:
        """Clears the attention for a double or fraudulent payment once nothing of it is left."""
        if not self.order.left_units:
            self.clear_attention(*(reason.code for reason in REASONS.values() if reason.while_paid))

    def amend(self, **values: Any) -> None:
        """Changes what a merchant may change of an open order; the caller records it as a fact."""
        for name, value in values.items():
            setattr(self.order, name, value)
        self._amended |= values

    def swap_card(self, card: CardIds, **body: Any) -> None:
        """The order's card from here on, by whose sends the gate decides; those before are kept."""
        order = self.order
        cards = (*order.cards_before, order.card_id)
        before = [
            fromkey for fromkey in dict.fromkeys(cards) if fromkey not in (None, card.card_id)
        ]
        if before != order.cards_before:
            self.amend(cards_before=before)
        self.fact("card_replaced", card.token_id, another=card.pan_id != order.pan_id, **body)
        self.amend(token_id=card.token_id, card_id=card.card_id, pan_id=card.pan_id)

    def _line(
        self,
        happening: str,
        dst: str,
        kind: str | None,
        fact_id: UUID | None,
        body: dict[str, Any],
        decision_id: UUID | None,
    ) -> LogLine:
        check_act(self.who, happening)
        order = self.order
        order.version += 1
        line = LogLine(
            merchant_id=order.merchant_id,
            order_id=order.order_id,
            seq=order.version,
            happening=happening,
            src=order.stage,
            dst=dst,
            fact_kind=kind,
            fact_id=fact_id,
            body=body,
            actor=self.actor,
            request_id=self._request_id,
            business_at=self.now,
            recorded_at=self.wall,
            decision_id=decision_id,
        )
        self.rows.order_log.append(line)
        return line

    def _tell(self, event: str, happening: str, seq: int, body: dict[str, Any]) -> None:
        self.rows.outbox.append(
            OutboxEvent(
                merchant_id=self.order.merchant_id,
                subject_id=self.order.order_id,
                seq=seq,
                subject_kind=subject_kind(self.order),
                event_id=new_id(),
                event=event,
                body=order_event_data(event, happening, self.order, body),
                business_at=self.now,
                recorded_at=self.wall,
            )
        )

    def _mail(self, happening: str, about: UUID, body: dict[str, Any]) -> None:
        """A notice to the payer, where the merchant wants one: the intent; due work sends it."""
        order = self.order
        notice = notice_of(happening, order.notices) if order.kind != "stable" else None
        if notice is None:
            return
        mail = OwedMail(
            merchant_id=order.merchant_id,
            mail_id=new_id(),
            order_id=order.order_id,
            notice=notice,
            about=about,
            state="owed",
            units=body.get("units", order.owed_units),
            tries=0,
            why="",
            business_at=self.now,
            created_at=self.wall,
        )
        self.rows.mails.append(mail)
        self.due("mail", self.wall, subject_id=mail.mail_id, wall=True)

    def _end(self, happening: str) -> None:
        """Whatever the order still had going ends with it, and so does what somebody could have
        done about it."""
        order = self.order
        self.clear_attention(RETRYING, UNCLEAR_DECLINE)
        if happening not in APPROVALS:
            self.clear_attention(PAID_TOO)
        self.nothing_due()
        for challenge in order.challenges:
            if challenge.state in ("presented", "tried"):
                self.set_challenge(challenge, state="ended")
        if order.kind == "stable" and order.facts.get("subscription_id"):
            self.due("cycle_ended", self.wall, wall=True)
        self.look_at_invoice()
        for attempt in order.attempts:
            row = attempt_life.on(attempt.state, "order_ended", order.stage)
            if row is not None and happening not in APPROVALS:
                self.set_attempt(attempt, state=row.to, if_late=row.if_late or attempt.if_late)
            elif attempt.state == "planned":
                self.set_attempt(attempt, state="not_sent")
        if any(attempt.is_out() for attempt in order.attempts):
            self.due("last_word", self.wall, wall=True)

    def _book(self, row: Step | Fact, booked: Booked | None) -> None:
        """Books a row with its line of the log, so that neither is without the other; once per
        (source, recipe), however often the flow runs."""
        if (row.books is None) is not (booked is None):
            raise AssertionError(
                f"{row.happening} books {row.books.recipe if row.books else 'nothing'}"
            )
        if row.books is not None and booked is not None:
            order = self.order
            book(
                self.rows,
                order.merchant_id,
                order.asset,
                row.books.source,
                booked.source_id,
                booked.postings,
                now=self.now,
                wall=self.wall,
                order_id=order.order_id,
            )

    def look_at_invoice(self) -> None:
        """The processor's invoice that the order rescues, if it rescues one."""
        if key := self.order.facts.get("invoice_key"):
            self.due("processor_invoice", self.wall, subject_id=UUID(key), wall=True)

    def nothing_due(self) -> None:
        """Cancels everything that the order would do by itself."""
        self.order.next_attempt_at = None
        for kind in (
            "admit",
            "retry",
            "expire",
            "release",
            "unresolved",
            "challenge",
            "capture_window",
        ):
            self.undue(kind)


def _needed(order: Order) -> str | None:
    """The attention that is still needed, whatever was settled beside it."""
    if order.stage is Stage.HELD:
        return held(str(order.held.get("why") or whys.ON_HOLD))
    if order.stage is Stage.PROBLEM:
        return REQUEST_REFUSED if order.is_refused else UNKNOWN
    unsent = next((refund for refund in order.modifications if refund.state == "stuck"), None)
    if unsent is not None:
        return stuck(unsent.kind)
    dispute = next(
        (d for d in order.disputes if d.state == "open" and d.warned and not d.answering), None
    )
    return of_dispute(LATE, dispute.dispute_no) if dispute is not None else None


# How often an order is changed on request is bounded: all of its log is shown with it, and loaded
# with every change. What processors, banks and time do to it is not: each attempt and refund ends.
LINES_MAX: Final = 500  # the longest rescue, with its refunds in a hundred parts, has fewer


def check_room(change: Change) -> None:
    """Raises: Problem(conflict) once its log has `LINES_MAX` lines."""
    if not has_room(change):
        raise Problem(
            "conflict",
            Sentence(
                "The order's log has {0} lines, which is the most for changes on request.",
                LINES_MAX,
            ),
            cure="Cancel the order if it must not be tried any more.",
        )


def has_room(change: Change) -> bool:
    return change.order.version < LINES_MAX


async def write_all(connection: Tx, changes: Iterable[Change]) -> None:
    """Writes the changes of one transaction at once."""
    rows = Rows()
    for change in changes:
        rows.extend(change.finished())
    await write(connection, rows)
