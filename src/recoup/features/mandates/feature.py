"""Revoked mandates: a customer stops payments at the bank, and what belongs to the agreement ends."""

from pathlib import Path
from typing import Final

from recoup.core.kit.feature import Feature
from recoup.features.mandates import flows
from recoup.features.mandates.rules import MANDATE_VERSION, MandateInput, decide_by_mandate
from recoup.features.mandates.store import OF_CARD
from recoup.features.mandates.words import EVENT, NOTICE
from recoup.rules.order.lifecycle import ANY, Fact

MANDATES: Final = Feature(
    name="mandates",
    folder=Path(__file__).parent,
    facet=OF_CARD,
    facts=(
        Fact("mandate_revoked", "mandate", ANY, None, EVENT.name),
        Fact("mandate_renewed", "mandate", ANY, None, None),
    ),
    before_send=flows.stop_of,
    after_answer=flows.note_revocation,
    after_approval=flows.note_consent,
    lifts=flows.lifts,
    after_transmission=flows.note_transmission,
    lifted=flows.lifted_stops,
    due={flows.DUE: lambda world, orders, due: flows.stop_orders(world, orders, due.merchant_id, due.subject_id)},
    deciders={MANDATE_VERSION: lambda data: decide_by_mandate(MandateInput.from_dict(data))},
    events={EVENT.name: EVENT},
    notifies={NOTICE.kind.name: NOTICE},
    tables=("mandate_changes",),
    portal="recoup.features.mandates.page",
)
