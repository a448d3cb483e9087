"""A merchant's compliance certificates, as its people and programs read them."""

from copy import copy
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from recoup.certificates.rules.certificate_file import read
from recoup.certificates.rules.months import closed_month, month_text
from recoup.certificates.store.certificates import (
    Certificate,
    file_of,
    find_certificate,
    is_corrected,
    list_certificates,
)
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem
from recoup.kernel.time import iso
from recoup.kit.world import World
from recoup.merchants.flows.merchant_cache import known_offset

NEWEST: Final = 2**31 - 1
_NONE: Final = Problem(
    "not_found", "There is no such certificate.", cure="Check the id; see the list of certificates."
)


@frozen
class Shown:
    """`head` and `lines`: what its file says; `corrected`: a later one takes its place."""

    certificate: Certificate
    head: dict[str, Any]
    lines: list[dict[str, Any]]
    corrected: bool

    @property
    def content(self) -> dict[str, Any]:
        """All that its file says, as one object."""
        return self.head | {"content": self.lines}

    def part(self, name: str) -> list[dict[str, Any]]:
        """Its lines of one type."""
        return [line for line in self.lines if line["type"] == name]


_LISTED: Final = (
    "acceptor_id",
    "number",
    "reasons",
    "sends",
    "refusals",
    "breaches",
    "recounted_by",
)


def listed(row: Certificate) -> dict[str, Any]:
    """The certificate as lists show it. `month`: like 2026-11, UTC; `root`: hex; `made_date`: ISO
    8601, the merchant's time."""
    return {
        "id": row.certificate_id,
        "month": month_text(row.month_from),
        **{name: getattr(row, name) for name in _LISTED},
        "root": row.root.hex(),
        "made_date": iso(row.made_at),
    }


async def month_of(world: World, merchant_id: UUID, text: str) -> datetime:
    """Raises: Problem(invalid), its field month, for a month that is none, is to come, or is not
    closed; Problem(not_found) for an unknown merchant."""
    offset_us = await known_offset(world.db.reader, merchant_id)
    return closed_month(text, world.clocks.business(offset_us))


async def certificates_of(
    world: World,
    merchant_id: UUID,
    month: datetime | None = None,
    acceptor_id: str | None = None,
    *,
    before_no: int = NEWEST,
    limit: int = 100,
) -> list[Certificate]:
    """The newest first."""
    return await list_certificates(
        world.db.reader, merchant_id, month, acceptor_id, before_no, limit
    )


async def show_certificate(world: World, merchant_id: UUID, certificate_id: UUID) -> Shown:
    """Raises: Problem(not_found)."""
    row = await find_certificate(world.db.reader, merchant_id, certificate_id)
    file = await file_of(world.db.reader, merchant_id, certificate_id)
    if row is None or file is None:
        raise copy(_NONE)
    corrected = await is_corrected(
        world.db.reader, merchant_id, row.month_from, row.acceptor_id, row.number
    )
    return Shown(row, *read(file), corrected)


async def certificate_file(world: World, merchant_id: UUID, certificate_id: UUID) -> bytes:
    """The file that `recoup verify --file` proves. Raises: Problem(not_found)."""
    file = await file_of(world.db.reader, merchant_id, certificate_id)
    if file is None:
        raise copy(_NONE)
    return file
