"""Plays one arm against one world in virtual time.

An event queue goes from one due moment to the next. What falls due within an hour is sent in one
batch, but never two events of one customer or one card: of those the later waits for the answer to
the earlier, so that batches change nothing but the number of calls. The gate is asked at the moment
of each send; where it refuses until a time, the arm is asked again, to send then or later.

An unknown outcome counts as sent, and nothing more of that order is sent before it is known: the
same id is asked again after 1, 6 and 24 hours. By then people have found that nothing was taken,
and the arm goes on. A charge that was not processed reached no network: it counts for nothing, and
the arm is asked again an hour later.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Final, Literal

from recoup.networks.codes import Reading
from recoup.networks.limits import Refused
from recoup_lab.compare.book import CardState, Event, OrderState, Standing
from recoup_lab.compare.breaches import early_sends, excess_by_order
from recoup_lab.compare.gate import ACCEPTOR, CardSends, send_of
from recoup_lab.compare.ground import Ground
from recoup_lab.compare.log import Log, closed_row, send_row, stop_row
from recoup_lab.compare.played import Played, Sent, arrivals, sent_of, signature
from recoup_lab.compare.readings import note_unlisted, read
from recoup_lab.compare.seam import Arm, Attempt, Known, SendAt, Stop
from recoup_lab.world.port import WorldAnswer, WorldBroke, WorldCard, WorldCharge, WorldOrder

STEP: Final = timedelta(hours=1)
BATCH_MAX: Final = 1_000
SIGNALS_EVERY: Final = timedelta(hours=6)
ASK_AGAIN_AFTER: Final = (timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
NOT_PROCESSED_MAX: Final = 5
NOT_PROCESSED_WAIT: Final = timedelta(hours=1)
CHARGES_MAX: Final = 500  # of one order

Refusal = Callable[[CardSends, WorldOrder, datetime], Refused | None]


def play(
    ground: Ground,
    name: str,
    arm: Arm,
    sends_max: Callable[[WorldOrder], int | None] = lambda _: None,
    *,
    only: Sequence[int] | None = None,
    log: Log | None = None,
    refusal: Refusal = CardSends.refusal,
) -> Played:
    """`name`: the world's copy that is played on, used once. `sends_max`: of an order, by the
    budget. `only`: the places of orders beside which no others come in. `refusal` is the gate.
    Raises: WorldBroke."""
    return Play(ground, name, arm, sends_max, only, log, refusal).run()


class Play:
    def __init__(
        self,
        ground: Ground,
        name: str,
        arm: Arm,
        sends_max: Callable[[WorldOrder], int | None],
        only: Sequence[int] | None,
        log: Log | None,
        refusal: Refusal,
    ) -> None:
        self.ground, self.name, self.arm, self.log, self.refusal = ground, name, arm, log, refusal
        self.cards: dict[str, CardState] = {}
        self.sent: list[Sent] = []
        self.place = count()
        self.told: dict[str, WorldCard] = {}  # by networks, by the number before
        self.next_signals = ground.hello.now
        self.approved_after: list[float | None] = [None] * len(ground.orders)
        orders, numbers = ground.orders, range(len(ground.orders)) if only is None else only
        states = (
            OrderState(n, orders[n], orders[n].card, ground.customer_of[n], sends_max(orders[n]))
            for n in numbers
        )
        self.queue = [
            Event(state.order.declined_at, next(self.place), "arrival", state, 0)
            for state in states
        ]
        heapify(self.queue)

    def run(self) -> Played:
        while self.queue:
            self._round()
        ground = self.ground
        self.sent = [one for one in self.sent if one.state != "not_processed"]
        sends = [0] * len(ground.orders)
        for one in self.sent:
            sends[one.order] += 1
        counted = [*arrivals(ground.orders), *self.sent]
        excess = excess_by_order(counted, len(ground.orders))
        return Played(
            sends,
            self.approved_after,
            excess,
            early_sends(counted),
            signature(ground.orders, self.sent),
        )

    def _round(self) -> None:
        """Everything due within a step, as far as one answer does not depend on another."""
        start = self.queue[0].at
        if start >= self.next_signals:
            self._hear_signals(start)
        end, busy = start + STEP, set[int | str]()
        waiting: list[Event] = []
        batch: list[tuple[Event, WorldCharge]] = []
        while self.queue and self.queue[0].at < end and len(batch) < BATCH_MAX:
            event = heappop(self.queue)
            if event.turn != event.state.turn:
                continue
            keys: set[int | str] = {event.state.customer, event.state.card.number}
            if keys & busy:
                waiting.append(event)
                busy |= keys
                continue
            charge = self._take(event)
            if charge is not None:
                batch.append((event, charge))
                busy |= keys
        for event in waiting:
            heappush(self.queue, event)
        if batch:
            for (event, charge), answer in zip(
                batch, self._charge([charge for _, charge in batch]), strict=True
            ):
                self._answered(event.state, charge, answer, event.at)

    def _charge(self, charges: Sequence[WorldCharge]) -> Sequence[WorldAnswer]:
        answers = self.ground.world.charge(self.name, charges)
        if [answer.id for answer in answers] != [charge.id for charge in charges]:
            raise WorldBroke("The world must give one answer for each charge, in order.")
        return answers

    def _take(self, event: Event) -> WorldCharge | None:
        """Applies an event to its order: a charge to be sent now, or a plan, or nothing."""
        state = event.state
        if event.kind == "arrival":
            self._arrive(state)
            return None
        if event.kind == "ask_again":
            return state.unanswered
        refused = self.refusal(self._card(state).counted, state.order, event.at)
        if refused is None:
            return self._make_charge(state, event.at)
        if refused.until is None or refused.until >= state.order.expires_at:
            self._end(state, "stopped")
        else:
            self._ask(state, refused.until)
        return None

    def _arrive(self, state: OrderState) -> None:
        order, card = state.order, state.card
        reading = read(card.scheme, order.scheme_code, order.advice_code, order.declined_at.date())
        state.declines.append(reading)
        self._card(state).counted.add(send_of(order, order.declined_at, reading, declined=True))
        state.card = self.told.get(card.number, card)
        held = self._card(state)
        held.orders.append(state)
        if held.closed:
            if self.log is not None:
                self.log(closed_row(self.name, order))
            self._end(state, "ended")
        else:
            self._ask(state, order.declined_at)

    def _card(self, state: OrderState) -> CardState:
        return self._card_by(state.card.number, state.card.scheme)

    def _card_by(self, number: str, scheme: str) -> CardState:
        found = self.cards.get(number)
        if found is None:
            past = self.ground.cards.get(number)
            found = self.cards[number] = CardState(past.copy() if past else CardSends(scheme))
        return found

    def _ask(self, state: OrderState, earliest: datetime) -> None:
        """The arm's next send, planned; or a stop."""
        self._note_unsent(state, "asked_anew")
        left = state.sends_left
        if (left is not None and left <= 0) or state.charges >= CHARGES_MAX:
            self._end(state, "stopped")
            return
        held = self._card(state)
        known = Known(
            earliest,
            state.order,
            state.card,
            tuple(state.declines),
            tuple(state.attempts),
            held.counted.sends,
            [order.order for order in held.orders if order.order.expires_at > earliest],
            left,
            state.decision + 1,
        )
        choice = self.arm.decide(known)
        state.turn += 1
        state.decision += 1
        if isinstance(choice, SendAt) and _whole(max(choice.at, earliest)) < state.order.expires_at:
            state.standing, state.asked = "open", (known, choice)
            self._plan(state, "send", _whole(max(choice.at, earliest)))
            return
        why = choice.why if isinstance(choice, Stop) else "expires_before"
        if self.log is not None:
            self.log(stop_row(self.name, known, choice, why))
        self._end(state, "stopped")

    def _plan(self, state: OrderState, kind: Literal["send", "ask_again"], at: datetime) -> None:
        heappush(self.queue, Event(at, next(self.place), kind, state, state.turn))

    def _end(self, state: OrderState, standing: Standing) -> None:
        self._note_unsent(state, standing)
        state.standing = standing
        state.turn += 1
        if standing != "stopped":
            self._card(state).orders.remove(state)

    def _note_unsent(self, state: OrderState, why: str) -> None:
        if self.log is not None and state.asked is not None:
            self.log(stop_row(self.name, *state.asked, why))
        state.asked = None

    def _make_charge(self, state: OrderState, at: datetime) -> WorldCharge:
        order = state.order
        state.charges, state.charged_at = state.charges + 1, at
        return WorldCharge(
            f"{order.order_id}#{state.charges}",
            order.order_id,
            at,
            order.amount,
            order.currency,
            ACCEPTOR,
            state.card,
        )

    def _answered(
        self, state: OrderState, charge: WorldCharge, answer: WorldAnswer, now: datetime
    ) -> None:
        if answer.error is not None and any(
            attempt.state == "unknown" for attempt in state.attempts
        ):
            self._end(state, "ended")  # it was approved after all
            return
        if answer.error is not None or answer.state is None:
            raise WorldBroke(
                f"The world refused the charge {charge.id}: {answer.error or 'no state'}."
            )
        if answer.state == "not_processed":
            self._not_processed(state, charge, now)
            return
        reading = None
        if answer.state == "declined":
            reading = read(
                charge.card.scheme, answer.scheme_code, answer.advice_code, charge.sent_at.date()
            )
            note_unlisted(self.ground.unlisted, charge.card.scheme, reading)
        self._count(state, charge, answer, reading)
        if answer.state == "unknown" and state.times_asked_again < len(ASK_AGAIN_AFTER):
            state.unanswered = charge
            state.turn += 1
            self._plan(
                state, "ask_again", charge.sent_at + ASK_AGAIN_AFTER[state.times_asked_again]
            )
            state.times_asked_again += 1
            return
        self._settled(state, charge, Attempt(charge.sent_at, answer.state, reading), now)

    def _not_processed(self, state: OrderState, charge: WorldCharge, now: datetime) -> None:
        if state.unanswered is not None:  # it was thought to be sent
            self._discount(state, charge)
            self.sent[state.sent_place] = self.sent[state.sent_place]._replace(
                state="not_processed"
            )
        state.unanswered, state.times_asked_again = None, 0
        state.not_processed += 1
        self._note_sent(state, charge, "not_processed")
        if state.not_processed >= NOT_PROCESSED_MAX:
            self._end(state, "stopped")
        else:
            self._ask(state, now + NOT_PROCESSED_WAIT)

    def _count(
        self, state: OrderState, charge: WorldCharge, answer: WorldAnswer, reading: Reading | None
    ) -> None:
        """Counts an answer, in place of what was known of the same charge before."""
        sent = sent_of(charge, state.number, answer)
        if state.unanswered is None:
            state.sent_place = len(self.sent)
            self.sent.append(sent)
        else:
            self.sent[state.sent_place] = sent
        self._discount(state, charge)
        declined = None if answer.state == "unknown" else reading is not None
        state.counted = send_of(state.order, charge.sent_at, reading, declined=declined)
        self._card_by(charge.card.number, charge.card.scheme).counted.add(state.counted)

    def _discount(self, state: OrderState, charge: WorldCharge) -> None:
        if state.unanswered is not None and state.counted is not None:
            self._card_by(charge.card.number, charge.card.scheme).counted.remove(state.counted)
            state.counted = None

    def _settled(
        self, state: OrderState, charge: WorldCharge, attempt: Attempt, now: datetime
    ) -> None:
        state.unanswered, state.times_asked_again = None, 0
        state.attempts.append(attempt)
        if state.asked is not None:
            self.arm.hear(state.asked[0], attempt)
        self._note_sent(state, charge, attempt.state)
        if attempt.state == "approved":
            self.approved_after[state.number] = (
                charge.sent_at - state.order.declined_at
            ) / timedelta(days=1)
            self._end(state, "approved")
        else:
            state.declines += [attempt.reading] if attempt.reading else []
            self._ask(state, now)

    def _note_sent(self, state: OrderState, charge: WorldCharge, answer: str) -> None:
        if self.log is not None and state.asked is not None:
            self.log(send_row(self.name, *state.asked, charge, answer))
        state.asked = None

    def _hear_signals(self, now: datetime) -> None:
        """Takes in what networks told since the last time: a card's orders are decided anew, or end
        with it."""
        self.next_signals = now + SIGNALS_EVERY
        for signal in self.ground.world.signals(self.name, now):
            held = self.cards.get(signal.card_number)
            if signal.card is not None:
                self.told[signal.card_number] = signal.card
            if held is None:
                continue
            for state in held.orders.copy():
                if signal.card is None:
                    self._end(state, "ended")
                else:
                    self._renew(state, held, signal.card)
                    # A round may have charged it later than this one begins.
                    earliest = max(now, state.charged_at or now)
                    if state.unanswered is None and state.order.expires_at > earliest:
                        self._ask(state, earliest)
            held.closed = held.closed or signal.card is None

    def _renew(self, state: OrderState, held: CardState, card: WorldCard) -> None:
        held.orders.remove(state)
        state.card = card
        self._card(state).orders.append(state)


def _whole(moment: datetime) -> datetime:
    """The protocol's times are whole seconds; never earlier than asked for."""
    return (
        moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)
    )
