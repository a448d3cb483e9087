"""Revoked mandates: a customer stops payments at the bank, and what belongs to the agreement
ends."""

from pathlib import Path
from typing import Final

from recoup.insight.flows.certify import LIFTED
from recoup.kernel.facet import FACET
from recoup.kernel.feature import Feature
from recoup.kit.retention import GOOD, RETENTION, lines
from recoup.mandates import flows
from recoup.mandates.rules import MANDATE_VERSION, MandateInput, decide_by_mandate
from recoup.mandates.store import OF_CARD, mandates_of_prints
from recoup.mandates.words import EVENT as REVOKED
from recoup.mandates.words import NOTICE as ORDERS_END
from recoup.notifications.rules.notifications import NOTICE
from recoup.orders.rules.events import EVENT
from recoup.orders.rules.lifecycle import ANY, FACT, Fact
from recoup.orders.store.prints import OF_PRINTS
from recoup.people.page.feature_parts import PORTAL
from recoup.rescue.api.places import ORDER_FIELD
from recoup.rescue.flows.places import AFTER_TRANSMISSION, DUE
from recoup.rescue.moves.feature_moves import AFTER_ANSWER, AFTER_APPROVAL, BEFORE_SEND
from recoup.rescue.moves.send import LIFTS
from recoup.rescue.rules.deciders import DECIDER, without_policy

MANDATES: Final = Feature(
    name="mandates",
    folder=Path(__file__).parent,
    tables=("mandate_changes",),
    adds=(
        RETENTION(lines("mandate_changes", GOOD)),
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
        DUE(
            {
                flows.DUE: lambda world, orders, due: flows.stop_orders(
                    world, orders, due.merchant_id, due.subject_id
                )
            }
        ),
        DECIDER(
            without_policy(
                MANDATE_VERSION, lambda data: decide_by_mandate(MandateInput.from_dict(data))
            )
        ),
        EVENT(REVOKED),
        NOTICE(ORDERS_END),
        ORDER_FIELD("recoup.mandates.api"),
        PORTAL("recoup.mandates.page"),
    ),
)
