"""A file's bytes become rows: those that can be taken wait, those that cannot say why. Runs in a thread."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final
from uuid import UUID

from recoup.flows.cards.uploads.row import Reader, errors_of, kept
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem, invalid, too_large
from recoup.kernel.sentence import Sentence
from recoup.rules.files.ids import DESTROYED, EXPORT_AGAIN, destroyed_in, plain_ids
from recoup.rules.files.lines import decoded, encoding_of, lines
from recoup.rules.files.source import Source, encoding_in, encoding_note, unpacked
from recoup.rules.files.unpack import Unpacked
from recoup.rules.network.card_text import Room
from recoup.rules.uploads.card_data import (
    FILE_CHARS_MAX,
    NO_NUMBER,
    ROW_CHARS_MAX,
    card_data,
    card_data_in,
    may_hold_code,
    may_hold_number,
)
from recoup.rules.uploads.json_rows import JsonRows
from recoup.rules.uploads.record import ROWS_MAX, Header, Record
from recoup.rules.uploads.table import TableRows, body_of
from recoup.store.orders.uploads import NewUploadRow

SEQUENCE_MAX: Final = 32
NOT_YOUR_MID: Final = (
    "The file's mid does not belong to this credential. Send it with a key of the merchant that it names."
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
    like: dict[int, list[tuple[str, str]]] = field(default_factory=dict)  # row -> its identifiers that look like a card
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
                raise too_large(Sentence("The file has more than {0} rows.", f"{ROWS_MAX:,}"))
            row = self._row(record, source)
            self.refused += row.state == "refused"
            yield row
        if not self.count:
            raise invalid("The file has no rows.", "file", "Add at least one row.")
        self.notes = [*encoding_note(self.encoding), *source.notes]
        if isinstance(plain, Unpacked) and plain.broken:
            self.notes.append("The packed file ends early or is damaged: rows may be missing at its end.")

    def _row(self, record: Record, source: JsonRows | TableRows) -> NewUploadRow:
        made = NewUploadRow(*self.key, record.number, record.line, str(record.number))
        if record.code:
            errors = [{"field": "", "message": Sentence("Row {0} {1}.", record.number, record.why)}]
            return made._replace(code=record.code, errors=errors)
        try:
            body = self._body(record, source)
            made = made._replace(external_id=_own_id(body))
            made = made._replace(sequence=self._sequence(body, record.number))
            given = self.reader.read(self._completed(body, made.sequence, source.header), self.key[0])
        except Problem as problem:
            return made._replace(code=problem.facts.get("reason", problem.code), errors=errors_of(problem))
        self._seen[made.sequence] = record.number
        subject = new_id() if self.kind == "transmit" else None
        return made._replace(given=kept(given), subject_id=subject, state="received")

    def _body(self, record: Record, source: JsonRows | TableRows) -> dict[str, Any]:
        """Raises: Problem for what is no body, or holds card data; nothing of such a row is kept."""
        like: list[tuple[str, str]] = []
        room, found = Room(ROW_CHARS_MAX, self.room), None
        if record.text is not None:
            body = self.reader.body(record.text)
            numbers = may_hold_number(record.text)
            if numbers or may_hold_code(record.text):
                found = card_data(body, numbers=numbers, like=like, room=room)
        else:
            assert isinstance(source, TableRows)
            assert record.cells is not None
            found = card_data_in(zip(source.names, record.cells, strict=True), like, room)
            body = {} if found else body_of(source.columns, record.cells)
        if found:
            field_name, what = found
            raise holds_card(field_name, what)
        if like:
            self.like[record.number] = like
        plain_ids(body)
        if destroyed := destroyed_in(body):
            message = Sentence("The field {0} {1}.", destroyed, DESTROYED)
            raise Problem("invalid", message, field=destroyed, reason="spreadsheet", cure=EXPORT_AGAIN)
        return body

    def refuse(self, row: NewUploadRow, field_name: str) -> NewUploadRow:
        """An identifier of a row that was taken is a card after all: nothing of the row is kept."""
        self.refused += row.state != "refused"
        errors = errors_of(holds_card(field_name, NO_NUMBER))
        return NewUploadRow(*self.key, row.row_no, row.line_no, str(row.row_no), code="card_data", errors=errors)

    def _sequence(self, body: dict[str, Any], number: int) -> str:
        sequence = body.get("sequenceNumber")
        if sequence in (None, ""):
            return str(number)
        if isinstance(sequence, bool) or not isinstance(sequence, str | int) or len(str(sequence)) > SEQUENCE_MAX:
            raise invalid(
                Sentence("The SequenceNumber must be a text of at most {0} characters.", SEQUENCE_MAX), "SequenceNumber"
            )
        first = self._seen.get(str(sequence).strip())
        if first is not None:
            raise Problem(
                "invalid",
                Sentence("Row {0} has this SequenceNumber already.", f"{first:,}"),
                field="SequenceNumber",
                reason="duplicate_sequence",
                cure="Number the rows from 1.",
            )
        return str(sequence).strip()

    def _completed(self, body: dict[str, Any], sequence: str, header: Header) -> dict[str, Any]:
        """With what the file says for all its rows, and a key for a row that has none."""
        if self.kind != "evaluate":
            return body
        body.pop("sequenceNumber", None)  # a single call has none
        if header.expires and body.get("expiryDateUtc") in (None, ""):
            body["expiryDateUtc"] = header.expires
        if body.get("idempotencyKey") in (None, ""):
            body["idempotencyKey"] = f"{self.key[1]}:{sequence}"
        return body


def holds_card(field_name: str, what: str) -> Problem:
    """`what` it holds; the number itself is never shown."""
    return Problem(
        "invalid",
        Sentence("The field {0} {1}.", field_name[:64], what),
        field=field_name[:64],
        reason="card_data",
        cure="The row was not stored.",
    )


def open_rows(source: Iterable[bytes], form: str, encoding: str, reader: Reader) -> JsonRows | TableRows:
    if form == "csv":
        return TableRows(lines(source, encoding), reader.columns)
    return JsonRows(decoded(source, encoding))


def _own_id(body: dict[str, Any]) -> str:
    """The merchant's order id, to find the row again; anything odd is complained about later."""
    order_id = body.get("orderId")
    text = str(order_id).strip() if isinstance(order_id, str | int) and not isinstance(order_id, bool) else ""
    return "" if len(text) > 128 or "\0" in text else text
