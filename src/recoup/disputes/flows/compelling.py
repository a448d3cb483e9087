"""Visa's Compelling Evidence 3.0: whether a dispute qualifies for it, and which payments an answer
names."""

from uuid import UUID

from recoup.db.statement import Read
from recoup.disputes.store.card_payments import name_priors, named_priors, payments_of_card
from recoup.disputes.store.disputes import DisputeRow
from recoup.kit.world import World
from recoup.networks.compelling_evidence import Compelling, is_open_to, judge
from recoup.orders.rules.disputed import Dispute

Case = Dispute | DisputeRow


async def compelling_of(
    db: Read, merchant_id: UUID, case: Case, scheme: str | None, answer_id: UUID | None = None
) -> Compelling | None:
    """Compelling evidence as it stands while the dispute is open; as that answer, or the last one,
    names it. None where nothing of the kind can be said."""
    if not is_open_to(scheme, case.reason_code):
        return None
    payments = {
        payment.attempt_id: payment
        for payment in await payments_of_card(db, merchant_id, case.dispute_id)
    }
    disputed = payments.get(case.attempt_id)
    if disputed is None:
        return None
    if case.state == "open" and answer_id is None:
        earlier = [payment for payment in payments.values() if payment.order_id != case.order_id]
        return judge(disputed, earlier, case.opened_at)
    named = await named_priors(db, merchant_id, case.dispute_id, answer_id)
    if named is None or not named.attempts:
        return None
    return Compelling(
        disputed,
        tuple(payments[attempt] for attempt in named.attempts if attempt in payments),
        tuple(named.keys),
    )


async def name_for_answer(
    world: World, merchant_id: UUID, case: Case, scheme: str | None, answer_id: UUID
) -> Compelling | None:
    """Names the payments of this answer, chosen when it is first sent. None where the dispute does
    not qualify."""
    compelling = await compelling_of(world.db, merchant_id, case, scheme)
    if compelling is not None:
        priors = [prior.attempt_id for prior in compelling.priors]
        async with world.db.transaction() as tx:
            await name_priors(tx, merchant_id, answer_id, case.dispute_id, priors, compelling.keys)
    return await compelling_of(world.db, merchant_id, case, scheme, answer_id)
