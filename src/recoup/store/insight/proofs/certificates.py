"""Every certificate of a merchant, in the order of its chain."""

from uuid import UUID

from recoup.store.homes import MERCHANT
from recoup.store.insight.proofs.walk import STATEMENT_SECONDS
from recoup.store.statement import Read, Row


class CertificateFile(Row, frozen=True):
    certificate_id: UUID
    chain_no: int
    acceptor_id: str
    month: str
    number: int
    sends: int
    breaches: int
    root: bytes
    file: bytes
    has_event: bool


@MERCHANT.within(STATEMENT_SECONDS).statement("""
SELECT c.certificate_id, c.chain_no, c.acceptor_id, to_char(c.month_from AT TIME ZONE 'UTC', 'YYYY-MM') AS month,
  c.number, c.sends, c.breaches, c.root, c.file,
  EXISTS (SELECT FROM outbox x WHERE x.merchant_id = c.merchant_id AND x.subject_id = c.certificate_id
    AND x.body ->> 'CertificateRoot' = encode(c.root, 'hex')) AS has_event
FROM certificates c WHERE c.merchant_id = $1 AND c.chain_no > $2 ORDER BY c.chain_no LIMIT $3
""")
async def certificate_files(db: Read, merchant_id: UUID, after_no: int, limit: int) -> list[CertificateFile]:
    """The next of the chain."""
