"""An application to become a merchant: begun, changed, submitted, decided, cancelled. Each step is
one transaction under the application's lock; its log line and event go with it."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

import msgspec

from recoup.db.pool import KeyTaken
from recoup.db.statement import Tx
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kernel.scope import Actor
from recoup.kit.world import World
from recoup.merchants.store.partners import find_partner, lock_partner
from recoup.merchants.store.sites import lock_merchant
from recoup.onboarding.moves import By, begin_application, move_application
from recoup.onboarding.rules.application import DECLINE_REASONS, Status, step
from recoup.onboarding.rules.form import Form, complaints, missing
from recoup.onboarding.store.applications import (
    Application,
    Document,
    count_drafts,
    documents_of,
    find_application,
    list_applications,
    lock_application,
)

DRAFTS_MAX: Final = 200
NOTE_MAX: Final = 500


@frozen
class Applicant:
    """Applicant on whose behalf it is: a partner or a merchant of its own; with `owner` None the
    operator, who sees all."""

    owner: tuple[str, UUID] | None
    actor: Actor
    request_id: str
    role: str | None = None  # of a person

    def by(self, world: World) -> By:
        return By(self.actor, self.request_id, world.clocks.wall())


async def create_application(world: World, applicant: Applicant, form: Form) -> Application:
    """A draft. Raises: Problem(invalid) naming every field that is not well formed;
    Problem(conflict)."""
    _check(form)
    assert applicant.owner, "the operator applies for nobody"
    kind, owner_id = applicant.owner
    try:
        async with world.db.transaction() as tx:
            await (lock_partner if kind == "partner" else lock_merchant)(tx, owner_id)
            await _check_active(tx, applicant)
            if await count_drafts(tx, *applicant.owner, DRAFTS_MAX) >= DRAFTS_MAX:
                raise Problem(
                    "conflict",
                    Sentence("There are {0} drafts already.", DRAFTS_MAX),
                    "Cancel some of them first.",
                )
            return await begin_application(
                tx, applicant.owner, form, _step(Status.NEW, "created"), applicant.by(world)
            )
    except KeyTaken:
        raise _taken(form) from None


async def change_application(
    world: World, applicant: Applicant, application_id: UUID, form: Form
) -> Application:
    """The draft as it shall be, whole. Raises: Problem invalid, not_found, wrong_state,
    conflict."""
    _check(form)
    try:
        async with world.db.transaction() as tx:
            row = await locked_application(tx, applicant, application_id)
            move = _step(row.status, "changed")
            return await move_application(
                tx, row, move, applicant.by(world), form=asdict(form), external_id=form.external_id
            )
    except KeyTaken:
        raise _taken(form) from None


async def submit_application(
    world: World, applicant: Applicant, application_id: UUID, note: str = ""
) -> tuple[Application, list[str]]:
    """The application, and what it still lacks: then it stays a draft. Raises: Problem not_found,
    wrong_state."""
    async with world.db.transaction() as tx:
        row = await locked_application(tx, applicant, application_id)
        move = step(row.status, "submitted")
        if move is None:
            return row, []
        kinds = frozenset(document.kind for document in await documents_of(tx, [application_id]))
        lacks = missing(form_of(row), kinds)
        if lacks:
            return row, lacks
        return await move_application(tx, row, move, applicant.by(world), log_note=note), []


async def cancel_application(
    world: World, applicant: Applicant, application_id: UUID, note: str = ""
) -> Application:
    """Cancels an application, in any state but that whose merchant exists; a second time it does
    nothing. Raises: Problem not_found, wrong_state."""
    async with world.db.transaction() as tx:
        row = await locked_application(tx, applicant, application_id)
        move = step(row.status, "cancelled")
        return (
            row
            if move is None
            else await move_application(tx, row, move, applicant.by(world), log_note=note)
        )


async def decide_application(
    world: World,
    applicant: Applicant,
    application_id: UUID,
    *,
    approve: bool,
    reason: str = "",
    note: str = "",
) -> Application:
    """The operator's word. A refusal has a reason of the list; the applicant reads reason and note.

    Raises: Problem not_found, wrong_state, forbidden, invalid.
    """
    if applicant.owner:
        raise Problem(
            "forbidden", "Only the operator can decide on applications.", "Wait for the decision."
        )
    reason, note = reason.strip(), " ".join(note.replace("\x00", "").split())
    if len(note) > NOTE_MAX:
        raise invalid(Sentence("A note has at most {0} characters.", NOTE_MAX), "note")
    if not approve and reason not in DECLINE_REASONS:
        raise invalid(
            "Give a reason for declining.",
            "reason",
            Sentence("One of {0}.", ", ".join(DECLINE_REASONS)),
        )
    if not approve and reason == "other" and not note:
        raise invalid("The reason other needs a note.", "note")
    async with world.db.transaction() as tx:
        row = await locked_application(tx, applicant, application_id)
        move = step(row.status, "approved" if approve else "declined")
        if move is None:
            return row
        return await move_application(
            tx,
            row,
            move,
            applicant.by(world),
            log_note=note,
            reason="" if approve else reason,
            note=note,
        )


class FullApplication(Application):
    """Application with its documents, without their bytes."""

    documents: Sequence[Document] = ()


def with_documents(application: Application, documents: Sequence[Document] = ()) -> FullApplication:
    return FullApplication(**msgspec.structs.asdict(application), documents=documents)


async def read_application(
    world: World, applicant: Applicant, application_id: UUID
) -> FullApplication:
    """Raises: Problem(not_found), also for what is somebody else's."""
    row = await find_application(world.db, application_id, applicant.owner)
    if row is None:
        raise no_such_application()
    return with_documents(row, await documents_of(world.db, [application_id]))


async def find_applications(
    world: World,
    applicant: Applicant,
    limit: int,
    *,
    after: UUID | None = None,
    status: str | None = None,
    external_id: str | None = None,
) -> list[FullApplication]:
    """Newest first."""
    rows = await list_applications(
        world.db, applicant.owner, limit, after=after, status=status, external_id=external_id
    )
    documents = await documents_of(world.db, [row.application_id for row in rows])
    return [
        with_documents(row, [d for d in documents if d.application_id == row.application_id])
        for row in rows
    ]


def form_of(application: Application) -> Form:
    return msgspec.convert(application.form, Form)


def lacking(application: FullApplication) -> Sequence[str]:
    """The parts that a draft lacks before it can be submitted; other states lack nothing."""
    if application.status != Status.DRAFT:
        return ()
    return missing(
        form_of(application), frozenset(document.kind for document in application.documents)
    )


async def locked_application(tx: Tx, applicant: Applicant, application_id: UUID) -> Application:
    """Locks the application, to change it. Raises: Problem(not_found), also for what is somebody
    else's; Problem(forbidden) for a partner that is paused."""
    await _check_active(tx, applicant)
    row = await lock_application(tx, application_id, applicant.owner)
    if row is None:
        raise no_such_application()
    return row


async def _check_active(tx: Tx, applicant: Applicant) -> None:
    if applicant.owner and applicant.owner[0] == "partner":
        partner = await find_partner(tx, applicant.owner[1])
        if partner is None or partner.state != "active":
            raise Problem(
                "forbidden",
                "This partner is paused: it can read, but not change anything.",
                "Ask the operator.",
            )


def no_such_application() -> Problem:
    return Problem(
        "not_found", "There is no such application.", "See GET /v1/onboarding/application/list."
    )


def _step(status: Status, happening: str) -> Any:
    """The step of a happening that cannot come twice."""
    move = step(status, happening)
    assert move
    return move


def _check(form: Form) -> None:
    problems = complaints(form)
    if problems:
        raise Problem("invalid", next(iter(problems.values()))[0], fields=problems)


def _taken(form: Form) -> Problem:
    return Problem(
        "conflict",
        Sentence("Another application has the externalId {0}.", repr(form.external_id)),
        "Find it with GET /v1/onboarding/application/list?externalId=…, or use another.",
    )
