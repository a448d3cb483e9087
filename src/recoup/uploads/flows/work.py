"""Due work `upload`: the rows go the way of single calls, many at once; what each became is kept
with it.

Rows are begun before they are worked: after a process that died another calls the same flows again,
whose own keys make that harmless. Files of one merchant and kind go in the order in which they
came.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog

from recoup.audit.moves import note
from recoup.db.pool import retrying
from recoup.kernel.problem import Problem, Sentence, cut, in_words, joined
from recoup.kernel.scope import Actor, Scope
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.orders.store.due_work import Due, hand_back
from recoup.rescue.flows.evaluate import Evaluate
from recoup.rescue.flows.locked import Orders
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.tokenize import Vault
from recoup.rescue.flows.transmit import Transmit, Transmitted
from recoup.rescue.rules.intake_warnings import in_sentences
from recoup.uploads.flows.take import Given, errors_of, given_of
from recoup.uploads.moves import end_upload
from recoup.uploads.rules.answers import HEADS, csv_answer, json_answer
from recoup.uploads.store import (
    Copy,
    LockedUpload,
    Upload,
    WaitingRow,
    answer_rows,
    ask_stop,
    begin_rows,
    find_upload,
    lock_upload,
    transmitted_before,
    upload_rows,
    waiting_rows,
)

log = structlog.get_logger()
ROWS_AT_ONCE: Final = 1_000
SIDE_BY_SIDE: Final = 256
SLICE_SECONDS: Final = (
    5.0  # then a free worker goes on: one that shall end does not wait for a file
)
TURN: Final = timedelta(seconds=0.5)
TRIES_MAX: Final = 5
# A file's rows are answered first, then its orders are worked: by so much later for each so many
# rows.
BEGIN_AFTER: Final = timedelta(seconds=60)
BEGIN_ROWS: Final = 25_000
_LAST: Final = 2**31 - 1
_NOT_NOW: Final = frozenset({"unavailable", "too_many_requests"})
SUCCESS: Final = "SUCCESS"
Answer = dict[str, Any]
_Next = tuple[LockedUpload, list[WaitingRow]]


async def work_upload(world: World, orders: Orders, due: Due) -> None:
    """Raises: Problem(unavailable) when rows could not be taken now; they are tried again later."""
    key = (due.merchant_id, due.subject_id)
    merchants, until = Merchants(world), world.clocks.monotonic() + SLICE_SECONDS
    worker: _Worker | None = None
    answers: list[Answer] = []
    while True:
        over = world.clocks.monotonic() >= until
        step = await _step(world, merchants, key, answers, more=not over)
        if step is None:
            return
        upload, rows = step
        if not rows:
            wait = world.clocks.wall() + TURN if upload.waits else None
            await hand_back(world.db.alone, due, wait)
            return
        worker = worker or _Worker(world, orders, merchants, upload)
        answers, trouble = await worker.run(rows)
        if trouble is not None:
            await _step(world, merchants, key, answers, more=False)
            raise trouble


async def _step(
    world: World,
    merchants: Merchants,
    key: tuple[UUID, UUID],
    answers: Sequence[Answer],
    *,
    more: bool,
) -> _Next | None:
    """Keeps the answers, and begins the next rows if `more`: first those that somebody began
    before. None: there is nothing left to do, and its event is written."""
    merchant = (await merchants.get(key[0])).merchant

    async def once() -> _Next | None:
        wall = world.clocks.wall()
        async with world.db.transaction() as tx:
            upload = await lock_upload(tx, *key)
            if upload is None or upload.finished_at is not None:
                return None
            if answers:
                await answer_rows(tx, *key, answers)
            stopping = upload.stop_requested_at is not None
            if not more or upload.waits and not stopping:
                return upload, []
            rows = await waiting_rows(tx, *key, upload.begun_to, ROWS_AT_ONCE)
            if not rows and not stopping:
                rows = await waiting_rows(tx, *key, _LAST, ROWS_AT_ONCE)
                if rows:
                    await begin_rows(tx, *key, rows[-1].row_no)
            if rows:
                return upload, rows
            left = stopping and await waiting_rows(tx, *key, _LAST, 1)
            state = "stopped" if left else "completed"
            await end_upload(tx, key, state, now=merchant.business(wall), wall=wall)
            return None

    return await retrying(once)


class _Worker:
    """The flows of single calls, for one slice of one upload."""

    def __init__(
        self, world: World, orders: Orders, merchants: Merchants, upload: LockedUpload
    ) -> None:
        self._world, self._kind, self._merchant_id = world, upload.kind, upload.merchant_id
        self._scope = Scope(self._merchant_id, Actor.of(upload.actor), upload.request_id)
        later = BEGIN_AFTER * (1 + upload.row_count // BEGIN_ROWS)
        self._evaluate = Evaluate(world, orders, merchants, Vault(world), begin_after=later)
        self._transmit = Transmit(world, orders, merchants)
        self._room = asyncio.Semaphore(SIDE_BY_SIDE)
        self._trouble: Problem | None = None

    async def run(self, rows: Sequence[WaitingRow]) -> tuple[list[Answer], Problem | None]:
        """Works on the rows and returns their answers, and why some could not be taken now."""
        answers: list[Answer] = []
        for wave in _waves(rows):
            before = await self._before(wave)
            answers += await asyncio.gather(*(self._one(row, before) for row in wave))
        return answers, self._trouble

    async def _before(self, rows: Sequence[WaitingRow]) -> dict[Copy, UUID]:
        if self._kind != "transmit":
            return {}
        copies = [copy for copy in map(_copy_in, rows) if copy is not None]
        return await transmitted_before(self._world.db, self._merchant_id, copies)

    async def _one(self, row: WaitingRow, before: Mapping[Copy, UUID]) -> Answer:
        answer: Answer = {
            "row_no": row.row_no,
            "state": "done",
            "tries": row.tries,
            "errors": [],
            "subject_id": row.subject_id,
        }
        try:
            async with self._room:
                return answer | await self._taken(given_of(row.given), row.subject_id, before)
        except Problem as problem:
            if problem.code in _NOT_NOW:
                self._trouble = problem
                return answer | {"state": "received"}
            return answer | {"state": "refused", "code": problem.code, "errors": errors_of(problem)}
        except Exception as error:  # noqa: BLE001 - whatever it was, the other rows go on
            log.warning(
                "upload row failed", row=row.row_no, tries=row.tries, error=in_words(error)[:200]
            )
            if row.tries + 1 < TRIES_MAX:
                self._trouble = Problem(
                    "unavailable",
                    Sentence("Row {0} failed: {1}.", row.row_no, cut(in_words(error), 200)),
                )
                return answer | {"state": "received", "tries": row.tries + 1}
            message, cure = (
                "Something went wrong on our side.",
                "Send this row by a call of its own.",
            )
            errors = [{"field": "", "message": message, "cure": cure}]
            return answer | {"state": "refused", "code": "internal", "errors": errors}

    async def _taken(
        self, given: Given, own_id: UUID | None, before: Mapping[Copy, UUID]
    ) -> Answer:
        if isinstance(given, EvaluateRequest):
            result = await self._evaluate.evaluate(self._scope, given)
            return {
                "status": result.evaluate,
                "subject_id": result.order_id,
                "warning": joined(in_sentences(result.warnings)) if result.warnings else None,
            }
        if isinstance(given, Transmitted):
            known = before.get(_copy(given), own_id)
            if known != own_id:
                return {
                    "status": SUCCESS,
                    "subject_id": known,
                    "warning": "It was transmitted before.",
                }
            known, warnings = await self._transmit.transmit(self._scope, given, own_id)
            warning = joined(in_sentences(warnings)) if warnings else None
            return {"status": SUCCESS, "subject_id": known, "warning": warning}
        await self._transmit.update(self._scope, given.transmit_id, given.outcome)
        return {"status": SUCCESS, "subject_id": given.transmit_id}


def _copy_in(row: WaitingRow) -> Copy | None:
    """The transmitted copy in a row; None for one that cannot be read: it is refused in its
    turn."""
    with suppress(msgspec.DecodeError):
        given = given_of(row.given)
        return _copy(given) if isinstance(given, Transmitted) else None
    return None


def _copy(transmission: Transmitted) -> Copy:
    return (
        transmission.external_id,
        transmission.transaction_id,
        transmission.is_declined,
        transmission.units,
        transmission.currency,
    )


def _waves(rows: Sequence[WaitingRow]) -> list[list[WaitingRow]]:
    """Rows about one order go one after the other, in the file's order."""
    waves: list[list[WaitingRow]] = []
    seen: dict[str, int] = {}
    for row in rows:
        number = seen.get(row.external_id, -1) + 1 if row.external_id else 0
        seen[row.external_id] = number
        if number == len(waves):
            waves.append([])
        waves[number].append(row)
    return waves


async def stop_upload(world: World, scope: Scope, upload_id: UUID) -> Upload:
    """The upload as it stands now; a repeat answers the same. Raises: Problem(not_found);
    Problem(wrong_state)."""
    async with world.db.transaction() as tx:
        wall = world.clocks.wall()
        stopping = await ask_stop(tx, scope.merchant_id, upload_id, wall, scope.actor.text())
        if stopping:
            await note(tx, scope, wall, "upload.stopped", upload_id)
    upload = await one_upload(world, scope.merchant_id, upload_id)
    if not stopping and upload.state == "completed":
        raise Problem(
            "wrong_state",
            "All rows of this upload are already processed.",
            cure="Cancel single orders with POST /v1/orders/{id}/cancel.",
        )
    return upload


async def one_upload(world: World, merchant_id: UUID, upload_id: UUID) -> Upload:
    """Raises: Problem(not_found)."""
    upload = await find_upload(world.db, merchant_id, upload_id)
    if upload is None:
        raise Problem(
            "not_found",
            "There is no such upload.",
            cure="Check the id; GET /v1/uploads lists them.",
        )
    return upload


async def answer_file(world: World, upload: Upload) -> AsyncIterator[bytes]:
    """JSON lines or CSV. No connection is held while a slow reader takes its time."""
    kind, form = upload.kind, upload.form
    write = csv_answer if form == "csv" else json_answer
    if form == "csv":
        yield (",".join(HEADS[kind]) + "\r\n").encode()
    after = 0
    while True:
        rows = await upload_rows(
            world.db, upload.merchant_id, upload.upload_id, after, ROWS_AT_ONCE
        )
        if not rows:
            return
        after = rows[-1].row_no
        yield "".join(write(kind, row) for row in rows).encode()
