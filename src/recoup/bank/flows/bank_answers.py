"""Answer files of a bank: what one says is done to the payouts it names; what cannot be done is
reported, line by line."""

from io import BytesIO
from typing import Literal, NamedTuple

from recoup.bank.flows.bank_payouts import tell_outcome
from recoup.bank.rules.answers import BYTES_MAX, answers_of
from recoup.bank.rules.bank_answers import PayoutReturn
from recoup.bank.rules.entries import written
from recoup.bank.store.accounts import find_payout, payout_by_reference
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.workbooks import opened
from recoup.kit.world import World


class AnswerTaken(NamedTuple):
    """A row with what was done; `known`: it was said before; `told`: it changes nothing. `why`:
    nothing was done."""

    payout_return: PayoutReturn
    done: Literal["paid", "returned", "known", "told", "not_done"]
    why: str = ""


async def take_answers(world: World, scope: Scope, content: bytes) -> list[AnswerTaken]:
    """A second time changes nothing.

    Raises: Problem invalid, too_large for what is no such file.
    """
    async with opened(BytesIO(content)) as plain:
        found = answers_of(plain.read(BYTES_MAX + 1))
    return [
        AnswerTaken(payout_return, "not_done", payout_return.wrong)
        if payout_return.wrong
        else await _take(world, scope, payout_return)
        for payout_return in found
    ]


async def _take(world: World, scope: Scope, payout_return: PayoutReturn) -> AnswerTaken:
    payout_id = parse_id(payout_return.payout) or await payout_by_reference(
        world.db, scope.merchant_id, payout_return.payout
    )
    payout = await find_payout(world.db, scope.merchant_id, payout_id) if payout_id else None
    if payout is None:
        return AnswerTaken(payout_return, "not_done", "there is no such payout")
    if payout_return.outcome == "notice":
        return AnswerTaken(payout_return, "told", payout_return.reason)
    if payout_return.units is not None and (payout_return.units, payout_return.asset) != (
        payout.units,
        payout.asset,
    ):
        theirs = f"{written(payout_return.units, payout_return.asset)} {payout_return.asset}"
        ours = f"{written(payout.units, payout.asset)} {payout.asset}"
        return AnswerTaken(
            payout_return,
            "not_done",
            Sentence("the file says {0}, but the payout is {1}", theirs, ours),
        )
    if payout.state == payout_return.outcome:
        return AnswerTaken(payout_return, "known")
    try:
        await tell_outcome(
            world, scope, payout.payout_id, payout_return.outcome, payout_return.reason
        )
    except Problem as problem:
        return AnswerTaken(payout_return, "not_done", problem.message)
    return AnswerTaken(payout_return, "paid" if payout_return.outcome == "paid" else "returned")
