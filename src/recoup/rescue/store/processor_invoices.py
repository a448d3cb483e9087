"""Invoices of processors' own billing that are rescued here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from recoup.db.statement import MERCHANT, Read, Row, Tx
from recoup.db.table import insert_of, stored

Retries = Literal["on", "stopping", "off", "starting", "given_back"]
_COLUMNS = """merchant_id, invoice_key, route, invoice, subscription, billing, method, customer,
  units, asset, came_at, order_id, counted, retries, own_retry_at, ended"""


@stored("processor_invoices", "merchant_id", "invoice_key")
class NewInvoice(Row):
    """An invoice as the processor had it when it came: so it is admitted, however often that is
    begun. `method` and `units` follow it afterwards. Wall time."""

    merchant_id: UUID
    invoice_key: UUID
    route: str
    invoice: str
    subscription: str | None
    billing: Literal["take_over", "beside"]
    method: str
    customer: str
    units: int
    asset: str
    came_at: datetime


class ProcessorInvoice(NewInvoice):
    """`retries`: of the billing; "on" where it was never asked to stop. `ended`: why nothing is
    left to do."""

    order_id: UUID | None
    counted: int
    retries: Retries
    own_retry_at: datetime | None
    ended: str | None


@MERCHANT.statement(insert_of(NewInvoice, single=True) + " ON CONFLICT DO NOTHING")
async def add_invoice(db: Tx, invoice: NewInvoice) -> None:
    """Adds an invoice; one that is known stays as it is."""


@MERCHANT.statement(
    f"SELECT {_COLUMNS} FROM processor_invoices WHERE merchant_id = $1 AND invoice_key = $2"
)
async def find_invoice(
    db: Read, merchant_id: UUID, invoice_key: UUID
) -> ProcessorInvoice | None: ...


@MERCHANT.statement(
    "SELECT invoice_key FROM processor_invoices"
    " WHERE merchant_id = $1 AND $2 IN (subscription, customer) AND ended IS NULL AND route = $3 "
    "LIMIT 1000"
)
async def invoices_of(db: Read, merchant_id: UUID, holder: str, route: str) -> list[UUID]:
    """Invoices of a subscription or a customer that are rescued now."""


@MERCHANT.statement(
    "SELECT subject_id FROM requests WHERE merchant_id = $1 AND operation = 'evaluate' AND key = $2"
)
async def admitted_before(db: Read, merchant_id: UUID, key: str) -> UUID | None:
    """The order that came of this key, whatever has changed since."""


@MERCHANT.statement("""
UPDATE processor_invoices p SET order_id = n.order_id, counted = greatest(p.counted, n.counted),
  retries = n.retries,
  own_retry_at = n.own_retry_at, ended = n.ended
FROM processor_invoices b, jsonb_populate_record(b, $3) n
WHERE b.merchant_id = $1 AND b.invoice_key = $2 AND p.merchant_id = b.merchant_id
  AND p.invoice_key = b.invoice_key
""")
async def set_invoice(db: Tx, merchant_id: UUID, invoice_key: UUID, values: dict[str, Any]) -> None:
    """Sets columns that no processor gives; the others stay as they are."""


class InvoiceNow(Row):
    """State of an invoice: what its processor would charge now."""

    merchant_id: UUID
    invoice_key: UUID
    method: str
    units: int


@MERCHANT.statement("""
UPDATE processor_invoices p SET method = i.method, units = i.units
FROM jsonb_populate_recordset(NULL::processor_invoices, $1) AS i
WHERE p.merchant_id = i.merchant_id AND p.invoice_key = i.invoice_key
""")
async def follow(db: Tx, rows: Sequence[InvoiceNow]) -> None: ...
