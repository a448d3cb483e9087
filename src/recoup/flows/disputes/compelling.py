"""Whether a dispute qualifies for Visa's Compelling Evidence 3.0, and by which payments an answer says so."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from recoup.flows.world import World
from recoup.rules.network.compelling_evidence import CardPayment, Compelling, is_open_to, judge
from recoup.store.disputes.card_payments import NamedPriors, name_priors, named_priors, payments_of_card
from recoup.store.statement import Read


class Case(Protocol):
    """A dispute, as its page or its order has it."""

    @property
    def dispute_id(self) -> UUID: ...
    @property
    def attempt_id(self) -> UUID: ...
    @property
    def reason_code(self) -> str: ...
    @property
    def opened_at(self) -> datetime: ...
    @property
    def state(self) -> str: ...


async def compelling_of(db: Read, merchant_id: UUID, case: Case, scheme: str | None) -> Compelling | None:
    """As it stands while the dispute is open, then as it was sent. None where nothing of the kind can be said."""
    if not is_open_to(scheme, case.reason_code):
        return None
    payments = await payments_of_card(db, merchant_id, case.dispute_id)
    if case.state == "open":
        return _judged(case, payments)
    return _named(case, payments, await named_priors(db, merchant_id, case.dispute_id, None))


async def name_for_answer(
    world: World, merchant_id: UUID, case: Case, scheme: str | None, answer_id: UUID
) -> Compelling | None:
    """What this answer says, chosen when it is first sent. None where the dispute does not qualify."""
    if not is_open_to(scheme, case.reason_code):
        return None
    payments = await payments_of_card(world.db, merchant_id, case.dispute_id)
    found = _judged(case, payments)
    priors, keys = ([one.attempt_id for one in found.priors], found.keys) if found else ([], ())
    async with world.db.transaction() as tx:
        await name_priors(tx, merchant_id, answer_id, case.dispute_id, priors, keys)
        named = await named_priors(tx, merchant_id, case.dispute_id, answer_id)
    return _named(case, payments, named)


def _judged(case: Case, payments: Sequence[CardPayment]) -> Compelling | None:
    disputed = next((one for one in payments if one.attempt_id == case.attempt_id), None)
    if disputed is None:
        return None
    return judge(disputed, [one for one in payments if one.order_id != disputed.order_id], case.opened_at)


def _named(case: Case, payments: Sequence[CardPayment], named: NamedPriors | None) -> Compelling | None:
    of = {one.attempt_id: one for one in payments}
    if named is None or not named.attempts or not of.keys() >= {case.attempt_id, *named.attempts}:
        return None
    return Compelling(of[case.attempt_id], tuple(of[one] for one in named.attempts), tuple(named.keys))
