"""Each kept certificate proves itself, names the root of the one before, and was announced with its own."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from recoup.rules.network.compliance.certificate_file import FIRST_ROOT, prove, read
from recoup.rules.proved_file import Wrong
from recoup.store.insight.proofs.pages import CertificateFile, certificate_files
from recoup.store.insight.proofs.walk import Difference
from recoup.store.statement import Read

AT_ONCE: Final = 100


async def certificates(connection: Read, merchant_id: UUID) -> list[Difference]:
    found, last, root = [], 0, FIRST_ROOT
    while True:
        rows = await certificate_files(connection, merchant_id, last, AT_ONCE)
        for row in rows:
            for name, expected, here in _wrong(row, last + 1, root):
                field = f"{name} of certificate {row.certificate_id}"
                found.append(Difference(merchant_id, None, field, str(expected), str(here)))
            last, root = row.chain_no, row.root
        if len(rows) < AT_ONCE:
            return found


def _wrong(row: CertificateFile, number: int, root: bytes) -> Iterator[tuple[str, Any, Any]]:
    if row.chain_no != number:
        yield "place", number, row.chain_no
    proved = prove(iter(row.file.splitlines(keepends=True)), row.root.hex())
    if isinstance(proved, Wrong):
        yield f"{proved.field} in line {proved.line}", proved.expected, proved.found
        return
    head, _ = read(row.file)
    if head["previousRoot"] != root.hex():
        yield "root before", root.hex(), head["previousRoot"]
    said = (proved.certificate_id, proved.month, proved.acceptor_id, proved.number, proved.sends, proved.breaches)
    kept = (str(row.certificate_id), row.month, row.acceptor_id, row.number, row.sends, row.breaches)
    if said != kept:
        yield "row", said, kept
    if not row.has_event:
        yield "event", "certificate.ready with its root", "none"
