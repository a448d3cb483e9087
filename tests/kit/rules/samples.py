"""One small file of each kind that is read here, with what in it may be repeated; and the same file
with a text in the place of one of its words."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from html import escape
from pathlib import Path
from typing import Final
from uuid import UUID

from tests import bank_files as made
from tests.imports.rules.reading import UNTIL

from recoup.archive.rules import prove as prove_archive
from recoup.backtest.rules.log_file import read_log
from recoup.bank.rules.answers import answers_of
from recoup.bank.rules.reading import EVERY, Reading, mapping_file
from recoup.certificates.rules.certificate_file import prove as prove_certificate
from recoup.imports.rules.answers import Answers
from recoup.imports.rules.file import look_over
from recoup.kernel.problem import Problem
from recoup.kit.files.lines import lines
from recoup.kit.files.source import source_of, unpacked
from recoup.policies.rules.file import parsed
from recoup.reconciliation.flows.reconcile import File, _statement
from recoup.settlement.rules.settlement_file import prove as prove_settlement
from recoup.uplift.rules.orders_file import COLUMNS, read_orders
from recoup.uploads.api import readers
from recoup.uploads.flows.take import Rows, form_of

GOLDEN: Final = Path(__file__).parents[2] / "imports/rules/golden"
WORD: Final = re.compile(r"[A-Za-z0-9_.+:-]+")
ID: Final = "0190f3c1-2b7a-7c3e-9d41-5e6f7a8b9c0d"
SHORT: Final = 150  # characters of a text that stands in each of many records


@dataclass(frozen=True)
class Sample:
    """`record`: what may come many times. `written`: a text as it may stand there; `packed`: the
    file as it is sent."""

    name: str
    head: str
    record: str
    tail: str
    read: Callable[[bytes], object]
    written: Callable[[str], str]
    packed: Callable[[str], bytes] = str.encode

    def whole(self) -> bytes:
        return self.packed(self.head + self.record + self.tail)

    def word(self, span: tuple[int, int]) -> str:
        """What stands there."""
        return f"{self.name}, {(self.head + self.record + self.tail)[slice(*span)]!r}"

    def words(self) -> list[tuple[int, int]]:
        """Where a text may stand."""
        whole = self.head + self.record + self.tail
        begin = whole.index("\n") if self.packed is not str.encode else 0  # the name of a part
        return [one.span() for one in WORD.finditer(whole, begin)]

    def with_one(self, span: tuple[int, int], text: str) -> bytes:
        """The file with the text in that place."""
        whole = self.head + self.record + self.tail
        return self.packed(whole[: span[0]] + self.written(text) + whole[span[1] :])

    def with_many(
        self, span: tuple[int, int], text: Callable[[int], str], size: int
    ) -> bytes | None:
        """About `size` bytes of records that each have a short text in that place; None where that
        is none."""
        begin, end = (place - len(self.head) for place in span)
        if begin < 0 or end > len(self.record):
            return None
        record = self.record[:begin] + self.written(text(SHORT)) + self.record[end:]
        return self.packed(self.head + record * (size // len(record.encode()) + 1) + self.tail)


def _whole(items: Iterable[object]) -> None:
    for _ in items:
        pass


def _imported(content: bytes) -> None:
    looked = look_over(
        source_of(io.BytesIO(content)), Answers(zone="UTC", order="day", decimal=".", units="major")
    )
    _whole(looked.read(UNTIL, world=False))


def _compared(kind: str) -> Callable[[bytes], None]:
    reading = Reading(kind=kind, currencies=(EVERY,), dates="dmy")
    return lambda content: _whole(_statement(File("", io.BytesIO(content)), reading, None))


def _uploaded(content: bytes) -> None:
    file = io.BytesIO(content)
    form, encoding = form_of(content[:4096], lambda: unpacked(file))
    _whole(
        Rows(file, form, encoding, (UUID(int=1), UUID(int=2)), "transmit", readers()["transmit"])
    )


def _by_line(read: Callable[[list[bytes]], object]) -> Callable[[bytes], object]:
    return lambda content: read(content.splitlines(keepends=True))


def _orders(content: bytes) -> None:
    read_orders(lines([content], "utf-8-sig"), until=UNTIL, zone=UTC)


def _cell(text: str) -> str:
    out = io.StringIO()
    csv.writer(out).writerow([text.replace("\n", " ").replace("\r", " ")])
    return out.getvalue().rstrip("\r\n")


def _plain(text: str) -> str:
    return text.replace("\n", " ").replace("\r", " ")


def _json(text: str) -> str:
    return (
        text.replace("\\", "\\\\")
        .replace('"', '\\"')
        .replace("\n", "\\n")
        .replace("\t", "\\t")
        .replace("\r", "\\r")
    )


def _workbook(parts: dict[str, str]) -> Callable[[str], bytes]:
    """One of its parts is what is given; its name stands in the first line."""

    def packed(text: str) -> bytes:
        name, _, content = text.partition("\n")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
            for one, own in (parts | {name: content}).items():
                archive.writestr(one, own)
        return out.getvalue()

    return packed


_XLSX: Final = {
    "xl/workbook.xml": '<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" '
    'r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": (
        '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/styles.xml": (
        '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy"/></numFmts>'
        '<cellXfs><xf numFmtId="164"/></cellXfs></styleSheet>'
    ),
    "xl/sharedStrings.xml": "<sst><si><t>id</t></si><si><t>amount</t></si></sst>",
    "xl/worksheets/sheet1.xml": (
        '<worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" '
        't="s"><v>1</v></c></row>'
        "</sheetData></worksheet>"
    ),
}
_ROWS: Final = {
    "xl/worksheets/sheet1.xml": (
        '<row r="2"><c r="A2" t="inlineStr"><is><t>a</t></is></c><c r="B2" '
        's="0"><v>46000</v></c></row>'
    ),
    "xl/sharedStrings.xml": "<si><t>x</t></si>",
    "xl/styles.xml": '<numFmt numFmtId="165" formatCode="dd.mm"/>',
}
_ODS: Final = (
    '<office:c xmlns:office="o" xmlns:table="t" xmlns:text="x"><office:spreadsheet><table:table '
    'table:name="S">',
    "<table:table-row><table:table-cell "
    'office:value-type="string"><text:p>a</text:p></table:table-cell>'
    '<table:table-cell office:value-type="float" '
    'office:value="1.5"><text:p>1.5</text:p></table:table-cell>'
    "</table:table-row>",
    "</table:table></office:spreadsheet></office:c>",
)


def _sheet(content: bytes) -> None:
    _whole(source_of(io.BytesIO(content))())


def _workbooks() -> Iterator[Sample]:
    for name, content in _XLSX.items():
        record = _ROWS.get(name, "")
        cut = content.rindex("</") if record else len(content)
        if name.endswith("sheet1.xml"):
            cut = content.index("</sheetData>")
        elif name.endswith("styles.xml"):
            cut = content.index("</numFmts>")
        yield Sample(
            f"xlsx {name}",
            f"{name}\n{content[:cut]}",
            record,
            content[cut:],
            _sheet,
            escape,
            _workbook(_XLSX),
        )
    manifest = {"META-INF/manifest.xml": "<m/>"}
    yield Sample(
        "ods", f"content.xml\n{_ODS[0]}", _ODS[1], _ODS[2], _sheet, escape, _workbook(manifest)
    )


def _tables() -> Iterator[Sample]:
    for file in sorted(GOLDEN.glob("*.csv")):
        head, _, rest = file.read_text(encoding="utf-8-sig").partition("\n")
        record = rest.partition("\n")[0]
        yield Sample(file.stem, f"{head}\n", f"{record}\n", "", _imported, _cell)
    line = f"{ID},r1,charge,45.90,USD,2026-11-20T10:00:00Z\n"
    for kind in ("processor", "bank", "chain"):
        yield Sample(
            f"{kind} table",
            "id,reference,type,amount,currency,date\n",
            line,
            "",
            _compared(kind),
            _cell,
        )
    yield Sample(
        "answers",
        "payout,outcome,reason\n",
        "RC0123456789AB,returned,closed\n",
        "",
        answers_of,
        _cell,
    )
    head = "orderId,isDeclined,transaction.amount,transaction.currency,payer.email,sequence\n"
    yield Sample(
        "uploaded table", head, "SO-1,yes,4590,USD,a@example.test,1\n", "", _uploaded, _cell
    )


def _between(whole: bytes, record: str) -> tuple[str, str, str]:
    head, found, tail = whole.decode("latin-1").partition(record)
    assert found
    return head, found, tail


def _banks() -> Iterator[Sample]:
    compared = _compared("bank")
    entry = made.ntry("1.00", more=made.details(made.ref("E2E1", "1.00")))
    yield Sample("camt", *_between(made.camt(made.stmt(entry)), entry), compared, escape)
    one = '<TxDtls><Refs><EndToEndId>E</EndToEndId></Refs><Amt Ccy="EUR">1</Amt></TxDtls>'
    batch = made.ntry(
        "2.00",
        more=f"<NtryRef>N</NtryRef><AddtlNtryInf>T</AddtlNtryInf><NtryDtls>{one}{one}</NtryDtls>",
    )
    yield Sample("camt details", *_between(made.camt(made.stmt(batch)), one), compared, escape)
    lines = ":61:2611201120C60,00NTRFREF1//B1\r\n:86:?00SEPA?20EREF+E1?21SVWZ+text\r\n"
    yield Sample("mt940", *_between(made.mt940(*lines.splitlines()), lines), compared, _plain)
    record = "16,142,4590,0,BANKREF,CUSTREF,TEXT/\n"
    yield Sample(
        "bai2",
        *_between(made.bai2([("123,USD,010,4590,,", [record.strip()])]), record),
        compared,
        _plain,
    )
    paid = made.payment("RC0123456789AB", "RJCT", "AC04", "45.90")
    yield Sample("pain.002", *_between(made.status_report(paid), paid), answers_of, escape)
    whole = made.nacha(("RC0123456789AB", 4590, "99R02"))
    rows = whole.decode().splitlines(keepends=True)
    yield Sample(
        "nacha", "".join(rows[:2]), "".join(rows[2:4]), "".join(rows[4:]), answers_of, _plain
    )


def _others() -> Iterator[Sample]:
    row = (
        '{"orderId": "SO-1", "isDeclined": true, "transaction": {"amount": 4590, "currency": '
        '"USD"}, "note": "x"}'
    )
    yield Sample("uploaded list", "[", f"{row},\n", f"{row}]", _uploaded, _json)
    yield Sample(
        "uploaded object", '{"mid": "x", "rows": [', f"{row},\n", f"{row}]}}", _uploaded, _json
    )
    past = (GOLDEN / "recoup-history.jsonl").read_text().partition("\n")[0]
    yield Sample("history", "", f"{past}\n", "", _imported, _json)
    yield Sample(
        "policy",
        "off = false\n[tries]\nsoft = 2\n",
        "hard = 1 # x\n",
        "",
        lambda raw: parsed(raw.decode()),
        _plain,
    )
    settled = (
        '{"type": "settlement", "payout": 1, "lines": 1, "page": 1, "amounts": {"gross": '
        '1}, "format": "x"}\n'
    )
    for name, prove in (
        ("settlement file", prove_settlement),
        ("certificate", prove_certificate),
        ("archive", prove_archive),
    ):
        more = {
            "archive": '{"type": "archive", "format": "recoup-archive-1", "archive": "x", '
            '"merchant": "x", "month": "x"}\n',
            "certificate": '{"type": "certificate", "lines": 1, "number": 1, "sends": 1, '
            '"breaches": 0}\n',
        }
        yield Sample(
            name,
            more.get(name, settled),
            '{"type": "line", "order": "x"}\n',
            "",
            _by_line(prove),
            _json,
        )
    decided = (
        '{"arm": "engine", "level": "1", "order": "o", "declinedAt": "2026-03-02", "at": '
        'null, "model": "m"}\n'
    )
    yield Sample(
        "log of decisions", "", decided, "", _by_line(lambda lines: read_log(lines, None)), _json
    )
    row = (
        "p1,o1,2026-03-02T10:00:00Z,2026-03-30T10:00:00Z,"
        "engine,0.31,45.90,USD,2026-03-09T06:30:00Z,retry\n"
    )
    yield Sample("declined orders", f"{','.join(COLUMNS)}\n", row, "", _orders, _cell)
    mapping = '[columns]\namount = "Gross"\n'
    yield Sample(
        "mapping", mapping, 'fee = "Fee"\n', "", lambda raw: mapping_file(raw.decode()), _plain
    )


def samples() -> list[Sample]:
    return [*_tables(), *_banks(), *_workbooks(), *_others()]


def reads(sample: Sample, content: bytes) -> None:
    """As far as it is read."""
    try:
        sample.read(content)
    except Problem:
        pass
