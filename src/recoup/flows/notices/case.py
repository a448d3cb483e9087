"""A dispute of a processor's book as the notice that a bridge would have sent of it."""

from recoup.flows.world import World
from recoup.gateways.cards.connector import DisputeCase
from recoup.rules.messages.inbound import Notice
from recoup.store.cards.processor_notices import Charged


def case_notice(world: World, case: DisputeCase, charged: Charged) -> Notice:
    """The same standing of a case is the same notice."""
    stands = world.keys.derived_id("dispute-standing", *(str(part) for part in case))
    return Notice(
        notice_id=f"read-{stands}",
        case_id=case.id[:100],
        merchant_id=charged.merchant_id,
        charge_id=charged.attempt_id,
        stage=case.stage,
        status=case.status,
        amount=case.units,
        currency=case.currency,
        reason_code=case.reason_code.strip()[:20],
        respond_by=case.respond_by,
        fee=case.fee,
    )
