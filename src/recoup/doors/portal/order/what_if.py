"""What one other input would have made of the decision that the page explains."""

from dataclasses import dataclass

from recoup.doors.portal.order.last_decision import decision_shown
from recoup.doors.portal.people import named
from recoup.doors.portal.switches.words import names_of_actors
from recoup.doors.portal.visit import Visit
from recoup.flows.insight.explain import explain_decision
from recoup.flows.insight.stored_policies import named_versions
from recoup.kernel.sentence import Sentence
from recoup.rules.policies.terms import OWN
from recoup.rules.policies.words import version_words
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
    rests_on = (*await _policies(visit, found.decision.versions.get("policies")), *found.rests_on)
    return WhatIfShown(rests_on, tuple(map(sentence_of, found.what_ifs)), found.repeats)


async def _policies(visit: Visit, name: str | None) -> list[Sentence]:
    """What the retry policies say that the decision was made within, with who set them: of bounds no person's name."""
    versions = await named_versions(visit.world, visit.merchant_id, name) if name is not None else []
    who = await names_of_actors(visit, [one.author for one in versions if one.scope in OWN])
    who |= await named(visit, [one.author for one in versions if one.scope not in OWN])
    return [line for one in versions for line in version_words(one.held.part, who.get(one.author, one.author))]
