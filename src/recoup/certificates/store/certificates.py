"""The certificates that were made, and the clock of those to come."""

from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx, columns_of


@MERCHANT.statement("""
INSERT INTO certificate_clocks (merchant_id, month_from) VALUES ($1, $2) ON CONFLICT DO NOTHING
  RETURNING true
""")
async def begin_clock(db: Tx, merchant_id: UUID, month_from: datetime) -> bool:
    """Begins the clock; False when it goes already."""


class CertificateClock(Row):
    """`month_from`: of the first month that nothing was made of. `region`, `acceptor_id`: the
    merchant's."""

    month_from: datetime
    offset_us: int
    created_at: datetime
    region: str
    acceptor_id: str


_CLOCK: Final = """
SELECT c.month_from, m.offset_us, m.created_at, m.region, m.acceptor_id
FROM certificate_clocks c JOIN merchants m USING (merchant_id) WHERE c.merchant_id = $1
"""


@MERCHANT.statement(_CLOCK)
async def clock_of(db: Read, merchant_id: UUID) -> CertificateClock | None:
    """The clock of a merchant; None for one that there is not."""


@MERCHANT.statement(_CLOCK + "FOR UPDATE OF c")
async def lock_clock(db: Tx, merchant_id: UUID) -> CertificateClock | None:
    """Its holder makes this merchant's certificates; others wait."""


@MERCHANT.statement(
    "UPDATE certificate_clocks SET month_from = greatest(month_from, $2) WHERE merchant_id = $1"
)
async def move_clock(db: Tx, merchant_id: UUID, month_from: datetime) -> None:
    """Moves the clock on to the month that begins then."""


class CertificateHead(Row):
    """`number`: 1, and then its corrections."""

    certificate_id: UUID
    chain_no: int
    acceptor_id: str
    number: int
    sends: int
    breaches: int
    root: bytes


class Certificate(CertificateHead):
    """Certificate as it is listed. `reasons`: which parts a correction changed."""

    merchant_id: UUID
    month_from: datetime
    reasons: list[str]
    refusals: int
    recounted_by: str
    made_at: datetime


_COLUMNS: Final = columns_of(Certificate)


class Kept(Row):
    """The last of one month and acceptor."""

    certificate_id: UUID
    acceptor_id: str
    number: int
    content_hash: bytes
    file: bytes


@MERCHANT.statement("""
SELECT DISTINCT ON (acceptor_id) certificate_id, acceptor_id, number, content_hash, file
  FROM certificates
WHERE merchant_id = $1 AND month_from = $2 ORDER BY acceptor_id, number DESC
""")
async def kept_of_month(db: Read, merchant_id: UUID, month_from: datetime) -> list[Kept]:
    """Certificates kept of a month, one for each acceptor."""


class ChainEnd(Row):
    chain_no: int
    root: bytes


@MERCHANT.statement(
    "SELECT chain_no, root FROM certificates WHERE merchant_id = $1 ORDER BY chain_no DESC LIMIT 1"
)
async def chain_end(db: Read, merchant_id: UUID) -> ChainEnd | None:
    """The chain's end, of the merchant's newest."""


@MERCHANT.statement("""
INSERT INTO certificates (merchant_id, certificate_id, chain_no, month_from, acceptor_id, number,
  reasons, sends,
  refusals, breaches, recounted_by, content_hash, root, file, made_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
""")
async def add_certificate(
    db: Tx,
    merchant_id: UUID,
    certificate_id: UUID,
    chain_no: int,
    month_from: datetime,
    acceptor_id: str,
    number: int,
    reasons: list[str],
    sends: int,
    refusals: int,
    breaches: int,
    recounted_by: str,
    content_hash: bytes,
    root: bytes,
    file: bytes,
    made_at: datetime,
) -> None:
    """`made_at` is business time."""


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM certificates
WHERE merchant_id = $1 AND ($2::timestamptz IS NULL OR month_from = $2) AND ($3::text IS NULL
  OR acceptor_id = $3)
  AND chain_no < $4
ORDER BY chain_no DESC LIMIT $5
""")
async def list_certificates(
    db: Read,
    merchant_id: UUID,
    month_from: datetime | None,
    acceptor_id: str | None,
    before_no: int,
    limit: int,
) -> list[Certificate]:
    """The newest first, from that number of the chain on."""


@MERCHANT.statement(
    f"SELECT {_COLUMNS} FROM certificates WHERE merchant_id = $1 AND certificate_id = $2"
)
async def find_certificate(db: Read, merchant_id: UUID, certificate_id: UUID) -> Certificate | None:
    """Finds a certificate; None where the merchant has none of that id."""


@MERCHANT.statement("SELECT file FROM certificates WHERE merchant_id = $1 AND certificate_id = $2")
async def file_of(db: Read, merchant_id: UUID, certificate_id: UUID) -> bytes | None:
    """The file as it was made."""


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM certificates WHERE merchant_id = $1 AND month_from = $2
  AND acceptor_id = $3
  AND number > $4)
""")
async def is_corrected(
    db: Read, merchant_id: UUID, month_from: datetime, acceptor_id: str, number: int
) -> bool:
    """True when a later one takes its place."""
