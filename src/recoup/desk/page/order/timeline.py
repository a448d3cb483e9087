"""Timeline of everything that happened to an order, newest first: log, ledger, webhooks, notes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from msgspec.structs import replace

from recoup.desk.page.order.stable_words import SAY as STABLE_SAY
from recoup.desk.page.order.stable_words import event_name
from recoup.desk.page.order.words import actor_words, say
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import parse_id
from recoup.kernel.money import money
from recoup.kernel.problem import Figure, Sentence, figure, joined, shaped
from recoup.networks.codes import SOURCE_NAMES, read_kept
from recoup.networks.reasons import UNCLEAR
from recoup.orders.rules.attention import sentence_of
from recoup.orders.rules.faces import face
from recoup.orders.rules.ledger import ACCOUNTS, RECIPES
from recoup.orders.rules.lifecycle import Stage
from recoup.orders.rules.words import SCHEME_WORDS
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import (
    PageDecision,
    PageEntry,
    PageEvent,
    PageNote,
    PagePosting,
    PageTry,
)
from recoup.orders.store.rows import LogLine
from recoup.people.page.timeline_entry import LogContext
from recoup.rescue.rules.sentences import decline_that_came_in, last_answer
from recoup.webhooks.page.who import ERRORS

_WHO: Final = {**SCHEME_WORDS, **SOURCE_NAMES}


def source_word(source: str) -> str:
    """`NMI`, `Visa`; a name that we do not know as the merchant wrote it."""
    return _WHO.get(source.lower(), source)


def in_received_codes(page: OrderPage) -> OrderPage:
    """The page with the log's codes as sentences, whose reasons name no code that nobody said."""
    decline = page.order.facts.get("decline") or {}
    codes = [decline.get("code"), decline.get("advice")]
    codes += [
        code for a in page.attempts for code in (a.scheme_code, a.processor_code, a.advice_code)
    ]
    known_codes = {str(code).strip().upper().zfill(2) for code in codes if code}
    plainer = {
        row.decision_id: dict(_without(row.features.get("reading"), known_codes))
        for row in page.decisions
    }
    return replace(
        page,
        decisions=[
            replace(decision, reasons=_sentences(decision.reasons, plainer[decision.decision_id]))
            for decision in page.decisions
        ],
        log=[
            replace(
                line,
                body=_body(
                    line.body, plainer.get(line.decision_id, {}) if line.decision_id else {}
                ),
            )
            for line in page.log
        ],
    )


def _without(
    reading: Mapping[str, Any] | None, known_codes: Collection[str]
) -> Iterator[tuple[str, str]]:
    """A decision's sentences about the answer -> the same without codes that are not in
    `known_codes`."""
    if not reading:
        return
    reason, code, advice = reading["reason"], reading["code"], reading["advice"]
    known_code, advised = (
        code if code in known_codes else None,
        advice if advice in known_codes else None,
    )
    yield last_answer(reason, code, advice), last_answer(reason, known_code, advised)
    yield last_answer(reason, code), last_answer(reason, known_code)
    yield decline_that_came_in(reason, code), decline_that_came_in(reason, known_code)


def _body(body: Mapping[str, Any], plainer: Mapping[str, str]) -> dict[str, Any]:
    news: dict[str, Any] = {}
    if isinstance(body.get("why"), str):
        news["why"] = sentence_of(plainer.get(body["why"], body["why"]))
    if body.get("reasons"):
        news["reasons"] = _sentences(body["reasons"], plainer)
    return {**body, **news}


def _sentences(reasons: Iterable[str], plainer: Mapping[str, str]) -> list[str]:
    return [sentence_of(plainer.get(reason, reason)) for reason in reasons]


KINDS: Final = ("all", "attempts", "money", "webhooks", "notes")
_MONEY_BACK: Final = frozenset({"refund", "reversal", "void", "capture"})
_REFUNDS: Final = {"refund_owed": 1, "refund_refused": -1}
_DISPUTES: Final = {"dispute_opened": 1, "dispute_won": -1}
_DELIVERIES: Final = {
    "delivered": "Webhook {name} delivered",
    "failed": "Webhook {name} failed",
    "parked": "Webhook {name} given up",
    "disabled": "Webhook {name}: the endpoint was switched off",
}
ERASED: Final = "Its text was erased with the customer's data."
_TYPED: Final = "\ue000"  # stands for what somebody typed until the words around it are translated


@frozen
class Item:
    """Item of the timeline. `at` is business time, of a delivery wall time; `status` the face after
    it; `reasons` and `entries` open on demand. `text` is ours, `typed` what somebody typed within
    it: see `filled`."""

    at: datetime
    title: str
    text: str
    icon: str
    tone: str
    kind: str
    status: int
    by: str = ""
    reasons: tuple[str, ...] = ()
    entries: tuple[tuple[str, str], ...] = ()  # account, and what of it
    sent: tuple[UUID, UUID] | None = (
        None  # endpoint and try of a delivery that is the merchant's own
    )
    typed: str = ""
    seq: int = 0  # of a line of the log

    def filled(self, text: str) -> str:
        """`text`: the text in its reader's language."""
        return text.replace(_TYPED, self.typed) if self.typed else text


def timeline(page: OrderPage, now: datetime, zone: str) -> list[Item]:
    items: list[tuple[datetime, int, int, Item]] = []
    statuses = _statuses(page)
    for line in page.log:
        items.append(
            (line.recorded_at, 0, line.seq, _line(page, line, statuses[line.seq], now, zone))
        )
    for number, postings in enumerate(_together(page.postings)):
        status = _at(page.log, statuses, postings[0].recorded_at)
        items.append(
            (postings[0].recorded_at, 1, number, _posted(postings, status, page.sent_text))
        )
    for event in page.events:
        for attempt in event.tries:
            status = _at(page.log, statuses, attempt.at)
            items.append((attempt.at, 2, attempt.try_no, _delivery(page, event, attempt, status)))
    for number, note in enumerate(page.notes):
        status = _at(page.log, statuses, note.recorded_at)
        items.append((note.recorded_at, 3, number, _note(note, status)))
    return _once([item for *_, item in sorted(items, key=lambda i: i[:3], reverse=True)])


def _once(items: Sequence[Item]) -> list[Item]:
    """Drops what is said again within a second."""
    kept, seen = list[Item](), set[tuple[object, ...]]()
    for item in items:
        what = (
            item.at.replace(microsecond=0),
            item.title,
            item.text,
            item.by,
            item.status,
            item.sent,
            item.typed,
        )
        if what in seen and not item.reasons:
            continue
        seen.add(what)
        kept.append(item)
    return kept


def lives(page: OrderPage, now: datetime, zone: str) -> dict[UUID, list[Item]]:
    """Refund id -> what happened to it, oldest first. A reversal begins with its attempt's late
    approval."""
    by_refund: dict[UUID, list[Item]] = {}
    for refund in page.modifications:
        began = {refund.modification_id} | (
            {refund.attempt_id} if refund.kind == "reversal" else set()
        )
        by_refund[refund.modification_id] = [
            _line(page, line, page.head.status, now, zone)
            for line in page.log
            if line.fact_kind in _MONEY_BACK
            and line.fact_id in began
            or refund.kind == "reversal"
            and line.happening == "approved_late"
            and line.fact_id in began
        ]
    return by_refund


def moments(page: OrderPage, now: datetime, zone: str, fact_id: UUID) -> list[Item]:
    """The lines that are about one thing alone, newest first."""
    statuses = _statuses(page)
    lines = [line for line in page.log if line.fact_id == fact_id]
    return [_line(page, line, statuses[line.seq], now, zone) for line in reversed(lines)]


def _statuses(page: OrderPage) -> dict[int, int]:
    """The face after each line: the fold of the log up to it."""
    order, refunded, disputed, statuses = page.order, 0, 0, {}
    for line in page.log:
        units = int(line.body.get("units") or 0)
        refunded += _REFUNDS.get(line.happening, 0) * units
        disputed += _DISPUTES.get(line.happening, 0) * units
        shown = face(Stage(line.dst), order.kind, order.units, refunded, disputed > 0)
        statuses[line.seq] = shown.status
    if page.log:
        statuses[page.log[-1].seq] = page.head.status
    return statuses


def _at(log: Sequence[LogLine], statuses: Mapping[int, int], moment: datetime) -> int:
    before = [statuses[line.seq] for line in log if line.recorded_at <= moment]
    return before[-1] if before else 0


def _line(page: OrderPage, line: LogLine, status: int, now: datetime, zone: str) -> Item:
    order = page.order
    more = _came_in(page) if line.src == Stage.NEW else {}
    typed: str | None = next((words.text for words in page.words if words.seq == line.seq), None)
    name = "said" if line.happening == "attempt_not_sent" else "why"
    more |= {name: _TYPED if typed else ERASED} if typed is not None else {}
    context = LogContext(
        line.body | more,
        order.asset,
        order.units,
        page.card.scheme if page.card else "generic",
        now,
        order.expires_at,
        page.sent_text,
        zone,
    )
    stable = STABLE_SAY.get(line.happening) if order.kind == "stable" else None
    entry = stable(context) if stable else say(line.happening, context)
    decision = decision_of(page, line.decision_id) or _decision_when_due(page, line)
    beside = (
        decision_of(page, parse_id(line.body.get("risk") or ""))
        if line.happening == "planned"
        else None
    )
    reasons = (*(decision.reasons if decision else ()), *(beside.reasons if beside else ()))
    return Item(
        line.business_at,
        entry.title,
        entry.text,
        entry.icon,
        entry.tone,
        entry.kind,
        status,
        "" if line.actor.startswith("worker:") else actor_words(line.actor),
        reasons,
        typed=typed or "",
        seq=line.seq,
    )


def _decision_when_due(page: OrderPage, line: LogLine) -> PageDecision | None:
    """The engine's decision when the attempt came due; another attempt's reasons stand at its
    plan."""
    decision = (
        decision_of(page, parse_id(line.body.get("decision") or ""))
        if line.happening == "attempt_sent"
        else None
    )
    return decision if decision is not None and decision.features.get("due_at") else None


def _note(note: PageNote, status: int) -> Item:
    text = note.text or ERASED
    return Item(
        note.business_at, "Note", text, "note", "", "notes", status, by=actor_words(note.actor)
    )


def _came_in(page: OrderPage) -> dict[str, Any]:
    """The merchant's own decline, as the knowledge of its day reads it, and the amount of then."""
    changed = next((line.body for line in page.log if line.happening == "amount_changed"), {})
    decline = page.order.facts.get("decline") or {}
    scheme = page.card.scheme if page.card else "generic"
    reading = read_kept(decline, scheme=scheme, on=page.order.placed_at.date())
    meaning = decline.get("text") if reading.reason == UNCLEAR else None
    return {
        "code": str(decline.get("code") or ""),
        "source": source_word(str(decline.get("source") or "").strip()),
        "meaning": meaning or reading.meaning.partition(";")[0],
        "units": changed.get("before"),
    }


def decision_of(page: OrderPage, decision_id: UUID | None) -> PageDecision | None:
    return next(
        (decision for decision in page.decisions if decision.decision_id == decision_id), None
    )


def _together(postings: Sequence[PagePosting]) -> list[list[PagePosting]]:
    """Postings of one source at one instant are one event to a reader."""
    groups: dict[tuple[str, UUID, datetime], list[PagePosting]] = {}
    for posting in postings:
        groups.setdefault((posting.source_kind, posting.source_id, posting.recorded_at), []).append(
            posting
        )
    return list(groups.values())


def _posted(postings: Sequence[PagePosting], status: int, like: str | None) -> Item:
    """Item of postings: what they change for the merchant is the title; each recipe is a part of
    the sentence."""
    entries = [(p.recipe, e) for p in postings for e in p.entries]
    asset = entries[0][1].asset if entries else ""
    owed = -sum(e.units for _, e in entries if e.account == "merchant_payable")
    parts = [
        Sentence(
            "{0} {1} {2}",
            Figure(
                money(
                    max((abs(e.units) for r, e in entries if r == p.recipe), default=0), asset, like
                )
            ),
            asset,
            _words(p.recipe),
        )
        for p in postings
    ]
    title = Sentence(
        "Payable to you: {0}{1} {2}",
        "+" if owed > 0 else "−",
        Figure(money(abs(owed), asset, like)),
        asset,
    )
    if not owed:
        title = Sentence("Posted: {0}", parts[0] if parts else "nothing")
    text = Sentence("{0}.", joined(parts, ", ")) if owed and len(parts) > 1 else ""
    lines = tuple(
        (ACCOUNTS[e.account], Sentence("{0}: {1}", _place(e), _signed(e, like))) for _, e in entries
    )
    return Item(postings[0].business_at, title, text, "money", "", "money", status, entries=lines)


def _words(recipe: str) -> str:
    return RECIPES[recipe].words or recipe if recipe in RECIPES else recipe


def _place(entry: PageEntry) -> str:
    return f" ({entry.place})" if entry.place else ""


def _signed(entry: PageEntry, like: str | None) -> str:
    return Figure(("+" if entry.units > 0 else "") + money(entry.units, entry.asset, like))


def _delivery(page: OrderPage, event: PageEvent, attempt: PageTry, status: int) -> Item:
    """Deliveries run by the wall clock, and are shown by it, as in the endpoint's log."""
    fine = attempt.result == "delivered"
    name = event_name(page, event) or event.event
    host, took, number = (
        urlsplit(attempt.url or "").hostname,
        figure(attempt.latency_ms),
        attempt.try_no,
    )
    outcome = (
        Sentence("answered {0}", attempt.status)
        if attempt.status is not None
        else Sentence("gave no answer: {0}", ERRORS.get(attempt.error or "", str(attempt.error)))
    )
    text = (
        Sentence("{0} {1} in {2} ms, attempt {3}.", host, outcome, took, number)
        if host
        else Sentence("The endpoint {0} in {1} ms, attempt {2}.", outcome, took, number)
    )
    title = shaped(_DELIVERIES[attempt.result], name=name)
    return Item(
        attempt.at,
        title,
        text,
        "webhook",
        "ok" if fine else "bad",
        "webhooks",
        status,
        sent=(attempt.endpoint_id, attempt.try_id) if attempt.mine else None,
    )
