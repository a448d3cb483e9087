"""What one transaction does to one locked order: gathered as rows, written at once by `write_all`.

Every line of the log, every step of the stage, every event, posting and piece of due work is made here and nowhere
else, so that they cannot come apart.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.kernel.time import BusinessTime, WallTime
from recoup.moves.message.mail import owed_mail
from recoup.moves.order.rows import columns, shown
from recoup.moves.postings import book
from recoup.rules.messages.notices import notice_of
from recoup.rules.messages.order_events import order_event_data, subject_kind
from recoup.rules.money.exposure import Wish
from recoup.rules.money.ledger import Posting
from recoup.rules.money.refund_limits import RefundApproval, RefundApprovalContext
from recoup.rules.money.wallet import Wallet
from recoup.rules.order import attempts as attempt_life
from recoup.rules.order import whys
from recoup.rules.order.attention import FOR_PEOPLE, PAID_TOO, PAID_TWICE, RETRYING, UNKNOWN, held, needed
from recoup.rules.order.lifecycle import ENDED, Fact, Step, fact, step
from recoup.rules.order.snapshot import Advance, Attempt, Challenge, Dispute, Modification, Order, Settlement
from recoup.rules.rescue.arms import EngineAtHand
from recoup.rules.rescue.evidence import Decision
from recoup.store.statement import Tx
from recoup.store.write.changes import Rows, write
from recoup.store.write.requests import answered
from recoup.store.write.rows import CardBlock, KeptNotice, LogLine, NetworkSend, OrderWords, OutboxEvent, UsedCode


class Booked(NamedTuple):
    """Postings of one source: an attempt, a modification, a dispute's round, a settlement, or the order."""

    source_id: UUID
    postings: Sequence[Posting]


class Change:
    """Collects what happens to `order` at one instant. Changes `order` itself too, so that rules see the new state."""

    def __init__(
        self,
        order: Order,
        *,
        now: BusinessTime,
        wall: WallTime,
        actor: Actor,
        request_id: str,
        head: dict[str, Any] | None = None,
    ) -> None:
        """`head`: of an order that this transaction admits, what lists show of it for good."""
        self.order, self.now, self.wall = order, now, wall
        self.actor, self._request_id = actor.text(), request_id
        self.rows = Rows()
        self._started_at, self._shown_before, self._new_head = order.version, shown(order), head
        self._touched: dict[tuple[str, UUID], Any] = {}
        self._blocks: dict[UUID, CardBlock] = {}
        self._due: dict[tuple[str, UUID], tuple[datetime, bool] | None] = {}
        self._amended: dict[str, Any] = {}
        self.wish: Wish | None = None  # room for an advance, answered before anything is written
        self._advanced = False
        self.desk: RefundApprovalContext | None = None  # limits and requests, where people refund
        self.wallet: Wallet | None = None  # of a stablecoin order, where money may leave it
        self.engine: EngineAtHand | None = None  # of an order with an arm
        self._asked: dict[UUID, RefundApproval] = {}
        self.freed_units = 0  # of the exposure that the order's advance holds
        self.lost_units = 0  # of those: written off, so that their room is not used again

    def step(
        self, happening: str, *, decision_id: UUID | None = None, booked: Booked | None = None, **body: Any
    ) -> None:
        """Moves the order along one row of the lifecycle; `booked`: what the row brings into the ledger.

        Raises: Problem(wrong_state) when there is no such row.
        """
        order = self.order
        row = step(order.stage, happening)
        self._book(row, booked)
        line = self._line(happening, row.dst, None, None, body, decision_id)
        order.stage = row.dst
        if order.created_at is None and row.dst is not row.src and happening != "received":
            order.created_at = self.now
        if row.reason:
            order.reason = row.reason
        elif happening in ("held", "broke"):
            order.reason = None
        if order.attention not in FOR_PEOPLE:
            if row.dst == "held":
                order.attention = held(str(body.get("why") or whys.ON_HOLD))
            elif row.dst == "problem":
                order.attention = UNKNOWN
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
        """Records something that happened at the order's stage without moving it. `booked`: as `step`. `words`: what
        somebody typed; beside the log, which is never changed, for whoever stands in them may ask to be forgotten."""
        row = fact(self.order.stage, happening)
        self._book(row, booked)
        line = self._line(happening, self.order.stage, row.kind, fact_id, body, decision_id)
        if words:
            self.rows.order_words.append(OrderWords(line.merchant_id, line.order_id, line.seq, words))
        if row.event:
            self._tell(row.event, happening, line.seq, event or body)
        self._mail(happening, fact_id or self.order.order_id, body)

    def raise_attention(self, why: str) -> None:
        """Somebody shall look at the order; `why`: a code of rules.order.attention. What only people can settle gives
        way to nothing else, and PAID_TWICE to nothing at all: a capture that is refused goes by it."""
        before = self.order.attention
        if before not in FOR_PEOPLE or before != PAID_TWICE and why in FOR_PEOPLE:
            self.order.attention = why

    def clear_attention(self, *settled: str) -> None:
        """What is settled needs nobody's attention any more; what else is stuck or late does."""
        if self.order.attention in settled:
            self.order.attention = needed(self.order)

    def paid_once(self) -> None:
        """What was paid twice is so no more once nothing of it is left."""
        if not self.order.left_units:
            self.clear_attention(PAID_TWICE)

    def amend(self, **values: Any) -> None:
        """Changes what a merchant may change of an open order; the caller records it as a fact."""
        for name, value in values.items():
            setattr(self.order, name, value)
        self._amended |= values

    def _line(
        self,
        happening: str,
        dst: str,
        kind: str | None,
        fact_id: UUID | None,
        body: dict[str, Any],
        decision_id: UUID | None,
    ) -> LogLine:
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
        mail = owed_mail(order, notice, about, body.get("units", order.units), now=self.now, wall=self.wall)
        self.rows.mails.append(mail)
        self.due("mail", self.wall, subject_id=mail.mail_id, wall=True)

    def _end(self, happening: str) -> None:
        """Whatever the order still had going ends with it, and so does what somebody could have done about it."""
        order = self.order
        self.clear_attention(RETRYING)
        if happening not in ("collected", "captured", "advanced"):
            self.clear_attention(PAID_TOO)
        self.nothing_due()
        for challenge in order.challenges:
            if challenge.state in ("presented", "tried"):
                self.set_challenge(challenge, state="ended")
        if order.kind == "stable" and order.facts.get("subscription_id"):
            self.due("cycle_ended", self.wall, wall=True)
        for attempt in order.attempts:
            row = attempt_life.on(attempt.state, "order_ended", order.stage)
            if row is not None and happening not in ("collected", "captured", "advanced"):
                self.set_attempt(attempt, state=row.to, if_late=row.if_late or attempt.if_late)
            elif attempt.state == "planned":
                self.set_attempt(attempt, state="not_sent")
        if any(attempt.is_out() for attempt in order.attempts):
            self.due("last_word", self.wall, wall=True)

    def set_attempt(self, attempt: Attempt, **values: Any) -> None:
        self._set("attempts", attempt.attempt_id, attempt, values)

    def set_refund(self, refund: Modification, **values: Any) -> None:
        self._set("refunds", refund.refund_id, refund, values)

    def set_request(self, request: RefundApproval, **values: Any) -> None:
        for name, value in values.items():
            setattr(request, name, value)
        self._asked[request.request_id] = request

    def set_challenge(self, challenge: Challenge, **values: Any) -> None:
        self._set("challenges", challenge.challenge_id, challenge, values)

    def set_settlement(self, settlement: Settlement, **values: Any) -> None:
        self._set("settlements", settlement.settlement_id, settlement, values)

    def _set(self, table: str, row_id: UUID, row: Any, values: dict[str, Any]) -> None:
        """Changes one of the order's rows, or adds it; `table` names it in the order and in the write alike."""
        for name, value in values.items():
            setattr(row, name, value)
        rows = getattr(self.order, table)
        if row not in rows:
            rows.append(row)
        self._touched[table, row_id] = row

    def set_advance(self, advance: Advance, **values: Any) -> None:
        """What is no longer due of it frees as much of the exposure."""
        before = self.order.advance.due_units if self.order.advance is not None else None
        for name, value in values.items():
            setattr(advance, name, value)
        if before is not None:
            self.freed_units += before - advance.due_units
            if advance.state == "uncollected":
                self.lost_units += before - advance.due_units
        self.order.advance = advance
        self._advanced = True

    def set_dispute(self, dispute: Dispute, **values: Any) -> None:
        self._set("disputes", dispute.dispute_id, dispute, values)

    def block_card(self, block_id: UUID, reason: str, until: datetime | None) -> None:
        """No further send of the order's card for this merchant; `until` in the past lets go. Under the card's lock."""
        order = self.order
        if order.card_id is not None:
            self._blocks[block_id] = CardBlock(
                card_id=order.card_id,
                block_id=block_id,
                acceptor_id=None,
                merchant_id=order.merchant_id,
                reason=reason,
                until=until,
                actor=self.actor,
                at=self.now,
            )

    def noticed(self, **row: Any) -> None:
        """Keeps what a processor told, once."""
        self.rows.dispute_notices.append(KeptNotice(merchant_id=self.order.merchant_id, received_at=self.wall, **row))

    def send(self, send_id: UUID, **values: Any) -> None:
        """Reserves, or tells the outcome of, one send of the order's card. Only under the card's lock."""
        order = self.order
        if order.card_id is None:
            raise AssertionError("what has no card is not sent")
        usual: dict[str, Any] = {"initiator": order.initiator, "units": order.units, "currency": order.asset}
        self.rows.network_sends.append(
            NetworkSend(
                card_id=order.card_id,
                send_id=send_id,
                acceptor_id=order.merchant.acceptor_id,
                scheme=order.card.scheme if order.card else "generic",
                merchant_id=order.merchant_id,
                order_id=order.order_id,
                **usual | {"at": self.now} | values,
            )
        )

    def forget_code(self) -> None:
        """The card's code, if one was kept, is gone with the first send."""
        order = self.order
        if order.token_id is not None:
            self.rows.codes_used.append(UsedCode(order.merchant_id, order.token_id))

    def decide(self, decision: Decision, features: dict[str, Any], arm: dict[str, Any] | None = None) -> UUID:
        """Stores a decision with everything that it was made from, and answers its id. `arm`: of an order that
        has one, whose decision it is."""
        decision_id, row = new_id(), decision.to_dict()
        del row["group"]  # the attempt's
        keys = {"merchant_id": self.order.merchant_id, "decision_id": decision_id, "order_id": self.order.order_id}
        self.rows.decisions.append(keys | {"at": self.now, "features": features, "arm": arm} | row)
        return decision_id

    def _book(self, row: Step | Fact, booked: Booked | None) -> None:
        """With its line of the log, so that neither is without the other; once per (source, recipe), however often the
        flow runs."""
        if (row.books is None) is not (booked is None):
            raise AssertionError(f"{row.happening} books {row.books.recipe if row.books else 'nothing'}")
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

    def due(self, kind: str, at: datetime, *, subject_id: UUID | None = None, wall: bool = False) -> None:
        self._due[kind, subject_id or self.order.order_id] = (at, wall)

    def undue(self, kind: str, *, subject_id: UUID | None = None) -> None:
        self._due[kind, subject_id or self.order.order_id] = None

    def nothing_due(self) -> None:
        """Nothing that the order would do by itself is waited for any more."""
        self.order.next_attempt_at = None
        for kind in ("admit", "retry", "expire", "release", "unresolved", "challenge", "capture_window"):
            self.undue(kind)

    def take_key(self, operation: str, key: str, input_mac: bytes, answer: dict[str, Any]) -> None:
        """Answers a key that must be new: a race for it undoes the whole transaction."""
        order = self.order
        self.rows.requests.append(
            answered(order.merchant_id, operation, key, input_mac, order.order_id, answer, self.wall)
        )

    def finished(self) -> Rows:
        """The rows to write. The face is computed here, once, from stage and facts."""
        order, rows = self.order, self.rows
        for (table, _), row in self._touched.items():
            getattr(rows, table).append(self._row(row))
        rows.refund_requests.extend(self._row(request) for request in self._asked.values())
        if self._advanced:
            rows.advances.append(self._row(order.advance))
        rows.card_blocks.extend(self._blocks.values())
        for (kind, subject_id), when in self._due.items():
            key = {"merchant_id": order.merchant_id, "kind": kind, "subject_id": subject_id}
            if when is None:
                if self._new_head is None:  # else nothing was due
                    rows.due_done.append(key)
            else:
                rows.due_work.append(key | {"due_at": when[0], "wall": when[1]})
        if order.version != self._started_at:
            order.status = order.face().status
            key = {"merchant_id": order.merchant_id, "order_id": order.order_id}
            rows.orders.append(key | {"stage": order.stage, "version": order.version} | self._amended)
            now_shown = shown(order)
            if self._new_head is None and (now_shown != self._shown_before or "expires_at" in self._amended):
                rows.order_heads.append(key | now_shown | {"expires_at": order.expires_at})
        if self._new_head is not None:
            rows.new_heads.append(self._new_head | shown(order))
        return rows

    def _row(self, value: Any) -> dict[str, Any]:
        """Its columns by name; not copied deeply as `asdict` would, for nobody changes them any more."""
        names, values = columns(value.__class__)
        return {"merchant_id": self.order.merchant_id} | dict(zip(names, values(value), strict=True))


async def write_all(connection: Tx, changes: Iterable[Change]) -> None:
    """Writes the changes of one transaction at once."""
    rows = Rows()
    for change in changes:
        rows.extend(change.finished())
    await write(connection, rows)
