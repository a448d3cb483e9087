"""A merchant asks to go live; the operator decides. What holds is read anew both times, never
remembered."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from recoup.audit import moves as audit
from recoup.db.pool import KeyTaken
from recoup.db.statement import Read
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid, joined
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.notifications.moves import alert_of_decision
from recoup.onboarding.rules.onboarding import Condition, Facts, conditions, kinds_on
from recoup.onboarding.store.onboarding import add_request, decide_request, onboarding_facts

NOTE_MAX: Final = 500


async def onboarding_of(world: World, merchant_id: UUID) -> tuple[Facts, tuple[Condition, ...]]:
    """Raises: Problem(not_found)."""
    return await _look(world.db, merchant_id)


async def ask_to_go_live(world: World, scope: Scope, kinds: Sequence[str]) -> UUID:
    """Requests to go live with these kinds of orders. Raises: Problem(wrong_state) naming what does
    not hold; Problem invalid, conflict."""
    if not world.policy.test_mode:
        raise Problem("wrong_state", "This environment is already live.", "Ask in the sandbox.")
    request_id, wall = new_id(), world.clocks.wall()
    try:
        async with world.db.transaction() as tx:
            facts, conditions = await _look(tx, scope.merchant_id)
            _check(conditions)
            wanted = [kind for kind in kinds_on(facts) if kind in kinds]
            if not wanted or len(wanted) != len(set(kinds)):
                raise invalid("Choose among the kinds of orders that are switched on.", "kinds")
            await add_request(
                tx,
                scope.merchant_id,
                request_id,
                wanted,
                _holding(conditions),
                scope.actor.text(),
                wall,
            )
            await audit.note(tx, scope, wall, "go_live.asked", request_id, {"kinds": wanted})
    except KeyTaken:
        raise Problem(
            "conflict", "It was already requested; the operator decides.", "Wait, or withdraw it."
        ) from None
    return request_id


async def withdraw(world: World, scope: Scope, request_id: UUID) -> None:
    """Raises: Problem(wrong_state)."""
    await _end(world, scope, request_id, "withdrawn", "")


async def decide_go_live(
    world: World, scope: Scope, request_id: UUID, *, approve: bool, note: str
) -> None:
    """The operator's decision. Conditions that held at the request must hold still.

    Raises: Problem invalid, wrong_state.
    """
    note = " ".join(note.replace("\x00", "").split())
    if len(note) > NOTE_MAX or not approve and not note:
        raise invalid(
            Sentence("A refusal needs a note; it has at most {0} characters.", NOTE_MAX), "note"
        )
    await _end(world, scope, request_id, "approved" if approve else "refused", note)


async def _end(world: World, scope: Scope, request_id: UUID, state: str, note: str) -> None:
    async with world.db.transaction() as tx:
        _, conditions = await _look(tx, scope.merchant_id)
        if state == "approved":
            _check(conditions)
        by, at = scope.actor.text(), world.clocks.wall()
        if not await decide_request(
            tx, scope.merchant_id, request_id, state, _holding(conditions), note, by, at
        ):
            raise Problem("wrong_state", "This request is not open.", "Reload the page.")
        await audit.note(tx, scope, at, f"go_live.{state}", request_id)
        if state != "withdrawn":
            await alert_of_decision(tx, scope.merchant_id, request_id, state, at)


async def _look(connection: Read, merchant_id: UUID) -> tuple[Facts, tuple[Condition, ...]]:
    facts = await onboarding_facts(connection, merchant_id)
    if facts is None:
        raise Problem("not_found", "There is no such merchant.")
    return facts, conditions(facts)


def _check(conditions: tuple[Condition, ...]) -> None:
    lacking = [condition.title for condition in conditions if not condition.holds]
    if lacking:
        raise Problem(
            "wrong_state",
            Sentence("Still missing: {0}.", joined(lacking, "; ")),
            "See the page for what to do.",
        )


def _holding(conditions: tuple[Condition, ...]) -> dict[str, bool]:
    return {condition.name: condition.holds for condition in conditions}
