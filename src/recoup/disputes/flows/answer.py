"""Our answer to a dispute: evidence is noted, the answer is owed, sent to the processor, and the
outcome is kept."""

import re
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from recoup.audit.moves import note
from recoup.db.statement import Read
from recoup.disputes.flows.compelling import compelling_of, name_for_answer
from recoup.disputes.flows.files import no_such_dispute, opened
from recoup.disputes.moves.answer import ask_answer, close_answer, open_answer
from recoup.disputes.moves.case import meet_deadline, remind
from recoup.disputes.store.dispute_notes import insert_note, lock_dispute
from recoup.disputes.store.disputes import (
    DisputeNote,
    order_of_dispute,
    read_dispute,
    read_notes,
    sealed_files,
)
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import BusinessTime
from recoup.kit.world import World
from recoup.merchants.store.merchants import offset_of
from recoup.networks import compelling_evidence
from recoup.networks.card import luhn
from recoup.networks.compelling_evidence import Compelling
from recoup.networks.decline_code import our_code
from recoup.networks.disputes import UNDECIDED
from recoup.orders.flows.external_call import (
    ask_before_repeat,
    call_with_timeout,
    deadline_of,
    note_answer,
    processor_of,
)
from recoup.orders.moves.change import Change
from recoup.orders.rules.disputed import Dispute
from recoup.orders.rules.snapshot import Order
from recoup.orders.rules.wire_keys import answer_key
from recoup.processors.gateways.port import DisputeAnswer, EvidenceFile, Inquiry, Outcome
from recoup.rescue.flows.locked import Orders

NOTE_MAX = 4000
NOTES_MAX = 50
NO_EVIDENCE = "no_evidence"
_CARD_NUMBER = re.compile(r"(?<![0-9])[2-6](?:[ -]?[0-9]){12,18}(?![0-9])")


async def note_evidence(world: World, scope: Scope, dispute_id: UUID, text: str) -> UUID:
    """Raises: Problem not_found, invalid, wrong_state."""
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > NOTE_MAX or "\0" in text:
        raise invalid(
            Sentence("A note must have 1 to {0} characters.", NOTE_MAX),
            "Note",
            "Use a few sentences; put the rest in another note.",
        )
    if any(luhn(re.sub(r"[ -]", "", match[0])) for match in _CARD_NUMBER.finditer(text)):
        cure = "The last four digits are enough."
        raise invalid("This looks like a card number; it must not be kept here.", "Note", cure)
    async with world.db.transaction() as tx:
        row = await read_dispute(tx, scope.merchant_id, dispute_id, clear=True)
        if row is None:
            raise no_such_dispute()
        if row.state not in UNDECIDED:
            raise Problem(
                "wrong_state",
                Sentence("A dispute that is {0} no longer accepts evidence.", row.state),
                cure="It is closed; nothing needs to be done.",
            )
        now = world.clocks.business(await offset_of(tx, scope.merchant_id) or 0)
        note_id = new_id()
        await lock_dispute(tx, scope.merchant_id, dispute_id)
        made = await insert_note(
            tx, scope.merchant_id, note_id, dispute_id, text, scope.actor.text(), now, NOTES_MAX
        )
        if made:
            await note(tx, scope, world.clocks.wall(), "dispute.noted", dispute_id)
    if not made:
        raise Problem(
            "wrong_state",
            Sentence("A dispute has at most {0} notes.", NOTES_MAX),
            cure="Put more into one note.",
        )
    return note_id


async def answer_dispute(
    world: World, orders: Orders, scope: Scope, dispute_id: UUID, answer: str
) -> None:
    """`contest` or `accept`; owed from now on, the worker tells the processor.

    Raises: Problem not_found, wrong_state; invalid when there is no evidence to contest with.
    """
    order_id = await _order_of(world.db, scope.merchant_id, dispute_id)
    if answer not in ("contest", "accept"):
        raise invalid(
            "Answer a dispute with contest or accept.", "Answer", "Use one of the two buttons."
        )
    if answer == "contest" and not await _has_evidence(world, scope.merchant_id, dispute_id):
        raise invalid("There is no evidence yet.", "Note", "Add your evidence first.")
    key = (scope.merchant_id, order_id)
    await orders.run(lambda c: ask_answer(c, dispute_id, answer), key, scope)


async def _has_evidence(world: World, merchant_id: UUID, dispute_id: UUID) -> bool:
    notes = await read_notes(world.db, merchant_id, dispute_id, clear=True)
    if any(note.text for note in notes) or await sealed_files(world.db, merchant_id, dispute_id):
        return True
    row = await read_dispute(world.db, merchant_id, dispute_id, clear=True)
    compelling = (
        await compelling_of(world.db, merchant_id, row, row.scheme) if row is not None else None
    )
    return compelling is not None and bool(compelling.priors)


async def send_answer(world: World, orders: Orders, merchant_id: UUID, dispute_id: UUID) -> None:
    """Due work `dispute_answer`: intent, call, outcome."""
    order_id = await _order_of(world.db, merchant_id, dispute_id)
    notes = await read_notes(world.db, merchant_id, dispute_id, clear=True)
    files = opened(world, dispute_id, await sealed_files(world.db, merchant_id, dispute_id))
    key = (merchant_id, order_id)

    def intent(change: Change) -> tuple[Dispute, BusinessTime, Order] | None:
        dispute = open_answer(change, dispute_id, world.policy.call_timeout)
        return (dispute, change.now, change.order) if dispute else None

    begun = await orders.run(intent, key)
    if begun is None:
        return
    dispute, now, order = begun
    assert dispute.answer is not None
    assert dispute.answer_id is not None
    assert dispute.answer_before is not None
    processor = processor_of(world, dispute.route)
    timeout = world.policy.call_timeout / timedelta(seconds=1)
    is_contested = dispute.answer == "contest"
    scheme, compelling = order.card.scheme if order.card is not None else None, None
    if is_contested:
        compelling = await name_for_answer(world, merchant_id, dispute, scheme, dispute.answer_id)
    sending = DisputeAnswer(
        id=dispute.answer_id,
        case_ref=dispute.case_ref,
        charge_id=dispute.attempt_id,
        answer=dispute.answer,
        evidence=_in_words(notes, files, compelling, sent_along=processor.takes_files),
        sent_at=now,
        files=files if processor.takes_files and is_contested else (),
        compelling=compelling,
        send_before_monotonic=deadline_of(world, dispute.answer_before),
        timeout_seconds=timeout,
        key=answer_key(order, dispute.case_ref, dispute.answer_no),
        charge_key=order.attempt(dispute.attempt_id).key or dispute.attempt_id,
    )
    is_first = dispute.answer_tries == 1
    if is_contested and not sending.evidence and not files:  # what there was counts no more
        outcome = Outcome("declined", processor_code=our_code(NO_EVIDENCE))
    else:
        inquiry = Inquiry(sending.id, "dispute_answer", sending)
        known = None if is_first else await ask_before_repeat(world, processor, inquiry, "answer")
        outcome = known or await call_with_timeout(processor.answer_dispute(sending), timeout)
    answer_id = dispute.answer_id
    state, waits = await note_answer(
        world, processor, "dispute_answer", outcome, merchant_id, is_first=is_first
    )

    def result(change: Change) -> str:
        code = outcome.own_code or outcome.scheme_code
        return close_answer(change, dispute_id, answer_id, state, code, waits=waits)

    await orders.run(result, key)


def _in_words(
    notes: Sequence[DisputeNote],
    files: Sequence[EvidenceFile],
    compelling: Compelling | None,
    *,
    sent_along: bool,
) -> str:
    """Files that are not sent along are named."""
    words = [note.text for note in notes if note.text]
    if compelling is not None:
        words.insert(0, compelling_evidence.in_words(compelling))
    if files and not sent_along:
        words.append(
            "Files that can be handed in: "
            + "; ".join(f"{file.name} ({file.media_type})" for file in files)
        )
    return "\n\n".join(words)


async def end_in_time(world: World, orders: Orders, merchant_id: UUID, dispute_id: UUID) -> None:
    """Due work `dispute_deadline`."""
    order_id = await _order_of(world.db, merchant_id, dispute_id)
    await orders.run(lambda c: meet_deadline(c, dispute_id), (merchant_id, order_id))


async def remind_of(world: World, orders: Orders, merchant_id: UUID, dispute_id: UUID) -> None:
    """Due work `dispute_reminder`."""
    order_id = await _order_of(world.db, merchant_id, dispute_id)
    await orders.run(lambda c: remind(c, dispute_id), (merchant_id, order_id))


async def _order_of(connection: Read, merchant_id: UUID, dispute_id: UUID) -> UUID:
    """Raises: Problem(not_found)."""
    order_id = await order_of_dispute(connection, merchant_id, dispute_id)
    if order_id is None:
        raise no_such_dispute()
    return order_id
