"""The sandbox as a route: the processor port over the issuer's book, with the way between them.

The issuer decides and commits first; only then is the answer slow, lost, late or unreadable. A
caller that gives up does not stop the issuer, as in life.
"""

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from recoup.kernel.time import Clocks, WallTime
from recoup.networks.card import is_expired
from recoup.networks.decline_code import OURS, code_by, our_code
from recoup.networks.magic import (
    CONFIRMED,
    PARTIAL_CODES,
    SLOW_SECONDS,
    Answer,
    Fault,
    answer,
    is_payer_card,
)
from recoup.processors.gateways.outcome import is_taken_part
from recoup.processors.gateways.port import (
    Asks,
    Authenticates,
    Card,
    Charge,
    CredentialKind,
    DisputeAnswer,
    Inquiry,
    LookUp,
    ModificationMessage,
    Outcome,
    StatementLine,
    Stored,
    Token,
)
from recoup.processors.gateways.sandbox import book, disputes, methods, movements, tokens
from recoup.processors.gateways.sandbox.book import Decided
from recoup.processors.gateways.sandbox.connections import (
    LOST,
    Connect,
    Connections,
    Kind,
    active_faults,
    clear_faults,
    set_fault,
)
from recoup.processors.gateways.wire_amounts import IsoAmounts
from recoup.processors.rules.credential import KINDS

_LATE_BY: Final = timedelta(
    seconds=0.5
)  # after the time-out, and well before `settled_after` is over
_MUTE_FOR: Final = timedelta(days=2)
_UNPROCESSED: Final = "not_processed"


class SandboxProcessor(IsoAmounts):
    """Implements `port.Processor`. `mac_key` makes the book's card identities; the book never holds
    a number."""

    kind = "sandbox"
    asks: Asks = "by_our_key"
    takes: frozenset[CredentialKind] = KINDS
    idempotency_window = timedelta(days=30)
    settled_after = timedelta(seconds=1)
    unprocessed_codes = frozenset({_UNPROCESSED})
    takes_files = multicapture = True
    keeps_rest = False
    authenticates: Authenticates = "at_hand"

    def __init__(
        self,
        source: str | Connect,
        *,
        mac_key: bytes,
        acceptor_id: str = "sandbox",
        name: str = "sandbox",
        clocks: Clocks | None = None,
        connections: int = 4,
    ) -> None:
        """`source`: DSN of the sandbox database, or what opens a connection to it. The book must be
        installed."""
        self.name, self.acceptor_id = name, acceptor_id
        self._connections = Connections(source, connections)
        self._mac_key = mac_key
        self._clocks = clocks or Clocks()
        self._running: set[asyncio.Task[Outcome]] = set()

    async def close(self) -> None:
        """Drop what is on its way, and the connections."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._connections.close()

    async def charge(self, charge: Charge) -> Outcome:
        if isinstance(charge.credential, Stored):
            card = methods.card_of(charge.credential)
            if card is None:
                return methods.GONE
            charge = replace(charge, credential=card)
        if isinstance(charge.credential, Token):
            credential = await self._card_of_token(charge, charge.credential)
            if isinstance(credential, Outcome):
                return credential
            charge = replace(charge, credential=credential)
        outcome = await self._within(charge.timeout_seconds, self._charge(charge))
        return methods.with_news(_with_code(outcome, charge.card), charge.card)

    def brought_back(self, query: Mapping[str, str]) -> str | None:
        return None

    async def describe(self, stored: Stored) -> Stored | None:
        return methods.described(stored)

    async def modify(self, message: ModificationMessage) -> Outcome:
        return await self._within(message.timeout_seconds, self._modify(message))

    async def inquire(self, inquiry: Inquiry) -> Outcome:
        """Inquires, never later than 10 s: unknown when the processor does not answer."""
        return await self._within(10.0, self._inquire(inquiry.id))

    async def look_up(self, question: LookUp) -> Outcome:
        """Its book lies in our own database, and forgets with it."""
        return await self.inquire(Inquiry(question.message.id))

    async def end_silence(self, ids: Sequence[UUID]) -> list[UUID]:
        """Inquiries about these charges are answered from now on; answers those of which that was
        not so."""
        async with self._connections.one() as connection:
            return await book.end_silence(connection, ids, self._clocks.wall())

    async def movements(
        self, merchant_id: UUID, begin: datetime, end: datetime
    ) -> AsyncIterator[list[StatementLine]]:
        """The movements taken and given back for a merchant in that time of the merchant's clock,
        some lines at a time."""
        async with self._connections.one() as connection:
            async for lines in movements.lines(connection, self.name, merchant_id, begin, end):
                yield [
                    line if line.id is None else line._replace(reference=_reference(line.id))
                    for line in lines
                ]

    async def answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return await self._within(answer.timeout_seconds, self._answer_dispute(answer))

    async def dispute(self, request: disputes.DisputeRequest) -> disputes.Notice | None:
        """The cardholder disputes a charge, or takes the case further; what the issuer then tells.
        None when it cannot be disputed so."""
        async with self._connections.one() as connection:
            return await disputes.dispute(connection, request)

    async def decide_dispute(
        self, charge_id: UUID, won: bool, case: str | None = None
    ) -> disputes.Notice | None:
        """The charge's newest case, or the one named, is decided; None when none is open."""
        async with self._connections.one() as connection:
            return await disputes.decide(connection, charge_id, won, case)

    async def force(self, order_id: UUID, approve: bool) -> None:
        """The operator decides what the issuer says to this order."""
        async with self._connections.one() as connection:
            await book.tell(connection, order_id, approve)

    async def keep_timetables(self, timetables: Sequence[book.Timetable]) -> None:
        """Makes the answers to these cards depend on the time of the charge."""
        async with self._connections.one() as connection:
            await book.keep_timetables(
                connection, [(self._mac(timetable.pan), timetable) for timetable in timetables]
            )

    async def statement(self, order_id: UUID) -> list[dict[str, Any]]:
        """The statement that the cardholder reads about this order: at, descriptor, units,
        currency."""
        async with self._connections.one() as connection:
            return [
                dict(row) for row in await book.statement(connection, order_id, self._clocks.wall())
            ]

    async def misbehave(self, kind: Kind, until: WallTime) -> None:
        async with self._connections.one() as connection:
            await set_fault(connection, kind, until)

    async def behave(self, kind: Kind | None = None) -> None:
        async with self._connections.one() as connection:
            await clear_faults(connection, kind)

    async def _card_of_token(self, charge: Charge, token: Token) -> Card | Outcome:
        try:
            async with self._connections.one() as connection:
                return await tokens.card_of(connection, self._mac_key, charge.merchant_id, token)
        except LOST:
            return Outcome("not_sent", text="the connection failed", fault="outage")

    async def _within(self, timeout_seconds: float, call: Coroutine[Any, Any, Outcome]) -> Outcome:
        started = self._clocks.monotonic()
        task = asyncio.create_task(call)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        done, _ = await asyncio.wait({task}, timeout=timeout_seconds)
        outcome = task.result() if done else _NO_ANSWER
        return replace(outcome, latency_ms=round((self._clocks.monotonic() - started) * 1000))

    async def _charge(self, charge: Charge) -> Outcome:
        mac = self._mac(charge.card.pan)
        decided: Decided | None
        fault: Fault | None
        sent = False
        try:
            async with self._connections.one() as connection:
                past = await book.past(connection, charge, mac, self._clocks.wall())
                if "outage" in past.faults:
                    return Outcome("not_sent", text="connection refused", fault="outage")
                answer = self._answer(charge, past)
                if answer is not None and past.scripted is not None:
                    answer = Answer(past.scripted, "00" if past.scripted else "05")
                if answer is None:
                    return Outcome("not_sent", text="the sandbox takes magic card numbers only")
                if self._clocks.monotonic() >= charge.send_before_monotonic:
                    return Outcome("not_sent", text="too late to send")
                sent = True
                if past.decided is not None:
                    await book.arrived(connection, charge, mac, self._clocks.wall())
                    decided, fault = past.decided, _still_late(past.decided, self._clocks.wall())
                elif answer.fault in ("outage", "lost", "unprocessed"):
                    await self._drop(connection, charge, mac, answer.fault)
                    decided, fault = None, answer.fault
                else:
                    decided, fault = (
                        await self._decide(connection, charge, mac, answer, past),
                        answer.fault,
                    )
        except LOST:
            return Outcome("unknown" if sent else "not_sent", text="the connection failed")
        outcome = (
            _outcome(charge.id, decided) if decided else _UNDECIDED.get(fault or "", _NO_ANSWER)
        )
        return await _deliver(outcome, fault, past.faults, charge.timeout_seconds)

    def _mac(self, pan: str) -> bytes:
        return hmac.digest(self._mac_key, pan.encode(), hashlib.sha256)

    def _answer(self, charge: Charge, past: book.Past) -> Answer | None:
        if is_payer_card(charge.card.pan):
            return _timed(past.timed)
        return answer(
            charge.card.pan,
            units=charge.units,
            by_customer=charge.initiator == "customer",
            phone=charge.phone,
            cvv_given=charge.card.cvv is not None,
            capture=charge.capture,
            confirmed=(charge.three_d_secure or {}).get("authenticationValue") == CONFIRMED,
            sends_before=past.sends,
            declines_before=past.declines,
            expired=charge.card.exp_year > 0
            and is_expired(charge.card.exp_month, charge.card.exp_year, charge.sent_at),
        )

    async def _decide(
        self, connection: Any, charge: Charge, mac: bytes, answer: Answer, past: book.Past
    ) -> Decided:
        now = self._clocks.wall()
        known_from = None
        if answer.fault == "late":
            known_from = now + timedelta(seconds=charge.timeout_seconds) + _LATE_BY
        if answer.fault == "mute":
            known_from = now + _MUTE_FOR
        if answer.code in PARTIAL_CODES and is_taken_part(
            charge.units // 2, charge.units, charge.part_from
        ):
            charge, answer = (
                replace(charge, units=charge.units // 2),
                replace(answer, approved=True),
            )
        word = "approved" if answer.approved else "declined"
        decision = Decided(word, answer.code, answer.advice, None, known_from, charge.units)
        hidden = {"hidden": 1, "mute": book.NO_ANSWERS}.get(answer.fault or "", 0)
        decided = await book.decide_charge(
            connection, charge, mac, now, decision, hidden, self.name
        )
        if answer.fault == "duplicate" or "duplicate" in past.faults:
            decided = await book.decide_charge(
                connection, charge, mac, self._clocks.wall(), decision, hidden, self.name
            )
        return decided

    async def _drop(self, connection: Any, charge: Charge, mac: bytes, why: str) -> None:
        now = self._clocks.wall()
        await book.drop(connection, charge, why, now)
        if why == "unprocessed":
            await book.arrived(connection, charge, mac, now)

    async def _modify(self, message: ModificationMessage) -> Outcome:
        async def decide(connection: Any, faults: Set[str]) -> Decided:
            decided = await book.decide_reversal(
                connection, message, self._clocks.wall(), "refuse" in faults
            )
            if "duplicate" in faults:
                decided = await book.decide_reversal(connection, message, self._clocks.wall())
            return decided

        return await self._outcome_of(message, decide)

    async def _answer_dispute(self, answer: DisputeAnswer) -> Outcome:
        return await self._outcome_of(
            answer, lambda connection, _: disputes.hear(connection, answer)
        )

    async def _outcome_of(
        self,
        message: ModificationMessage | DisputeAnswer,
        decide: Callable[[Any, Set[str]], Awaitable[Decided]],
    ) -> Outcome:
        """The issuer's outcome of a message about a charge that it has; `decide` writes its
        book."""
        sent = False
        try:
            async with self._connections.one() as connection:
                faults = await active_faults(connection, self._clocks.wall())
                if "outage" in faults:
                    return Outcome("not_sent", text="connection refused", fault="outage")
                if self._clocks.monotonic() >= message.send_before_monotonic:
                    return Outcome("not_sent", text="too late to send")
                sent = True
                decided = await decide(connection, faults)
        except LOST:
            return Outcome("unknown" if sent else "not_sent", text="the connection failed")
        return await _deliver(_outcome(message.id, decided), None, faults, message.timeout_seconds)

    async def _inquire(self, id: UUID) -> Outcome:
        try:
            async with self._connections.one() as connection:
                now: WallTime = self._clocks.wall()
                faults = await active_faults(connection, now)
                if "outage" in faults:
                    return Outcome("unknown", text="connection refused", fault="outage")
                decided = await book.inquire(connection, id, now)
        except book.NoAnswerError:
            return _NO_ANSWER
        except LOST:
            return Outcome("unknown", text="the connection failed")
        outcome = (
            _outcome(id, decided)
            if decided
            else Outcome("not_found", text="no message with this id")
        )
        return await _deliver(outcome, None, faults - {"silent"}, 10.0)


def _timed(text: str | None) -> Answer:
    """A card that has no timetable belongs to nobody."""
    code, _, advice = (text or _NOBODY).partition("/")
    return Answer(code in _APPROVED, code, advice or None)


_NOBODY: Final = "14"
_APPROVED: Final = frozenset({"00", "000"})
_RISKY: Final = frozenset({"34", "41", "43", "59", "63"})  # the codes of fraud and of lost cards
_NO_ANSWER: Final = Outcome("unknown", text="no answer in time")
_UNDECIDED: Final = {
    "outage": Outcome("not_sent", text="connection refused", fault="outage"),
    "unprocessed": Outcome(
        "not_sent", processor_code=our_code(_UNPROCESSED), text="refused before it was processed"
    ),
}


async def _deliver(
    outcome: Outcome, fault: str | None, faults: frozenset[str], timeout_seconds: float
) -> Outcome:
    """The answer's way back. A time-out while it is slow is the caller's to notice."""
    if fault in ("silent", "late", "hidden", "lost", "mute") or "silent" in faults:
        await asyncio.sleep(timeout_seconds)
        return _NO_ANSWER
    if fault == "garbage":
        return Outcome("unknown", text="the answer could not be read")
    if fault == "slow" or "slow" in faults:
        await asyncio.sleep(SLOW_SECONDS)
    return outcome


def _still_late(decided: Decided, now: WallTime) -> Fault | None:
    """A repeat gets the first answer, unless the first message is still on its way."""
    return "late" if decided.known_from is not None and decided.known_from > now else None


def _outcome(id: UUID, decided: Decided) -> Outcome:
    """The same words for the same id, always."""
    if decided.decision == "declined":
        return Outcome(
            "declined",
            _reference(id),
            decided.scheme_code,
            decided.advice_code,
            code_by(OURS, decided.why),
            "declined",
            **_checked(id, decided),
        )
    return Outcome(
        "approved",
        _reference(id),
        decided.scheme_code or "00",
        text="approved",
        units=decided.units,
        network_transaction_id=str(_number(b"network", id))[:15].rjust(15, "0"),
        auth_code=f"{_number(b'authorisation', id) % 1_000_000:06}",
        **_checked(id, decided),
    )


def _checked(id: UUID, decided: Decided) -> dict[str, Any]:
    """The twin's checks: the code and the address by the answer that they would lead to, the risk
    by its code."""
    code, luck = decided.scheme_code, _number(b"checks", id)
    if decided.decision != "approved" and code is None:
        return {}
    risky = code in _RISKY
    return {
        "avs": "N" if code == "46" else ("Y", "Y", "Y", "Z", "A", "U")[luck % 6],
        "risk": "high" if risky else "elevated" if luck % 12 == 0 else "low",
        "risk_score": 75 + luck % 25 if risky else 40 + luck % 30 if luck % 12 == 0 else luck % 40,
    }


def _with_code(outcome: Outcome, card: Card) -> Outcome:
    """The result of the card's code, where one was sent."""
    if card.cvv is None or outcome.state not in ("approved", "declined"):
        return outcome
    return replace(outcome, cvv="N" if outcome.scheme_code in ("N7", "82") else "M")


def _number(what: bytes, id: UUID) -> int:
    return int.from_bytes(hashlib.sha256(what + id.bytes).digest()[:8], "big")


def _reference(id: UUID) -> str:
    return "sbx_" + hashlib.sha256(b"reference" + id.bytes).hexdigest()[:20]
