"""/orders/{id}/past: the order as it stood, with no button: nothing can be done in the past."""

import dataclasses
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from recoup.desk.page.order import facts
from recoup.desk.page.order.page import find
from recoup.desk.page.order.stable_words import event_name
from recoup.desk.page.order.timeline import decision_of, lives, timeline
from recoup.desk.page.order.undelivered import why_undelivered_then
from recoup.kernel.facet import facets_then
from recoup.kernel.filled import filled
from recoup.kernel.ids import wire_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.texts import parse_whole
from recoup.orders.rules.as_of import Cut, Line, Past, attempts_then, disputes_then, past
from recoup.orders.rules.faces import face
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageDue
from recoup.people.page.as_of import moment_of
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit
from recoup.people.page.words import DISPUTE_KINDS, DISPUTE_STATES
from recoup.risk.rules.facts import avs_of, cvv_of


@member.page("/orders/{order_id}/past", "desk/order/past.html")
async def order_past(visit: Visit) -> Values:
    """Raises: Problem(not_found) as the order's page; Problem(invalid) for a moment that makes no
    sense."""
    page = await find(visit)
    cut = _cut(visit)
    lines = [filled(Line, line) for line in page.log]
    past_then = past(
        lines,
        cut,
        page.attempts,
        page.modifications,
        page.disputes,
        expires_at=page.order.expires_at,
    )
    then, stable = as_it_stood(page, past_then), page.order.kind == "stable"
    last, at = then.log[-1], past_then.line.business_at
    every = {event.event_id: event for event in page.events}
    items = timeline(then, at, visit.session.zone)
    decided = next(
        (line.decision_id for line in reversed(then.log) if line.decision_id is not None), None
    )
    return dict(
        page=then,
        order=then.order,
        head=then.head,
        items=items,
        last=last,
        before=last.seq - 1,
        after=last.seq + 1 if last.seq < page.log[-1].seq else None,
        asked=(cut.business or at)
        .astimezone(ZoneInfo(visit.session.zone))
        .strftime("%Y-%m-%d %H:%M:%S"),
        decision=decision_of(then, decided),
        sums=facts.sums(then),
        sent=facts.sent(then),
        own_declines=facts.own_declines(then),
        tried=facts.tried(then),
        lives=lives(then, at, visit.session.zone),
        events=[
            dict(
                name=name,
                tries=event.tries,
                waits=(),
                why_undelivered=why_undelivered_then(
                    every[event.event_id], last.recorded_at, visit.wall, cut=page.tries_cut
                ),
            )
            for event in then.events
            if (name := event_name(then, event))
        ],
        stable=stable,
        can_dispute=None,
        approval_rows=[],
        dispute_looks=DISPUTE_STATES,
        dispute_kinds=DISPUTE_KINDS,
        avs_of=avs_of,
        cvv_of=cvv_of,
        wire_id=wire_id("ord", page.order_id) if stable else "",
    )


def as_it_stood(page: OrderPage, then: Past) -> OrderPage:
    """The page's rows, as far as they were there, and as they were."""
    state, last = then.state, then.line
    until = last.recorded_at
    disputed = state.disputed_units > 0
    units = page.order.units if then.units is None else then.units
    status = face(state.stage, page.order.kind, units, state.refunded_units, disputed).status
    head = replace(
        page.head,
        units=units,
        status=status,
        refunded_units=state.refunded_units,
        disputed=disputed,
        attempts=state.attempts,
        next_attempt_at=then.next_attempt_at,
        reason=state.reason,
        attention=None,
        created_at=then.created_at,
        expires_at=then.expires_at,
    )
    order = dataclasses.replace(
        page.order,
        stage=state.stage,
        units=units,
        version=last.seq,
        do_not_retry=then.do_not_retry,
        expires_at=then.expires_at,
        metadata=page.order.metadata if then.notes_known else {},
    )
    known = {line.decision_id for line in page.log if line.seq <= last.seq}
    return replace(
        page,
        head=head,
        order=order,
        log=[line for line in page.log if line.seq <= last.seq],
        words=[word for word in page.words if word.seq <= last.seq],
        attempts=attempts_then(then, page.attempts),
        modifications=[
            replace(
                modification,
                state=then.modifications[modification.modification_id],
                hand_note=None,
                hand_actor=None,
            )
            for modification in page.modifications
            if modification.modification_id in then.modifications
        ],
        disputes=disputes_then(then, page.disputes),
        decisions=[decision for decision in page.decisions if decision.decision_id in known],
        postings=[posting for posting in page.postings if posting.recorded_at <= until],
        events=[
            replace(event, tries=[tried for tried in event.tries if tried.at <= until], waits=None)
            for event in page.events
            if event.seq <= last.seq
        ],
        notes=[note for note in page.notes if note.recorded_at <= until],
        facets=facets_then(page.facets or {}, last.business_at),
        requests=[],
        blocks=[],
        batches=[],
        challenge=None,
        advance=None,
        due=PageDue(),
    )


def _cut(visit: Visit) -> Cut:
    """Reads one of `at` (as the page's field writes it, in the reader's zone), `asOf`,
    `asOfRecorded`, `asOfVersion`. Raises: Problem(invalid)."""
    query = visit.request.query_params
    if text := query.get("asOfVersion", ""):
        version = parse_whole(text, 7)
        if version is None:
            raise _wrong("AsOfVersion")
        return Cut(version=version)
    for name, now in (("asOfRecorded", visit.wall), ("asOf", visit.now), ("at", visit.now)):
        text = query.get(name, "")
        if not text:
            continue
        moment = moment_of(text, ZoneInfo(visit.session.zone) if name == "at" else None)
        if moment is None:
            raise _wrong("AsOf")
        if moment > now:
            message = Sentence("That has not come yet: this clock shows {0}.", now)
            raise invalid(message, "AsOf", "Ask for an earlier moment.")
        if name == "at":
            moment = moment.replace(
                microsecond=999_999
            )  # the field has seconds: all of the last one counts
        return Cut(recorded=moment) if name == "asOfRecorded" else Cut(business=moment)
    raise _wrong("AsOf")


def _wrong(field: str) -> Problem:
    return invalid("This is no moment of the order.", field, "Choose a line of its timeline.")
