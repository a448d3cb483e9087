"""Documents of a draft: sealed before they are kept, opened for those who may see the
application."""

from hashlib import sha256
from typing import Final
from uuid import UUID

from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit.world import World
from recoup.onboarding.flows.applications import (
    Applicant,
    locked_application,
    no_such_application,
    read_application,
)
from recoup.onboarding.moves import move_application
from recoup.onboarding.rules.application import step
from recoup.onboarding.rules.documents import COUNT_MAX, file_name, media_type
from recoup.onboarding.rules.form import DOCUMENTS
from recoup.onboarding.store.applications import (
    Document,
    add_document,
    delete_document,
    document_bytes,
    documents_of,
    find_application,
    find_document,
)

OWNER_BYTES_MAX: Final = 512 << 20
_NONE = "There is no such document."


async def attach_document(
    world: World, applicant: Applicant, application_id: UUID, kind: str, name: str, content: bytes
) -> Document:
    """The document without its bytes. The same bytes of the same kind again are the document that
    there is.

    Raises: Problem not_found, wrong_state, invalid naming the field, conflict when there are too
    many, no_space.
    """
    if kind not in DOCUMENTS:
        raise invalid(Sentence("The field Kind takes {0}.", ", ".join(DOCUMENTS)), "Kind")
    name, media, digest = file_name(name), media_type(content), sha256(content).digest()
    document_id = new_id()
    sealed = world.keys.seal_secret(document_context(world, application_id, document_id), content)
    async with world.db.transaction() as tx:
        row = await locked_application(tx, applicant, application_id)
        move = step(row.status, "document_added")
        assert move
        others = await documents_of(tx, [application_id])
        same = next(
            (other for other in others if other.kind == kind and other.sha256 == digest.hex()), None
        )
        if same:
            return same
        if len(others) >= COUNT_MAX:
            raise Problem(
                "conflict",
                Sentence("An application has at most {0} documents.", COUNT_MAX),
                "Remove one first.",
            )
        if (
            applicant.owner
            and await document_bytes(tx, *applicant.owner) + len(content) > OWNER_BYTES_MAX
        ):
            raise Problem(
                "no_space",
                Sentence(
                    "Your applications have {0} MB of documents, which is the limit.",
                    OWNER_BYTES_MAX >> 20,
                ),
                "Remove documents of drafts first.",
            )
        by = applicant.by(world)
        made = Document(
            document_id,
            application_id,
            kind,
            name,
            media,
            len(content),
            digest.hex(),
            applicant.actor.text(),
            by.at,
        )
        await add_document(
            tx,
            document_id,
            application_id,
            kind,
            name,
            media,
            len(content),
            digest,
            sealed,
            made.added_by,
            by.at,
        )
        await move_application(tx, row, move, by, document_id=document_id)
    return made


async def remove_document(
    world: World, applicant: Applicant, application_id: UUID, document_id: UUID
) -> None:
    """Its bytes are gone; that it was there stays in the log. Raises: Problem not_found,
    wrong_state."""
    async with world.db.transaction() as tx:
        row = await locked_application(tx, applicant, application_id)
        move = step(row.status, "document_removed")
        assert move
        if not await delete_document(tx, application_id, document_id):
            raise _no_such_document()
        await move_application(tx, row, move, applicant.by(world), document_id=document_id)


async def list_documents(
    world: World, applicant: Applicant, application_id: UUID
) -> list[Document]:
    """Raises: Problem(not_found)."""
    return list((await read_application(world, applicant, application_id)).documents)


async def read_document(
    world: World, applicant: Applicant, application_id: UUID, document_id: UUID
) -> tuple[Document, bytes]:
    """The document, with its bytes. Raises: Problem(not_found)."""
    if await find_application(world.db, application_id, applicant.owner) is None:
        raise no_such_application()
    row = await find_document(world.db, application_id, document_id)
    if row is None:
        raise _no_such_document()
    content: bytes = world.keys.open_secret(
        document_context(world, application_id, document_id), row.sealed
    )
    return row, content


def _no_such_document() -> Problem:
    return Problem("not_found", _NONE, "See GET /v1/onboarding/application/{id}/documents.")


def document_context(world: World, application_id: UUID, document_id: UUID) -> str:
    """The place where the bytes belong: sealed into them, so that no two rows can be swapped."""
    return f"document:{world.name}:{application_id}:{document_id}"
