"""Evidence of a dispute as files: sealed before they are kept, opened for who may see them and for
the processor."""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from recoup.audit.moves import note
from recoup.disputes.rules import COUNT_MAX, evidence_type
from recoup.disputes.store.dispute_notes import insert_file, lock_dispute, same_file
from recoup.disputes.store.disputes import (
    DisputeFile,
    SealedFile,
    read_dispute,
    read_files,
    sealed_files,
)
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.scope import Scope
from recoup.kit.world import World
from recoup.merchants.store.merchants import offset_of
from recoup.networks.card_guard import holds_number, refused
from recoup.networks.card_text import FORM_CHARS_MAX, Room
from recoup.networks.disputes import UNDECIDED
from recoup.onboarding.rules.documents import file_name
from recoup.processors.gateways.port import EvidenceFile

LOOK_IT_UP = "Look it up in the list of disputes."


async def add_file(
    world: World,
    scope: Scope,
    dispute_id: UUID,
    name: str,
    content: bytes,
    order_id: UUID | None = None,
) -> DisputeFile:
    """The file without its bytes. The same bytes again are the file that there is. `order_id`: of
    which order the dispute must be.

    Raises: Problem not_found; invalid naming the field; wrong_state when it takes none any more.
    """
    if holds_number(name, Room(FORM_CHARS_MAX)):
        raise refused(["Name"])
    name, kind = file_name(name), evidence_type(content)
    file_id = new_id()
    sealed = world.keys.seal_secret(evidence_context(world, dispute_id, file_id), content)
    async with world.db.transaction() as tx:
        row = await read_dispute(tx, scope.merchant_id, dispute_id, clear=True)
        if row is None or order_id not in (None, row.order_id):
            raise no_such_dispute()
        if row.state not in UNDECIDED:
            raise Problem(
                "wrong_state",
                Sentence("A dispute that is {0} no longer accepts evidence.", row.state),
                cure="It is closed; nothing needs to be done.",
            )
        now = world.clocks.business(await offset_of(tx, scope.merchant_id) or 0)
        await lock_dispute(tx, scope.merchant_id, dispute_id)
        digest, size, actor = sha256(content).digest(), len(content), scope.actor.text()
        kept = await same_file(tx, scope.merchant_id, dispute_id, digest) or await insert_file(
            tx,
            scope.merchant_id,
            file_id,
            dispute_id,
            name,
            kind,
            size,
            digest,
            sealed,
            actor,
            now,
            COUNT_MAX,
        )
        if kept is None:
            raise Problem(
                "wrong_state",
                Sentence("A dispute has at most {0} files.", COUNT_MAX),
                cure="Put pages into one PDF.",
            )
        if kept == file_id:
            await note(tx, scope, world.clocks.wall(), "dispute.file_added", dispute_id)
        files = await read_files(tx, scope.merchant_id, dispute_id, clear=True)
    return next(file for file in files if file.file_id == kept)


async def list_files(
    world: World, merchant_id: UUID, dispute_id: UUID, order_id: UUID
) -> list[DisputeFile]:
    """Raises: Problem(not_found)."""
    row = await read_dispute(world.db, merchant_id, dispute_id, clear=True)
    if row is None or row.order_id != order_id:
        raise no_such_dispute()
    return await read_files(world.db, merchant_id, dispute_id, clear=True)


async def read_file(
    world: World, merchant_id: UUID, dispute_id: UUID, file_id: UUID, order_id: UUID | None = None
) -> tuple[DisputeFile, bytes]:
    """Reads an evidence file with its bytes. Raises: Problem(not_found), also for one that was
    erased."""
    row = await read_dispute(world.db, merchant_id, dispute_id, clear=True)
    if row is None or order_id not in (None, row.order_id):
        raise no_such_dispute()
    rows = await read_files(world.db, merchant_id, dispute_id, clear=True)
    sealed = {
        file.file_id: file.sealed for file in await sealed_files(world.db, merchant_id, dispute_id)
    }
    file = next((file for file in rows if file.file_id == file_id), None)
    if file is None or file_id not in sealed:
        raise Problem(
            "not_found",
            "There is no such file.",
            cure="Reload the dispute: it may have been erased.",
        )
    content: bytes = world.keys.open_secret(
        evidence_context(world, dispute_id, file_id), sealed[file_id]
    )
    return file, content


def opened(world: World, dispute_id: UUID, rows: Sequence[SealedFile]) -> tuple[EvidenceFile, ...]:
    """Evidence files unsealed, as the processor takes them."""
    return tuple(
        EvidenceFile(
            row.name,
            row.media_type,
            world.keys.open_secret(evidence_context(world, dispute_id, row.file_id), row.sealed),
        )
        for row in rows
    )


def evidence_context(world: World, dispute_id: UUID, file_id: UUID) -> str:
    """The place of the bytes: sealed into them, so that no two rows can be swapped."""
    return f"evidence:{world.name}:{dispute_id}:{file_id}"


def no_such_dispute() -> Problem:
    return Problem("not_found", "There is no such dispute.", cure=LOOK_IT_UP)
