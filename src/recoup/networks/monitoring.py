"""The networks' monitoring programmes: how near a merchant number at an acquirer comes to a
threshold. Pure.

Rows with their sources: data/monitoring-programs.csv. One that is not `certain` is shown and alarms
nobody. Visa counts fraud reports and all disputes of a month over that month's sales, a report that
becomes a dispute twice; Mastercard chargebacks over the sales of the month before.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple

from msgspec import convert

from recoup.networks.tables import REGIONS, read_table

SCHEMES: Final = ("visa", "mastercard")
FRAUD_CODES: Final = ("4837", "4863")  # of Mastercard's programme of fraud
FRAUD_CURRENCIES: Final = ("USD", "EUR")  # whose amounts it counts; no other is converted


class Program(NamedTuple):
    """A level of a programme. `amount_min`: of fraud, in minor units; 0 is no criterion."""

    program: str
    level: str
    network: Literal["visa", "mastercard"]
    region: str
    valid_from: date
    valid_to: date
    counts: Literal["frauds_and_disputes", "disputes", "fraud_disputes"]
    sales_of: Literal["same_month", "month_before"]
    basis_points: int
    cases_min: int
    sales_min: int
    amount_min: int
    certain: bool
    document: str


class MonthCount(NamedTuple):
    """`month`: its first day; `frauds`: reports of issuers; `fraud_units`: of `fraud_disputes`."""

    acceptor_id: str
    scheme: str
    month: date
    sales: int
    disputes: int
    frauds: int
    fraud_disputes: int
    fraud_units: int


class Standing(NamedTuple):
    """`share`: of the threshold, 1 where all of its criteria are met. `basis_points`: None without
    sales."""

    of: Program
    acceptor_id: str
    month: date
    cases: int
    sales: int
    share: float

    def is_of(self, row: MonthCount) -> bool:
        return (self.acceptor_id, self.of.network, self.month) == row[:3]

    @property
    def basis_points(self) -> float | None:
        return round(10_000 * self.cases / self.sales, 1) if self.sales else None

    @property
    def state(self) -> Literal["below", "half", "over"]:
        return "over" if self.share >= 1 else "half" if self.share >= 0.5 else "below"


_ROWS: Final = [list(row.values()) for row in read_table("monitoring-programs.csv")]
PROGRAMS: Final = convert(_ROWS, list[Program], strict=False)


def programs_of(network: str, region: str, month: date) -> Iterable[Program]:
    """The monitoring programs of a network: for each level the row of the narrowest place that is
    known."""
    programs = {}
    for place in reversed(REGIONS.get(region, ("world",))):
        for program in PROGRAMS:
            if (program.network, program.region) == (
                network,
                place,
            ) and program.valid_from <= month <= program.valid_to:
                programs[program.level] = program
    return programs.values()


def standings(rows: Iterable[MonthCount], region: str) -> list[Standing]:
    """The newest month first, and there what is nearest to its threshold."""
    counted = {(row.acceptor_id, row.scheme, row.month): row for row in rows}
    made = []
    for (acceptor_id, scheme, month), row in counted.items():
        before = counted.get((acceptor_id, scheme, month_before(month)))
        for program in programs_of(scheme, region, month):
            over = row if program.sales_of == "same_month" else before
            made.append(_standing(program, row, over.sales if over is not None else 0))
    return sorted(made, key=lambda standing: (standing.month, standing.share), reverse=True)


def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def _standing(program: Program, row: MonthCount, sales: int) -> Standing:
    cases = row.fraud_disputes if program.counts == "fraud_disputes" else row.disputes
    cases += row.frauds if program.counts == "frauds_and_disputes" else 0
    # Without a sale any case is above every ratio.
    shares = [10_000 * cases / (program.basis_points * sales)] if sales else []
    if program.cases_min:
        shares.append(cases / program.cases_min)
    if program.amount_min:
        shares.append(row.fraud_units / program.amount_min)
    share = min(shares) if sales >= program.sales_min else 0.0
    return Standing(program, row.acceptor_id, row.month, cases, sales, share)
