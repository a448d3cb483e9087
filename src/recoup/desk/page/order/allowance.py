"""Allowance of the person who looks: what they may refund of an order now, in words; the flow
decides again, under its locks."""

from dataclasses import replace
from uuid import UUID

from recoup.desk.page.order.refund import Review
from recoup.kernel.money import money
from recoup.kernel.problem import Figure, Problem, Sentence, joined
from recoup.kit.languages.times import Times
from recoup.orders.rules.refund_limits import (
    NONE,
    WAITS,
    RefundApprovalContext,
    goes_alone,
    is_theirs,
)
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.portal_visit import Visit
from recoup.refunds.store.refund_limits import read_refund_contexts


async def allowance(visit: Visit, page: OrderPage) -> str:
    """Empty for a role without a limit, or without refunds."""
    if not visit.session.may("refund"):
        return ""
    context = await _context(visit, page.order_id)
    limits, asset = context.of(visit.scope.role or ""), page.order.asset
    if limits == NONE:
        return ""
    sentences = []
    if limits.refund_max_units is not None:
        sentences.append(
            Sentence(
                "You may refund at most {0} at once.", Figure(money(limits.refund_max_units, asset))
            )
        )
    if limits.day_max_units is not None:
        sentences.append(
            Sentence(
                "{0} of your daily limit are left.",
                Figure(money(max(0, limits.day_max_units - context.day.units), asset)),
            )
        )
    if limits.second_from_units is not None:
        sentences.append(
            Sentence(
                "From {0} on, somebody else has to approve.",
                Figure(money(limits.second_from_units, asset)),
            )
        )
    return joined(sentences)


async def with_limits(visit: Visit, page: OrderPage, reviewed: Review) -> Review:
    """Says so when a second person has to agree. Raises: Problem forbidden, wrong_state."""
    desk, me = await _context(visit, page.order_id), visit.scope.actor.text()
    asset, role = page.order.asset, visit.scope.role or ""
    alone = sum(
        r.units
        for r in page.modifications
        if r.kind == "refund"
        and r.state != "refused"
        and not r.approved_by
        and is_theirs(r.actor, me)
    )
    if goes_alone(
        desk.of(role), reviewed.units, asset, spent_units=desk.day.units, alone_units=alone
    ):
        return reviewed
    if desk.waiting() is not None:
        raise Problem(
            "wrong_state",
            "A refund of this order is already waiting for approval.",
            cure="See Refunds: have it decided, or withdrawn, first.",
        )
    until = Times(visit.session.zone, visit.now).part(visit.now + WAITS)
    first = (
        "Somebody else whose role may approve refunds finds it under Approvals and on this page. "
        "Until they agree "
        "nothing is owed and nothing is sent.",
        Sentence("It waits until {0} {1}; you can withdraw it.", until, visit.session.zone),
    )
    then = (
        Sentence("When approved: {0}", sentence) if n == 0 else sentence
        for n, sentence in enumerate(reviewed.sentences[1:])
    )
    return replace(reviewed, sentences=(*first, *then), second=True)


async def _context(visit: Visit, order_id: UUID) -> RefundApprovalContext:
    key = (visit.merchant_id, order_id)
    desks = await read_refund_contexts(
        visit.world.db.reader, [(*key, visit.scope.actor.name)], visit.wall
    )
    return desks[key]
