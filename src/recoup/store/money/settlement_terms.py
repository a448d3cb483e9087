"""By which terms a merchant is paid, and what its clock and pages say."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal, NamedTuple
from uuid import UUID

from recoup.rules.money.settlement import DEFAULT, Terms, period_end, period_start
from recoup.store.homes import MERCHANT
from recoup.store.money.known import known_at
from recoup.store.statement import Read, Row

_COLUMNS: Final = """period, anchor, delay_days, reserve_basis_points, reserve_days, account_delay_days, minimums,
  limits"""


class DatedTerms(Row, frozen=True):
    """`recorded_at` is wall time."""

    valid_from: datetime
    actor: str
    recorded_at: datetime
    period: Literal["day", "week", "month"]
    anchor: int
    delay_days: int
    reserve_basis_points: int
    reserve_days: int
    account_delay_days: int
    minimums: Mapping[str, int]
    limits: Mapping[str, int]

    @property
    def terms(self) -> Terms:
        return Terms(
            self.period,
            self.anchor,
            self.delay_days,
            self.reserve_basis_points,
            self.reserve_days,
            self.account_delay_days,
            self.minimums,
            self.limits,
        )


@MERCHANT.statement(f"""
SELECT {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from <= $2 ORDER BY valid_from DESC LIMIT 1
""")
async def _terms_at(db: Read, merchant_id: UUID, moment: datetime) -> Terms | None:
    """None: none were agreed by then."""


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2
ORDER BY valid_from
""")
async def _terms_after(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms WHERE merchant_id = $1 AND valid_from < $2
ORDER BY valid_from
""")
async def _terms_before(db: Read, merchant_id: UUID, moment: datetime) -> list[DatedTerms]:
    """Oldest first."""


@MERCHANT.statement("""
SELECT max(account_delay_days) FROM settlement_terms WHERE merchant_id = $1 AND valid_from > $2 AND valid_from <= $3
""")
async def _longest_delay(db: Read, merchant_id: UUID, after: datetime, until: datetime) -> int | None:
    """Of terms that began then. Days."""


async def terms_at(db: Read, merchant_id: UUID, moment: datetime) -> Terms:
    """Those valid at that instant; the default where none were agreed."""
    return await _terms_at(db, merchant_id, moment) or DEFAULT


async def account_delay(db: Read, merchant_id: UUID, active_at: datetime, now: datetime) -> int:
    """Days, for an account that is active since then: the longest of all terms that were valid meanwhile. So a
    shorter delay is for later accounts only, and a longer one for all."""
    first = await terms_at(db, merchant_id, active_at)
    return max(first.account_delay_days, await _longest_delay(db, merchant_id, active_at, now) or 0)


async def period_of(db: Read, merchant_id: UUID, start: datetime) -> tuple[datetime, Terms]:
    """The end of the period that begins at `start`, and the terms that it is settled by: those valid when it ends."""
    terms = await terms_at(db, merchant_id, start)
    later = [(row.valid_from, row.terms) for row in await _terms_after(db, merchant_id, start)]
    end = period_end(terms, start, later)
    return end, next((changed for valid_from, changed in reversed(later) if valid_from < end), terms)


async def terms_before(db: Read, merchant_id: UUID, moment: datetime) -> list[tuple[datetime, Terms]]:
    """All that began before that instant, oldest first, each with when. Before the first the default held."""
    return [(row.valid_from, row.terms) for row in await _terms_before(db, merchant_id, moment)]


@MERCHANT.statement("SELECT period_from FROM settlement_clocks WHERE merchant_id = $1")
async def _period_from(db: Read, merchant_id: UUID) -> datetime | None:
    """Of the first period that is not settled."""


async def running_period(db: Read, merchant_id: UUID, now: datetime) -> datetime:
    """The end of the period that `now` is in, which may be one of the past."""
    start = await _period_from(db, merchant_id)
    end, terms = await period_of(db, merchant_id, start if start is not None and start <= now else now)
    while end <= now:
        end = max(period_end(terms, end), period_end(terms, period_start(terms, now)))
    return end


@MERCHANT.statement(f"""
SELECT valid_from, actor, recorded_at, {_COLUMNS} FROM settlement_terms t
WHERE merchant_id = $1 AND {known_at("t", 2)} ORDER BY valid_from DESC
""")
async def terms_history(db: Read, merchant_id: UUID, business: datetime, recorded: datetime) -> list[DatedTerms]:
    """Those that were agreed by then, newest first."""


@MERCHANT.statement("""
SELECT asset, units FROM account_balances WHERE merchant_id = $1 AND account = 'merchant_payable' AND place = ''
ORDER BY asset
""")
async def _payable(db: Read, merchant_id: UUID) -> dict[str, Decimal]:
    """As the ledger has it."""


async def payable_assets(db: Read, merchant_id: UUID) -> dict[str, int]:
    """The currencies that the merchant's account has seen, with its sealed balance as the merchant sees it."""
    return {asset: -int(units) for asset, units in (await _payable(db, merchant_id)).items()}


class LastPage(NamedTuple):
    page_no: int
    root: bytes


@MERCHANT.statement("SELECT page_no, root FROM closers WHERE merchant_id = $1")
async def _last_page(db: Read, merchant_id: UUID) -> LastPage | None:
    """None before the first event or posting."""


async def last_page(db: Read, merchant_id: UUID) -> LastPage:
    """Number and root; 0 and empty before the first."""
    return await _last_page(db, merchant_id) or LastPage(0, b"")


@MERCHANT.statement("""
SELECT open_from FROM settlement_batches WHERE merchant_id = $1 AND asset = $2 ORDER BY period_to DESC LIMIT 1
""")
async def _open_from(db: Read, merchant_id: UUID, asset: str) -> int | None:
    """None before the first batch."""


async def open_from(db: Read, merchant_id: UUID, asset: str) -> int:
    """The first page that may hold something that no batch has taken."""
    return await _open_from(db, merchant_id, asset) or 1


@MERCHANT.statement("""
SELECT EXISTS (SELECT FROM postings WHERE merchant_id = $1 AND page_no IS NULL AND recorded_at <= $2)
""")
async def is_unsealed(db: Read, merchant_id: UUID, before: datetime) -> bool:
    """Whether a committed posting from before that instant of wall time is in no page yet."""
