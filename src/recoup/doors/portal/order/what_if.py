"""What one other input would have made of the decision that the page explains."""

from dataclasses import dataclass

from recoup.doors.portal.order.last_decision import decision_shown
from recoup.doors.portal.visit import Visit
from recoup.flows.insight.explain import explain_decision
from recoup.kernel.sentence import Sentence
from recoup.rules.rescue.what_if_sentences import sentence_of
from recoup.store.orders.order_page import OrderPage


@dataclass(frozen=True, slots=True)
class WhatIfShown:
    """`repeats`: the stored inputs gave the stored decision again. `rests_on`: counts, terms, worth and editions."""

    rests_on: tuple[Sentence, ...]
    sentences: tuple[Sentence, ...]
    repeats: bool


async def what_if(visit: Visit, page: OrderPage) -> WhatIfShown | None:
    """None where no decision is shown, or its model is not there any more."""
    decision_id = decision_shown(page)
    if decision_id is None:
        return None
    found = await explain_decision(visit.world, visit.merchant_id, decision_id)
    if found is None or found.repeats is None:
        return None
    return WhatIfShown(found.rests_on, tuple(map(sentence_of, found.what_ifs)), found.repeats)
