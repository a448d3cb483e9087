"""Page of one order: what it is, what happened, what comes next and why, and what may be done."""

from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.responses import Response

from recoup.cards.store.card_joins import joins_of_order, print_of
from recoup.desk.page.order import facts, possible
from recoup.desk.page.order.allowance import allowance
from recoup.desk.page.order.ended import WHY, end_cause, ended
from recoup.desk.page.order.held import trouble
from recoup.desk.page.order.just_done import just_done
from recoup.desk.page.order.last_decision import awaited, last_reasons, what_if, why_advanced
from recoup.desk.page.order.refund import RefundForm
from recoup.desk.page.order.stable_words import REASONS as STABLE_REASONS
from recoup.desk.page.order.stable_words import channel_name, event_name
from recoup.desk.page.order.timeline import KINDS, in_received_codes, lives, timeline
from recoup.desk.page.order.undelivered import why_undelivered
from recoup.desk.page.order.unpaid import collected_units
from recoup.desk.page.order.within import back_to, came_from, filters_of, inside
from recoup.desk.page.order.words import actor_words
from recoup.desk.store.order_cursor import cursor_behind
from recoup.desk.store.orders import list_orders
from recoup.kernel.encode import encode
from recoup.kernel.ids import parse_id, tail, wire_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.time import BusinessTime
from recoup.merchants.rules.blocks import REASONS as BLOCKS
from recoup.networks.limits import LOOKBACK, Allowance, Wish
from recoup.networks.limits import allowance as network_allowance
from recoup.networks.whys import HOLD_REASONS as HOLDS
from recoup.onboarding.page.shell import base_address
from recoup.orders.flows.hosted_link import checkout_token
from recoup.orders.rules.card_sends import initiator_of, own_tries
from recoup.orders.rules.refund_limits import is_theirs
from recoup.orders.rules.snapshot import Attempt
from recoup.orders.store.archived import check_archived
from recoup.orders.store.order_page import OrderPage
from recoup.orders.store.order_page_rows import PageBlock, PageNote, PageRequest
from recoup.orders.store.rows import LogLine
from recoup.people.flows.order_notes import NOTE_MAX, note_order
from recoup.people.page.endpoint import redirect
from recoup.people.page.feature_parts import order_panels, refunds_to
from recoup.people.page.form_shape import FormKey, fresh_key, read_again
from recoup.people.page.pages import Answer, Values, member
from recoup.people.page.personal import read_as_seen
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import role
from recoup.people.page.templates import HEADERS
from recoup.people.page.words import API_STATES, DISPUTE_KINDS, DISPUTE_STATES, REASONS
from recoup.processors.rules.agreement import agreement_of
from recoup.refunds.page import Waiting, not_now
from recoup.refunds.store.refund_limits import list_limits
from recoup.rescue.flows.carriers import region_before
from recoup.rescue.rules.sentences import NOTHING_PLANNED
from recoup.rescue.store.card_sends import card_of_order, sends_of_card
from recoup.risk.rules.facts import avs_of, cvv_of
from recoup.stablecoin.rules.channels import CHANNELS
from recoup.stablecoin.rules.words import order_status

OPEN = frozenset({0, 1, 3, 4})


async def sends_left(visit: Visit, page: OrderPage) -> Allowance | None:
    """The allowance of sends left; None for an order that is not tried any more, or has no card."""
    if page.head.status not in OPEN or page.order.kind == "stable" or page.card is None:
        return None
    card = await card_of_order(visit.world.db.reader, visit.merchant_id, page.order_id)
    if card is None or card.card_id is None:
        return None
    sends = await sends_of_card(
        visit.world.db.reader, card.card_id, visit.merchant_id, visit.now - LOOKBACK
    )
    planned = next((a.initiator for a in page.attempts if a.state == "planned"), "merchant")
    route = next((a.route for a in reversed(page.attempts) if a.route), None)
    routes = visit.world.routes
    region = (
        routes.region_of(route) if route else region_before(visit.world, visit.merchant_id, None)
    )
    return network_allowance(
        card.scheme,
        sends,
        visit.now,
        Wish(
            units=page.order.units,
            currency=page.order.asset,
            initiator=initiator_of(planned),
            acceptor_id=card.acceptor_id,
            merchant_id=str(visit.merchant_id),
            region=region or card.region,
            visa_limit=visit.world.policy.visa_limit,
            own_tries=own_tries(
                page.order.facts,
                units=page.order.units,
                currency=page.order.asset,
                acceptor_id=card.acceptor_id,
                merchant_id=visit.merchant_id,
                offset=visit.now - BusinessTime(visit.wall),
            ),
        ),
    )


def waiting(page: OrderPage) -> dict[str, Any] | None:
    """Describes money that waits. `what`: late money that its channel can give back (give_back),
    late money that went to the merchant's own wallet (by_hand), or a settlement that the channel
    refused. `why` it pays nothing: short, more; else it came late. `again`: a first attempt was
    refused."""
    if page.order.kind != "stable":
        return None
    return next(
        (late for attempt in page.attempts if (late := _late(page, attempt))), None
    ) or _stuck(page)


def _late(page: OrderPage, attempt: Attempt) -> dict[str, Any] | None:
    if (
        attempt.initiator != "payer"
        or not attempt.reference
        or attempt.state in ("approved", "declined")
    ):
        return None
    if attempt.asset != page.order.asset:
        return None  # of another token: nothing is booked
    rows = [
        r for r in page.modifications if r.kind == "reversal" and r.attempt_id == attempt.attempt_id
    ]
    before = next((r for r in rows if r.state not in ("refused", "failed")), None)
    if before is not None and before.state != "stuck":
        return None
    channel = CHANNELS.get(attempt.route or "")
    return dict(
        what="give_back" if channel and channel.supports_refund else "by_hand",
        units=attempt.units,
        channel=channel_name(attempt.route or ""),
        reference=attempt.reference,
        why=_why(page, attempt),
        again=before is not None,
    )


def _why(page: OrderPage, attempt: Attempt) -> str:
    bodies = [
        line.body
        for line in page.log
        if line.happening == "paid_late" and line.fact_id == attempt.attempt_id
    ]
    return str(bodies[-1].get("why", "")) if bodies else ""


def _stuck(page: OrderPage) -> dict[str, Any] | None:
    """Describes a stuck settlement by the log: the last word on the last settlement."""
    lines = [line for line in page.log if line.fact_kind == "settlement"]
    if not lines or lines[-1].happening != "settlement_stuck":
        return None
    units, channel = int(lines[-1].body["units"]), channel_name(page.attempts[-1].route or "")
    return dict(what="settlement", units=units, channel=channel, reference="", again=False)


async def joined_with(visit: Visit, page: OrderPage) -> list[Values]:
    """Orders with the other print: their ids, and when, on the wall clock, each was joined."""
    card = await print_of(visit.world.db.reader, visit.merchant_id, page.order_id)
    if card is None:
        return []
    return [
        dict(order_id=row.second_order, external_id=row.second_external, at=row.decided_at)
        if row.first_card == card.card_id
        else dict(order_id=row.first_order, external_id=row.first_external, at=row.decided_at)
        for row in await joins_of_order(visit.world.db.reader, visit.merchant_id, page.order_id)
    ]


async def beside(visit: Visit, page: OrderPage) -> Values:
    """Addresses, empty where there is none: neighbours that take too long to find are left out.
    `listed`: the list itself, `narrowed` whether filters narrow it."""
    query = came_from(visit)
    within = inside(query)

    wanted = query.filter(visit.merchant_id, visit.now, visit.pii_access)

    async def neighbour(back: bool) -> str:
        cursor = cursor_behind(page.head, query.sort, back=back).text()
        try:
            async with visit.world.db.read() as connection:
                listed = await list_orders(
                    connection,
                    wanted,
                    after=cursor,
                    limit=1,
                    newest_first=not query.up,
                    by=query.sort,
                )
        except Problem:
            return ""
        return f"/orders/{listed.rows[0].order_id}{within}" if listed.rows else ""

    before, after = await neighbour(True), await neighbour(False)
    return dict(before=before, after=after, listed=query.link(), narrowed=not query.is_plain())


WORK: Final = role("retry", "work on orders")
R = TypeVar("R", LogLine, PageNote, PageBlock)


@member.page("/orders/{order_id}", "desk/order/order.html")
async def order(visit: Visit) -> Values:
    page = await find(visit)
    if visit.problem is not None:
        return sheet(visit, page)
    return sheet(
        visit,
        page,
        beside=await beside(visit, page),
        allowance=await allowance(visit, page),
        allowed=await sends_left(visit, page),
        what_if=await what_if(visit, page),
        joined=await joined_with(visit, page),
    )


@member.page("/orders/{order_id}.json")
async def order_json(visit: Visit) -> Response:
    """Everything that the page is made of."""
    page = await find(visit)
    body = msgspec.json.format(encode(page), indent=2)
    return Response(body, media_type="application/json", headers=HEADERS)


async def find(visit: Visit) -> OrderPage:
    """The order of the address. Raises: Problem(not_found) for an id that is none, and for another
    merchant's."""
    return await find_by(visit, parse_id(visit.request.path_params["order_id"]))


async def find_by(visit: Visit, order_id: UUID | None) -> OrderPage:
    """The same by its id."""
    page = None
    if order_id is not None:
        async with visit.world.db.read() as connection:
            page = await read_as_seen(visit, connection, order_id)
            if page is None:
                await check_archived(connection, visit.merchant_id, order_id)
    if page is None:
        others = len(visit.session.merchants) > 1
        cure = (
            "It may belong to another of your merchants: switch first."
            if others
            else "Look it up in the list."
        )
        raise Problem(
            "not_found",
            Sentence("{0} has no order with this id.", visit.known.merchant.name),
            cure=cure,
        )
    return await _named(visit, page)


def _customer_link(visit: Visit, order_id: UUID) -> str:
    """Its visitor pays or refuses: empty for roles that may only look."""
    behind = visit.session.behind
    if not visit.session.may("retry") or behind is not None and not behind.may_act:
        return ""
    return f"/checkout/{checkout_token(visit.world, visit.merchant_id, order_id)}"


async def _named(visit: Visit, page: OrderPage) -> OrderPage:
    """Rows hold ids of people only; their names are looked up for those who may see them."""
    actors = [line.actor for line in page.log] + [note.actor for note in page.notes]
    actors += [block.actor for block in page.blocks]
    actors += [line.body.get("asked_by") or "" for line in page.log] + [
        row.requested_by for row in page.requests
    ]
    names = await named(visit, [actor for actor in actors if actor and actor.startswith("user:")])
    limits, wallets = {}, {}
    if any(row.state == "waiting" for row in page.requests):
        limits = await list_limits(visit.world.db.reader, visit.merchant_id)
        wallets = await refunds_to(visit.world.db.reader, visit.merchant_id, [page.order_id])

    def with_name(row: R) -> R:
        return replace(row, actor=f"user:{names[row.actor]}") if row.actor in names else row

    def log_line_with_names(row: LogLine) -> LogLine:
        by = names.get(row.body.get("asked_by") or "")
        return with_name(replace(row, body={**row.body, "asked_by": by}) if by else row)

    def request_with_names(row: PageRequest) -> PageRequest:
        why_not = not_now(visit, row.requested_by, row.units, row.asset, limits)
        return replace(
            row, asker=names[row.requested_by], not_now=why_not, to=wallets.get(row.request_id, "")
        )

    return replace(
        page,
        log=[log_line_with_names(line) for line in page.log],
        notes=[with_name(note) for note in page.notes],
        blocks=[with_name(block) for block in page.blocks],
        requests=[request_with_names(row) for row in page.requests],
    )


# What is shown only where a page or form has it.
_CLOSED: Final = dict(
    dialog="", review=None, beside=None, allowance="", allowed=None, what_if=None, joined=()
)


def sheet(visit: Visit, page: OrderPage, **more: Any) -> Values:
    """Values that the page is made of, with a dialog open when one is named. `typed` is the text of
    a note that was refused; `allowance` what the person may refund, in words."""
    query, page = visit.request.query_params, in_received_codes(page)
    refunded = parse_id(query.get("refunded", ""))
    items = timeline(page, visit.now, visit.session.zone)
    shown = query.get("show", "all")
    shown = shown if shown in KINDS else "all"
    sent, is_note = facts.sent(page), visit.request.url.path.endswith("/notes")
    reasons, versions = last_reasons(page)
    advance_reasons, advance_versions = why_advanced(page)
    stable = page.order.kind == "stable"
    reasons_of, cause = (STABLE_REASONS, None) if stable else (REASONS, end_cause(page))
    values = dict(
        page=page,
        order=page.order,
        sent_text=page.sent_text,
        head=page.head,
        payer=page.payer,
        customer=facts.customer(page),
        blocked=facts.blocked(page),
        card=page.card,
        items=[item for item in items if shown in ("all", item.kind)],
        shown=shown,
        counts={kind: sum(1 for i in items if kind in ("all", i.kind)) for kind in KINDS}
        | {"attempts": sent},
        sent=sent,
        own_declines=facts.own_declines(page),
        sums=facts.sums(page),
        planned=facts.planned(page),
        to_collect=facts.to_collect(page),
        reasons=reasons,
        versions=versions,
        advance_reasons=advance_reasons,
        advance_versions=advance_versions,
        ended=ended(page),
        tried=facts.tried(page),
        lines=facts.order_items(page),
        taken=facts.taken(page),
        remaining=facts.remaining(page),
        can_refund=facts.can_refund(visit, page),
        can_cancel=facts.can_cancel(visit, page),
        can_capture=facts.can_capture(visit, page),
        held_units=facts.held_units(page),
        captured_units=facts.captured_units(page),
        takes_parts=facts.takes_parts(visit, page),
        capture_before=facts.capture_before(page),
        stopped=facts.stopped(page),
        can=possible.possible(visit, page),
        trouble=trouble(visit, page),
        awaited=awaited(page, visit.now),
        nothing_planned=NOTHING_PLANNED,
        base_url=base_address(visit.world, visit.request).rstrip("/"),
        holds=HOLDS,
        block_reasons=BLOCKS,
        actor_words=actor_words,
        paid=facts.paid(page),
        typed=read_again(post_note, visit.typed if is_note else {}).note[:NOTE_MAX],
        fresh_key=fresh_key,
        within=inside(came_from(visit)),
        listed_in=filters_of(came_from(visit)),
        why_ended=WHY.get(cause.word if cause else "")
        or reasons_of.get(page.head.reason or "", ""),
        channel=facts.channel(page) if stable else None,
        stable=stable,
        waiting=waiting(page),
        events=[
            dict(
                name=name,
                tries=event.tries,
                waits=event.waits or [],
                why_undelivered=why_undelivered(event, visit.wall, cut=page.tries_cut),
            )
            for event in page.events
            if (name := event_name(page, event))
        ],
        wire_id=wire_id("ord", page.order_id) if stable else "",
        reference=tail(page.order_id),
        api_states=API_STATES,
        api_status=order_status(page.order.stage, page.order.units, page.head.refunded_units),
        customer_link=_customer_link(visit, page.order_id),
        can_dispute=facts.can_dispute(visit, page),
        dispute_looks=DISPUTE_STATES,
        dispute_kinds=DISPUTE_KINDS,
        avs_of=avs_of,
        cvv_of=cvv_of,
        lives=lives(page, visit.now, visit.session.zone),
        refund_form=RefundForm(how="amount", amount=facts.remaining(page), key=fresh_key()),
        may_redeliver=visit.is_operator or visit.session.may("hooks"),
        receipt=facts.refund_with(page, refunded),
        approval=next((r for r in page.requests if r.request_id == refunded), None),
        approval_rows=[
            Waiting(
                row,
                row.asker,
                is_theirs(row.requested_by, visit.scope.actor.text()),
                row.not_now,
                row.to,
            )
            for row in page.requests
            if row.state != "approved"
        ],
        just_done=just_done(visit, page),
        collected=collected_units(page),
        agreement=agreement_of(page.order.facts).subscription,
        **order_panels(page),
        **_CLOSED,
    )
    return values | more


@order.post("/orders/{order_id}/notes", may=WORK, find=find)
async def post_note(visit: Visit, page: OrderPage, *, note: str, key: FormKey) -> Answer:
    await note_order(visit.world, visit.scope, page.order_id, UUID(hex=key), note)
    return redirect(back_to(visit, page.order_id, "timeline"))
