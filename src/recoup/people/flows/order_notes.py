"""Notes that people write beside an order. They are no part of its log: its version, events and
stage do not change."""

from typing import Final
from uuid import UUID

from recoup.audit.moves import note
from recoup.kernel.problem import Problem, Sentence, figure, invalid
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset
from recoup.orders.store.order_page import insert_order_note, lock_order_notes
from recoup.people.rules.impersonation import check_no_card

NOTE_MAX: Final = 2_000
NOTES_MAX: Final = 200


async def note_order(world: World, scope: Scope, order_id: UUID, note_id: UUID, text: str) -> None:
    """Keeps it, with who and when. `note_id` is the form's own: the same form again is the same
    note.

    Raises: Problem invalid, wrong_state.
    """
    kept = checked_note(text)
    async with world.db.transaction() as tx:
        now = world.clocks.business(await known_offset(tx, scope.merchant_id))
        await lock_order_notes(tx, scope.merchant_id, order_id)
        made = await insert_order_note(
            tx,
            scope.merchant_id,
            note_id,
            order_id,
            kept,
            scope.actor.text(),
            now,
            world.clocks.wall(),
            NOTES_MAX,
        )
        if made:
            await note(tx, scope, world.clocks.wall(), "order.noted", order_id)
    if not made:
        raise Problem(
            "wrong_state",
            Sentence("An order has at most {0} notes, and each form makes one.", NOTES_MAX),
            "Reload the page; put more into one note.",
        )


def checked_note(text: str) -> str:
    """Raises: Problem(invalid) for one that is empty, too long, or holds a card number."""
    text = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not text or len(text) > NOTE_MAX:
        raise invalid(
            Sentence("A note has 1 to {0} characters.", figure(NOTE_MAX)),
            "note",
            "Use a few sentences; put the rest in another note.",
        )
    check_no_card(text, "note")
    return text
