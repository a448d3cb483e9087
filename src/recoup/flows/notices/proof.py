"""What the signed part of a notice proves by itself, from a vendor whose book cannot be read: applied at the door, any
number of times, in any order, before or after the answer to what it is about."""

from uuid import UUID

from recoup.flows.cards.inquire import settle_by_proof
from recoup.flows.disputes.receive import apply
from recoup.flows.locked import Orders
from recoup.flows.modifications.send import keeps_rest, processor_for
from recoup.flows.notices.work import adopt_all, case_notice
from recoup.flows.world import World
from recoup.gateways.cards.connector import Notice
from recoup.gateways.cards.outcome import Outcome, as_requested
from recoup.moves.change import Change
from recoup.moves.modification.failed import failed_since
from recoup.moves.modification.send import close_modification, raise_differing
from recoup.store.cards.processor_notices import attempt_of, charge_referenced, modification_of


async def apply_proof(world: World, orders: Orders, route: str, merchant_id: UUID, notice: Notice) -> None:
    """Raises: Problem(unavailable) while our own call is under way: it is to be sent again."""
    if notice.case is not None:
        charged = await charge_referenced(world.db, notice.case.charge, route, merchant_id)
        if charged is None and notice.message_id is not None:
            charged = await attempt_of(world.db, notice.message_id, route, merchant_id)
        if charged is not None:
            await apply(world, orders, route, case_notice(world, notice.case, charged), "notice")
    elif notice.outcome is not None and notice.message_id is not None:
        await _message(world, orders, route, merchant_id, notice, notice.message_id, notice.outcome)
    if notice.movement is not None and notice.charge is not None:  # what is known here already changes nothing
        charged = await charge_referenced(world.db, notice.charge, route, merchant_id)
        if charged is not None:
            await adopt_all(orders, route, charged, [notice.movement])


async def _message(
    world: World, orders: Orders, route: str, merchant_id: UUID, notice: Notice, message_id: UUID, outcome: Outcome
) -> None:
    """What followed a charge may have the charge's own reference, and says nothing of the charge itself."""
    if notice.subject == "charge":
        charged = await attempt_of(world.db, message_id, route, merchant_id)
        if charged is not None:
            await settle_by_proof(world, orders, (merchant_id, charged.order_id), charged.attempt_id, outcome)
        return
    modified = await modification_of(world.db, message_id, route, merchant_id)
    if modified is not None:
        modification_id = modified.modification_id

        def work(change: Change) -> None:
            counterpart = processor_for(world, change.order, modification_id)
            _modified(change, modification_id, message_id, outcome, keeps_rest(counterpart))

        await orders.run(work, (merchant_id, modified.order_id))


def _modified(change: Change, modification_id: UUID, message_id: UUID, outcome: Outcome, rest: bool) -> None:
    """What was done and has failed since, or the other way round, is for people: no stage goes back."""
    modification = change.order.modification(modification_id)
    answer = as_requested(outcome, modification.units, modification.asset)
    if modification.state == "sent" and modification.wire_key != message_id:
        if answer.state == "approved":  # under the id of before: it is out a second time
            raise_differing(change, modification)
    elif modification.state == "sent":
        close_modification(
            change,
            modification_id,
            modification.wire_id,
            answer.state,
            reference=answer.reference,
            code=answer.own_code,
            contradicts=answer.contradicts,
            keeps_rest=rest,
        )
    elif (modification.state == "done") is not (answer.state == "approved"):
        if modification.state == "failed" and answer.state != "approved":
            return  # it is known
        if modification.state == "done" and modification.wire_key == message_id:
            failed_since(change, modification)
        else:
            raise_differing(change, modification)
