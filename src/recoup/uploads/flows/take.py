"""A file is taken: all of its rows are stored with their upload in one transaction, or nothing is.

The same file again is the upload that there is; of two at once one waits and finds the other's. A
process that dies leaves nothing behind.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO, Final
from uuid import UUID

import msgspec

from recoup.cards.flows.no_cards import held_cards
from recoup.db.table import hex_of
from recoup.kernel.encode import encode
from recoup.kernel.frozen import frozen
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem, Sentence, cut, figure, invalid, too_large
from recoup.kernel.scope import Scope
from recoup.kit.files.ids import DESTROYED, EXPORT_AGAIN, destroyed_in, plain_ids
from recoup.kit.files.lines import decoded, encoding_of, lines
from recoup.kit.files.source import Source, encoding_in, encoding_note, unpacked
from recoup.kit.files.unpack import Unpacked
from recoup.kit.threads import run_stoppable
from recoup.kit.workbooks import opened
from recoup.kit.world import World
from recoup.networks.card_text import Room
from recoup.rescue.flows.taken import EvaluateRequest
from recoup.rescue.flows.transmit import Transmitted
from recoup.uploads.flows.file_turns import check_name, in_turn
from recoup.uploads.moves import take_upload
from recoup.uploads.rules.card_data import (
    FILE_CHARS_MAX,
    NO_NUMBER,
    ROW_CHARS_MAX,
    card_data,
    card_data_in,
    may_hold_code,
    may_hold_number,
)
from recoup.uploads.rules.rows import KINDS, ROWS_MAX, Header, JsonRows, Record
from recoup.uploads.rules.table import Column, TableRows, body_of
from recoup.uploads.store import (
    NewUpload,
    NewUploadRow,
    Upload,
    add_rows,
    count_rows,
    find_upload,
    upload_by_content,
)

ERRORS_MAX: Final = 10
TEXT_MAX: Final = 400


@frozen
class Became:
    """A row of a transmit file with a `transmitId`: what became of an earlier one."""

    transmit_id: UUID
    outcome: dict[str, Any]


Given = EvaluateRequest | Transmitted | Became


@frozen
class Reader:
    """Reader of the rows of one kind, as the bodies of single calls are read.

    `columns`: a column's plain name -> its place in the body. `body`: from a row's JSON; `read`: of
    the merchant. Both raise Problem.
    """

    columns: Mapping[str, Column]
    body: Callable[[str], dict[str, Any]]
    read: Callable[[dict[str, Any], UUID], Given]


class Readers:
    """The readers of a process, by kind; without any, no files are taken."""

    def __init__(self, by_kind: Mapping[str, Reader] = MappingProxyType({})) -> None:
        self.by_kind = by_kind


class Kept(msgspec.Struct, array_like=True):
    """A checked row while it waits: one of the three."""

    declined: EvaluateRequest | None = None
    transmitted: Transmitted | None = None
    became: Became | None = None


def kept(given: Given) -> bytes:
    if isinstance(given, EvaluateRequest):
        return encode(Kept(declined=given))
    return encode(Kept(transmitted=given) if isinstance(given, Transmitted) else Kept(became=given))


def given_of(raw: bytes) -> Given:
    row = _decode(raw)
    given = row.declined or row.transmitted or row.became
    assert given is not None
    return given


def errors_of(problem: Problem) -> list[dict[str, str]]:
    """Errors for the answer file: each complaint with its field; the cure with the first, hints
    with theirs."""
    errors = [
        {"field": name, "message": cut(text, TEXT_MAX)}
        for name, texts in problem.fields.items()
        for text in texts
    ]
    errors = errors[:ERRORS_MAX] or [
        {"field": problem.field or "", "message": cut(problem.message, TEXT_MAX)}
    ]
    if problem.cure:
        errors[0]["cure"] = cut(problem.cure, TEXT_MAX)
    hints = problem.facts.get("hints", {})
    for error in errors:
        if error["field"] in hints:
            error.setdefault("cure", hints[error["field"]])
    return errors


_decode: Final = msgspec.json.Decoder(Kept).decode


SEQUENCE_MAX: Final = 32
NOT_YOUR_MID: Final = (
    "The file's mid does not belong to this credential. Send it with a key of the "
    "merchant that it names."
)


def form_of(head: bytes, source: Source) -> tuple[str, str]:
    """(json or csv, encoding) by a file's first bytes, a table's encoding by all of them.

    Raises: Problem(invalid) for what is no text, and for an empty file.
    """
    encoding = encoding_of(head)
    text = next(decoded([head], encoding)).lstrip()
    if not text.strip("\0"):
        raise invalid("The file is empty.", "file", "Add at least one row.")
    return ("json", encoding) if text[0] in "[{" else ("csv", encoding_in(source))


def check_header(header: Header, merchant_id: UUID) -> None:
    """Raises: Problem(invalid) for another merchant's file."""
    if header.mid and parse_id(header.mid) != merchant_id:
        raise invalid(NOT_YOUR_MID, "mid")


@dataclass
class Rows:
    """The rows of one open file, as the table of them has them."""

    content: BinaryIO
    form: str
    encoding: str
    key: tuple[UUID, UUID]
    kind: str
    reader: Reader
    count: int = 0
    refused: int = 0
    notes: list[str] = field(default_factory=list)
    like: dict[int, list[tuple[str, str]]] = field(
        default_factory=dict
    )  # row -> its identifiers that look like a card
    room: Room = field(default_factory=lambda: Room(FILE_CHARS_MAX))
    _seen: dict[str, int] = field(default_factory=dict)

    def __iter__(self) -> Iterator[NewUploadRow]:
        """Raises: Problem(invalid), Problem(too_large) for a file of which nothing can be taken."""
        plain = unpacked(self.content)
        source = open_rows(plain, self.form, self.encoding, self.reader)
        for record in source:
            if not self.count:
                check_header(source.header, self.key[0])
            self.count += 1
            if self.count > ROWS_MAX:
                raise too_large(Sentence("The file has more than {0} rows.", figure(ROWS_MAX)))
            row = self._row(record, source)
            self.refused += row.state == "refused"
            yield row
        if not self.count:
            raise invalid("The file has no rows.", "file", "Add at least one row.")
        self.notes = [*encoding_note(self.encoding), *source.notes]
        if isinstance(plain, Unpacked) and plain.broken:
            self.notes.append(
                "The packed file ends early or is damaged: rows may be missing at its end."
            )

    def _row(self, record: Record, source: JsonRows | TableRows) -> NewUploadRow:
        made = NewUploadRow(*self.key, record.number, record.line, str(record.number))
        if record.code:
            errors = [{"field": "", "message": Sentence("Row {0} {1}.", record.number, record.why)}]
            return made._replace(code=record.code, errors=errors)
        try:
            body = self._body(record, source)
            made = made._replace(external_id=_own_id(body))
            made = made._replace(sequence=self._sequence(body, record.number))
            given = self.reader.read(
                self._completed(body, made.sequence, source.header), self.key[0]
            )
        except Problem as problem:
            return made._replace(
                code=problem.facts.get("reason", problem.code), errors=errors_of(problem)
            )
        self._seen[made.sequence] = record.number
        subject = new_id() if self.kind == "transmit" else None
        return made._replace(given=kept(given), subject_id=subject, state="received")

    def _body(self, record: Record, source: JsonRows | TableRows) -> dict[str, Any]:
        """Raises: Problem for what is no body, or holds card data; nothing of such a row is
        kept."""
        like: list[tuple[str, str]] = []
        room, card_cell = Room(ROW_CHARS_MAX, self.room), None
        if record.text is not None:
            body = self.reader.body(record.text)
            numbers = may_hold_number(record.text)
            if numbers or may_hold_code(record.text):
                card_cell = card_data(body, numbers=numbers, like=like, room=room)
        else:
            assert isinstance(source, TableRows)
            assert record.cells is not None
            card_cell = card_data_in(zip(source.names, record.cells, strict=True), like, room)
            body = {} if card_cell else body_of(source.columns, record.cells)
        if card_cell:
            field_name, what = card_cell
            raise holds_card(field_name, what)
        if like:
            self.like[record.number] = like
        plain_ids(body)
        if destroyed := destroyed_in(body):
            message = Sentence("The field {0} {1}.", destroyed, DESTROYED)
            raise Problem(
                "invalid", message, field=destroyed, reason="spreadsheet", cure=EXPORT_AGAIN
            )
        return body

    def refuse(self, row: NewUploadRow, field_name: str) -> NewUploadRow:
        """An identifier of a row that was taken is a card after all: nothing of the row is kept."""
        self.refused += row.state != "refused"
        errors = errors_of(holds_card(field_name, NO_NUMBER))
        return NewUploadRow(
            *self.key, row.row_no, row.line_no, str(row.row_no), code="card_data", errors=errors
        )

    def _sequence(self, body: dict[str, Any], number: int) -> str:
        sequence = body.get("sequenceNumber")
        if sequence in (None, ""):
            return str(number)
        if (
            isinstance(sequence, bool)
            or not isinstance(sequence, str | int)
            or len(str(sequence)) > SEQUENCE_MAX
        ):
            raise invalid(
                Sentence(
                    "The SequenceNumber must be a text of at most {0} characters.", SEQUENCE_MAX
                ),
                "SequenceNumber",
            )
        first = self._seen.get(str(sequence).strip())
        if first is not None:
            raise Problem(
                "invalid",
                Sentence("Row {0} has this SequenceNumber already.", figure(first)),
                field="SequenceNumber",
                reason="duplicate_sequence",
                cure="Number the rows from 1.",
            )
        return str(sequence).strip()

    def _completed(self, body: dict[str, Any], sequence: str, header: Header) -> dict[str, Any]:
        """Completes a row with what the file gives for all its rows, and a key for a row that has
        none."""
        if self.kind != "evaluate":
            return body
        body.pop("sequenceNumber", None)  # a single call has none
        if header.expires and body.get("expiryDateUtc") in (None, ""):
            body["expiryDateUtc"] = header.expires
        if body.get("idempotencyKey") in (None, ""):
            body["idempotencyKey"] = f"{self.key[1]}:{sequence}"
        return body


def holds_card(field_name: str, what: str) -> Problem:
    """Problem of a field that holds card data: `what` it holds; the number itself is never
    shown."""
    return Problem(
        "invalid",
        Sentence("The field {0} {1}.", field_name[:64], what),
        field=field_name[:64],
        reason="card_data",
        cure="The row was not stored.",
    )


def open_rows(
    source: Iterable[bytes], form: str, encoding: str, reader: Reader
) -> JsonRows | TableRows:
    if form == "csv":
        return TableRows(lines(source, encoding), reader.columns)
    return JsonRows(decoded(source, encoding))


def _own_id(body: dict[str, Any]) -> str:
    """The merchant's order id, to find the row again; anything odd is complained about later."""
    order_id = body.get("orderId")
    text = (
        str(order_id).strip()
        if isinstance(order_id, str | int) and not isinstance(order_id, bool)
        else ""
    )
    return "" if len(text) > 128 or "\0" in text else text


FILE_BYTES_MAX: Final = 256 << 20
ROWS_AT_ONCE: Final = 1_000
HEAD: Final = 4_096
_COLUMNS_OF: Final = (
    "evaluate"  # to look for a configuration it does not matter whose columns are known
)


@frozen
class File:
    """An open file that can be read twice; `name` as its owner calls it, `kind` where it was
    said."""

    name: str
    content: BinaryIO
    kind: str = ""


@frozen
class TakenUpload:
    """An upload and whether it was there already. `before`: it was, and nothing was changed."""

    upload: Upload
    before: bool


async def take(
    world: World, scope: Scope, file: File, readers: Mapping[str, Reader]
) -> TakenUpload:
    """Raises: Problem(invalid) for a file of which nothing can be taken, of another merchant, or
    misnamed; Problem(too_large); Problem(unavailable) while another of the merchant's files is
    read, or too many of others."""

    async def read() -> TakenUpload:
        async with opened(file.content) as content:
            return await _take(world, scope, replace(file, content=content), readers)

    return await in_turn(world, scope.merchant_id, file.content, read)


async def _take(
    world: World, scope: Scope, file: File, readers: Mapping[str, Reader]
) -> TakenUpload:
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
        new = NewUpload(
            *key,
            kind,
            form,
            hex_of(mac),
            name,
            scope.actor.text(),
            scope.request_id,
            world.clocks.wall(),
        )
        mine = await take_upload(tx, new)
        if mine:
            async for batch in _batches(rows):
                await _refuse_cards(world, rows, batch)
                await add_rows(tx, batch)
            await count_rows(tx, *key, rows.count, rows.refused, rows.notes)
    made = await (
        find_upload(world.db, *key)
        if mine
        else upload_by_content(world.db, scope.merchant_id, kind, mac)
    )
    if made is None:
        raise Problem(
            "unavailable",
            "The same file has just been stopped.",
            retry_after_seconds=1,
            cure="Send it again.",
        )
    return TakenUpload(made, not mine)


def _digest(content: BinaryIO) -> tuple[bytes, bytes]:
    """Hash and first bytes of what is in it, unpacked. Raises: Problem(too_large)."""
    digest, head = sha256(), b""
    for piece in unpacked(content):
        head = head if len(head) >= HEAD else (head + piece)[:HEAD]
        digest.update(piece)
    return digest.digest(), head


def _kind_of(
    file: File, form: str, encoding: str, merchant_id: UUID, readers: Mapping[str, Reader]
) -> str:
    """Kind of the file as given with the call, in the configuration, or by the name. Raises:
    Problem(invalid)."""
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
        raise invalid(
            Sentence("The kind {0} is none of {1}.", repr(kinds[0][:20]), ", ".join(KINDS)), "kind"
        )
    if len(set(kinds)) > 1:
        raise invalid(
            Sentence("The file names two kinds: {0}.", " and ".join(kinds)[:80]),
            "kind",
            "Name a transmit file transmit_…, and send it as kind=transmit.",
        )
    if kinds[0] == "transmit" and name and not name.startswith("transmit_"):
        raise invalid(
            "The name of a transmit file begins with transmit_.",
            "filename",
            "Rename it, or send it without a name.",
        )
    return kinds[0]


async def _refuse_cards(world: World, rows: Rows, batch: list[NewUploadRow]) -> None:
    """Identifiers are often long numbers: they are refused only when they are cards that are
    held."""
    like = [
        (at, rows.like.pop(row.row_no)) for at, row in enumerate(batch) if row.row_no in rows.like
    ]
    held = await held_cards(
        world, {digits for _, several in like for _, digits in several}, rows.key[0]
    )
    for at, several in like:
        name = next((name for name, digits in several if digits in held), None)
        if name is not None:
            batch[at] = rows.refuse(batch[at], name)


async def _batches(rows: Rows) -> AsyncIterator[list[NewUploadRow]]:
    """Read beside the event loop: other calls are served meanwhile."""
    every = iter(rows)
    while batch := await run_stoppable(lambda: list(islice(every, ROWS_AT_ONCE))):
        yield batch
