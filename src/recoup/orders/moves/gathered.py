"""Changes to a single locked order in a single transaction, gathered as rows: nothing is decided
here."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from msgspec.structs import replace

from recoup.kernel.feature import FeatureDue
from recoup.kernel.filled import filled
from recoup.kernel.ids import new_id
from recoup.kernel.scope import Actor
from recoup.kernel.time import BusinessTime, WallTime
from recoup.networks.card_text import without_card
from recoup.orders.moves.rows import head_of, shown
from recoup.orders.rules.decision import Decision
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.refund_limits import RefundApproval, RefundApprovalContext
from recoup.orders.rules.snapshot import (
    Advance,
    Attempt,
    Challenge,
    Modification,
    Order,
    Settlement,
)
from recoup.orders.rules.wallet import Wallet
from recoup.orders.store.changes import Owned, Rows
from recoup.orders.store.requests import answered
from recoup.orders.store.rows import (
    CardBlock,
    CardResult,
    DecisionRow,
    DueKey,
    DueKind,
    DueWork,
    KeptNotice,
    NetworkSend,
    OrderChange,
    OrderState,
    ProcessorId,
    UsedCode,
    keep_ids,
)
from recoup.terms.rules.exposure import Wish

T = TypeVar("T")


class Gathered:
    """The rows of `order` at one instant. Changes `order` itself too, so that rules see the new
    state."""

    def __init__(
        self,
        order: Order,
        *,
        now: BusinessTime,
        wall: WallTime,
        actor: Actor,
        request_id: str,
        is_new: bool = False,
    ) -> None:
        """Starts a transaction's changes. `is_new`: this transaction admits the order."""
        self.order, self.now, self.wall = order, now, wall
        self.who, self.actor, self._request_id = actor, actor.text(), request_id
        self.rows = Rows()
        self._started_at, self._shown_before, self._is_new = order.version, shown(order), is_new
        self._touched: dict[tuple[str, UUID], Any] = {}
        self._made: set[UUID] = set()  # of those, the rows that nobody has written yet
        self._blocks: dict[UUID, CardBlock] = {}
        self._due: dict[tuple[str, UUID], tuple[datetime, bool] | None] = {}
        self._amended: dict[str, Any] = {}
        self.wish: Wish | None = None  # room for an advance, answered before anything is written
        self._advanced = False
        self.refund_context: RefundApprovalContext | None = (
            None  # limits and requests, where people refund
        )
        self.role: str | None = None  # as what a person acts, whose limits hold
        self.leaving_units = 0  # that this person sends without a second one
        self.wallet: Wallet | None = None  # of a stablecoin order, where money may leave it
        self._given: dict[type[Any], Any] = {}
        self.has_updater = False  # somebody can say whether the order's card was replaced
        self.off_since: WallTime | None = None  # all sending is off: no intent to send may be made
        self.chance: int | None = (
            None  # millionths, that a send now is approved, where the engine has just said so
        )
        self._refund_approvals: dict[UUID, RefundApproval] = {}
        self.freed_units = 0  # of the exposure that the order's advance holds
        self.lost_units = 0  # of those: written off, so that their room is not used again

    def give(self, value: object) -> None:
        """Hands over what a subject above decides by, such as the engine of an order with an arm:
        one of each type."""
        self._given[type(value)] = value

    def given(self, kind: type[T]) -> T | None:
        """The value given of that type."""
        return self._given.get(kind)

    def set_attempt(self, attempt: Attempt, **values: Any) -> None:
        self._set("attempts", attempt.attempt_id, attempt, values)

    def set_modification(self, refund: Modification, **values: Any) -> None:
        self._set("modifications", refund.modification_id, refund, values)

    def identify(self, movement_id: UUID, ids: Iterable[str | None]) -> None:
        """Keeps what else the processor calls an attempt or modification."""
        merchant_id, card = self.order.merchant_id, self.order.card
        rows = [
            ProcessorId(merchant_id, movement_id, id)
            for id in ids
            if id and without_card(id, card) == id
        ]
        self.rows.beside += [(keep_ids, row) for row in rows]

    def set_request(self, request: RefundApproval, **values: Any) -> None:
        for name, value in values.items():
            setattr(request, name, value)
        self._refund_approvals[request.request_id] = request

    def set_challenge(self, challenge: Challenge, **values: Any) -> None:
        self._set("challenges", challenge.challenge_id, challenge, values)

    def set_settlement(self, settlement: Settlement, **values: Any) -> None:
        self._set("settlements", settlement.settlement_id, settlement, values)

    def _set(self, table: str, row_id: UUID, row: Any, values: dict[str, Any]) -> None:
        """Changes one of the order's rows, or adds it; `table` names it in the order and in the
        write alike."""
        for name, value in values.items():
            setattr(row, name, value)
        rows = getattr(self.order, table)
        if row not in rows:
            rows.append(row)
            self._made.add(row_id)
        self._touched[table, row_id] = row

    def set_advance(self, advance: Advance, **values: Any) -> None:
        """Sets the advance; what is no longer due of it frees as much of the exposure."""
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
        """Blocks further sends of the order's card for this merchant; `until` in the past lets go.
        Under the card's lock."""
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
        """Keeps a processor's notice, once."""
        self.rows.dispute_notices.append(
            KeptNotice(merchant_id=self.order.merchant_id, received_at=self.wall, **row)
        )

    def send(self, send_id: UUID, **values: Any) -> None:
        """Reserves, or tells the outcome of, one send of the order's card. Only under the card's
        lock. What was given when it was reserved stays so: amount, initiator and acceptor."""
        order = self.order
        if order.card_id is None:
            raise AssertionError("what has no card is not sent")
        usual: dict[str, Any] = {
            "initiator": order.initiator,
            "units": order.units,
            "currency": order.asset,
            "acceptor_id": order.merchant.acceptor_id,
        }
        is_new = values.get("state", "reserved") == "reserved" or bool(values.get("claimed"))
        self.rows.network_sends.append(
            NetworkSend(
                card_id=order.card_id,
                send_id=send_id,
                known_at=self.wall if is_new else None,
                answered_at=self.wall if values.get("declined") is not None else None,
                scheme=order.card.scheme if order.card else "generic",
                merchant_id=order.merchant_id,
                order_id=order.order_id,
                **usual | {"at": self.now} | values,
            )
        )

    def note_result(self, attempt: Attempt) -> None:
        """Keeps what an answered attempt says of its card beyond this order."""
        order, checks, at = self.order, attempt.checks, attempt.sent_at
        approved, id = attempt.state == "approved", attempt.network_transaction_id
        risk = checks is not None and (
            checks.risk_score is not None or checks.risk_level is not None
        )
        if order.pan_id is None or not (approved or risk):
            return
        kept = id if approved else None
        first = kept if attempt.initiator == "customer" else None
        self.rows.card_results.append(
            CardResult(
                merchant_id=order.merchant_id,
                pan_id=order.pan_id,
                approvals=int(approved),
                first_network_id=first,
                first_at=at if first else None,
                latest_network_id=kept,
                latest_at=at if kept else None,
                risk_score=checks.risk_score if checks is not None else None,
                risk_level=checks.risk_level if checks is not None else None,
                risk_at=at if risk else None,
            )
        )

    def forget_code(self) -> None:
        """The card's code, if one was kept, is gone with the first send."""
        order = self.order
        if order.token_id is not None:
            self.rows.codes_used.append(UsedCode(order.merchant_id, order.token_id))

    def decide(
        self, decision: Decision, features: dict[str, Any], arm: dict[str, Any] | None = None
    ) -> UUID:
        """Stores a decision with everything that it was made from, and answers its id. `arm`: of an
        order that has one, whose decision it is."""
        decision_id = new_id()
        self.rows.decisions.append(
            filled(
                DecisionRow,
                decision,
                merchant_id=self.order.merchant_id,
                decision_id=decision_id,
                order_id=self.order.order_id,
                at=self.now,
                features=features,
                plan=[moment.isoformat() for moment in decision.plan],
                arm=arm,
            )
        )
        return decision_id

    def due(
        self,
        kind: DueKind | FeatureDue,
        at: datetime,
        *,
        subject_id: UUID | None = None,
        wall: bool = False,
    ) -> None:
        self._due[kind, subject_id or self.order.order_id] = (at, wall)

    def undue(self, kind: DueKind | FeatureDue, *, subject_id: UUID | None = None) -> None:
        self._due[kind, subject_id or self.order.order_id] = None

    def take_key(self, operation: str, key: str, input_mac: bytes, answer: dict[str, Any]) -> None:
        """Answers a key that must be new: a race for it undoes the whole transaction."""
        order = self.order
        self.rows.requests.append(
            answered(
                order.merchant_id, operation, key, input_mac, order.order_id, answer, self.wall
            )
        )

    def finished(self) -> Rows:
        """The rows to write. The face is computed here, once, from stage and facts."""
        order, rows = self.order, self.rows
        for (table, row_id), row in self._touched.items():
            is_new = row_id in self._made and table in ("attempts", "modifications")
            part = getattr(rows, f"new_{table}" if is_new else table)
            part.append(Owned(order.merchant_id, row))
        rows.refund_requests.extend(
            Owned(order.merchant_id, approval) for approval in self._refund_approvals.values()
        )
        if self._advanced and order.advance is not None:
            rows.advances.append(Owned(order.merchant_id, order.advance))
        rows.card_blocks.extend(self._blocks.values())
        for (kind, subject_id), when in self._due.items():
            if when is not None:
                rows.due_work.append(DueWork(order.merchant_id, kind, subject_id, *when))
            elif not self._is_new:  # else nothing was due
                rows.due_done.append(DueKey(order.merchant_id, kind, subject_id))
        if order.version != self._started_at:
            order.status = order.face().status
            rows.order_states.append(
                OrderState(order.merchant_id, order.order_id, order.stage, order.version)
            )
        if self._amended:
            rows.orders.append(
                OrderChange(merchant_id=order.merchant_id, order_id=order.order_id, **self._amended)
            )
        if self._is_new:
            rows.new_heads.append(head_of(order))
            return rows
        before, now_shown = self._shown_before, shown(order)
        if order.version == self._started_at:  # a plan may move without a line of the log
            now_shown = replace(before, next_attempt_at=order.next_attempt_at)
        if now_shown != before:
            rows.order_heads.append(now_shown)
        return rows
