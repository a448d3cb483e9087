"""A file is taken: all of its rows are stored with their upload in one transaction, or nothing is.

The same file again is the upload that there is; of two at once one waits and finds the other's. A process that dies
leaves nothing behind.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from typing import BinaryIO, Final
from uuid import UUID

from recoup.flows.cards.uploads.read import Rows, check_header, form_of, open_rows
from recoup.flows.cards.uploads.row import Reader
from recoup.flows.file_turns import check_name, in_turn
from recoup.flows.no_cards import held_cards
from recoup.flows.threads import run_stoppable
from recoup.flows.workbooks import opened
from recoup.flows.world import World
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.sentence import Sentence
from recoup.moves.bulk.upload import take_upload
from recoup.rules.files.source import unpacked
from recoup.rules.uploads.record import KINDS
from recoup.store.orders.uploads import NewUploadRow, Upload, add_rows, count_rows, find_upload, upload_by_content

FILE_BYTES_MAX: Final = 256 << 20
ROWS_AT_ONCE: Final = 1_000
HEAD: Final = 4_096
_COLUMNS_OF: Final = "evaluate"  # to look for a configuration it does not matter whose columns are known


@dataclass(frozen=True, slots=True)
class File:
    """An open file that can be read twice; `name` as its owner calls it, `kind` where it was said."""

    name: str
    content: BinaryIO
    kind: str = ""


@dataclass(frozen=True, slots=True)
class TakenUpload:
    """`before`: it was there already, and nothing was changed."""

    upload: Upload
    before: bool


async def take(world: World, scope: Scope, file: File, readers: Mapping[str, Reader]) -> TakenUpload:
    """Raises: Problem(invalid) for a file of which nothing can be taken, of another merchant, or misnamed;
    Problem(too_large); Problem(unavailable) while another of the merchant's files is read, or too many of others."""

    async def read() -> TakenUpload:
        async with opened(file.content) as content:
            return await _take(world, scope, replace(file, content=content), readers)

    return await in_turn(world, scope.merchant_id, file.content, read)


async def _take(world: World, scope: Scope, file: File, readers: Mapping[str, Reader]) -> TakenUpload:
    name = check_name(file.name)
    digest, head = await run_stoppable(_digest, file.content)
    form, encoding = await run_stoppable(form_of, head, lambda: unpacked(file.content))
    kind = await run_stoppable(_kind_of, file, form, encoding, scope.merchant_id, readers)
    mac: bytes = world.keys.mac("upload", digest)
    known = await upload_by_content(world.db, scope.merchant_id, kind, mac)
    if known is not None:
        return TakenUpload(known, True)
    key = (scope.merchant_id, new_id())
    rows = Rows(file.content, form, encoding, key, kind, readers[kind])
    async with world.db.transaction() as tx:
        mine = await take_upload(tx, scope, key[1], kind, form, mac, name, world.clocks.wall())
        if mine:
            async for batch in _batches(rows):
                await _refuse_cards(world, rows, batch)
                await add_rows(tx, batch)
            await count_rows(tx, *key, rows.count, rows.refused, rows.notes)
    made = await (find_upload(world.db, *key) if mine else upload_by_content(world.db, scope.merchant_id, kind, mac))
    if made is None:
        raise Problem(
            "unavailable", "The same file has just been stopped.", retry_after_seconds=1, cure="Send it again."
        )
    return TakenUpload(made, not mine)


def _digest(content: BinaryIO) -> tuple[bytes, bytes]:
    """Hash and first bytes of what is in it, unpacked. Raises: Problem(too_large)."""
    digest, head = sha256(), b""
    for piece in unpacked(content):
        head = head if len(head) >= HEAD else (head + piece)[:HEAD]
        digest.update(piece)
    return digest.digest(), head


def _kind_of(file: File, form: str, encoding: str, merchant_id: UUID, readers: Mapping[str, Reader]) -> str:
    """What was said, with the call, in the configuration, or by the name. Raises: Problem(invalid)."""
    kinds = [file.kind] if file.kind else []
    if form == "json":
        source = open_rows(unpacked(file.content), form, encoding, readers[_COLUMNS_OF])
        next(iter(source), None)
        check_header(source.header, merchant_id)
        kinds += [source.header.kind] if source.header.kind else []
    name = check_name(file.name).lower()
    kinds += [kind for kind in KINDS if name.startswith(f"{kind}_")]
    if not kinds:
        raise invalid(
            "The kind of the file's rows is missing.",
            "kind",
            "Add ?kind=transmit or ?kind=evaluate, or name the file so: transmit_….",
        )
    if kinds[0] not in KINDS:
        raise invalid(Sentence("The kind {0} is none of {1}.", repr(kinds[0][:20]), ", ".join(KINDS)), "kind")
    if len(set(kinds)) > 1:
        raise invalid(
            Sentence("The file names two kinds: {0}.", " and ".join(kinds)[:80]),
            "kind",
            "Name a transmit file transmit_…, and send it as kind=transmit.",
        )
    if kinds[0] == "transmit" and name and not name.startswith("transmit_"):
        raise invalid(
            "The name of a transmit file begins with transmit_.", "filename", "Rename it, or send it without a name."
        )
    return kinds[0]


async def _refuse_cards(world: World, rows: Rows, batch: list[NewUploadRow]) -> None:
    """Identifiers are often long numbers: they are refused only when they are cards that are held."""
    like = [(at, rows.like.pop(row.row_no)) for at, row in enumerate(batch) if row.row_no in rows.like]
    held = await held_cards(world, {digits for _, several in like for _, digits in several}, rows.key[0])
    for at, several in like:
        name = next((name for name, digits in several if digits in held), None)
        if name is not None:
            batch[at] = rows.refuse(batch[at], name)


async def _batches(rows: Rows) -> AsyncIterator[list[NewUploadRow]]:
    """Read beside the event loop: other calls are served meanwhile."""
    every = iter(rows)
    while batch := await run_stoppable(lambda: list(islice(every, ROWS_AT_ONCE))):
        yield batch
