"""Revoked mandates: a customer stops payments at the bank, and what belongs to the agreement ends."""

from pathlib import Path
from typing import Final

from recoup.core.kit.facet import FACET
from recoup.core.kit.feature import Feature
from recoup.doors.portal.feature_parts import PORTAL
from recoup.doors.rescue.places import ORDER_FIELD
from recoup.features.mandates import flows
from recoup.features.mandates.rules import MANDATE_VERSION, MandateInput, decide_by_mandate
from recoup.features.mandates.store import OF_CARD, mandates_of_prints
from recoup.features.mandates.words import EVENT as REVOKED
from recoup.features.mandates.words import NOTICE as ORDERS_END
from recoup.flows.insight.certify import LIFTED
from recoup.flows.places import AFTER_TRANSMISSION, DUE
from recoup.moves.attempt.send import LIFTS
from recoup.moves.order.feature_moves import AFTER_ANSWER, AFTER_APPROVAL, BEFORE_SEND
from recoup.rules.messages.events import EVENT
from recoup.rules.messages.notifications import NOTICE
from recoup.rules.order.lifecycle import ANY, FACT, Fact
from recoup.rules.rescue.deciders import DECIDER, without_policy
from recoup.store.orders.prints import OF_PRINTS

MANDATES: Final = Feature(
    name="mandates",
    folder=Path(__file__).parent,
    tables=("mandate_changes",),
    adds=(
        FACET(OF_CARD),
        OF_PRINTS((OF_CARD.name, mandates_of_prints)),
        FACT(Fact("mandate_revoked", "mandate", ANY, None, REVOKED.name)),
        FACT(Fact("mandate_renewed", "mandate", ANY, None, None)),
        BEFORE_SEND(flows.stop_of),
        AFTER_ANSWER(flows.note_revocation),
        AFTER_APPROVAL(flows.note_consent),
        LIFTS(flows.lifts),
        AFTER_TRANSMISSION(flows.note_transmission),
        LIFTED(flows.lifted_stops),
        DUE({flows.DUE: lambda world, orders, due: flows.stop_orders(world, orders, due.merchant_id, due.subject_id)}),
        DECIDER(without_policy(MANDATE_VERSION, lambda data: decide_by_mandate(MandateInput.from_dict(data)))),
        EVENT(REVOKED),
        NOTICE(ORDERS_END),
        ORDER_FIELD("recoup.features.mandates.api"),
        PORTAL("recoup.features.mandates.page"),
    ),
)
