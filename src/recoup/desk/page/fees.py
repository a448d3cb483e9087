"""/fees: what the operator keeps of this merchant's orders, what disputes cost, and how it is
settled; as agreed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from recoup.disputes.store.disputes import read_terms as dispute_terms
from recoup.kernel.money import EXPONENTS, to_text
from recoup.kernel.problem import Figure
from recoup.kit.terms import page_rows
from recoup.merchants.flows.as_of import end_of
from recoup.networks.disputes import Terms as DisputeTerms
from recoup.networks.disputes import terms_at as dispute_terms_at
from recoup.people.page.as_of import read_as_of
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Values, member
from recoup.people.page.portal_visit import Visit, named
from recoup.settlement.flows.settlement_terms import read_terms
from recoup.settlement.store.fee_terms import FeeTermRow, fee_history
from recoup.terms.rules.fees import REFUND_POLICIES, fee_units, in_force

EXAMPLE: Final = 100  # of the currency
TYPES: Final = {
    "CIT": "Customers’ payments",
    "MIT": "Recurring payments",
    "STABLE": "Stablecoin payments",
}


@member.page("/fees", "desk/fees.html", menu=Entry("Money", 4, "Fees and terms", "percent"))
async def fees_page(visit: Visit) -> Values:
    then = await read_as_of(visit)
    now = await end_of(visit.world, visit.merchant_id, then.cut) if then.at else visit.now
    rows = await fee_history(visit.world.db.reader, visit.merchant_id, *then.cut)
    disputes = [
        row.terms
        for row in await dispute_terms(visit.world.db.reader, visit.merchant_id, *then.cut)
    ]
    terms, _ = await read_terms(visit.world, visit.merchant_id, then.cut)
    who = await named(visit, {row.actor for row in rows})
    lines = _lines(rows, {site.site_id: site.name for site in visit.known.sites}, who, now)
    return dict(
        then=then,
        then_kept={},
        now_lines=[line for line in lines if line["state"] == "now"],
        later=[line for line in lines if line["state"] == "later"],
        over=[line for line in reversed(lines) if line["state"] == "over"],
        policies=REFUND_POLICIES,
        disputes=_in_force(disputes, now),
        settled=page_rows(terms),
    )


def _lines(
    rows: Iterable[FeeTermRow], sites: Mapping[UUID, str], people: Mapping[str, str], now: datetime
) -> list[Values]:
    """The widest first, as they are chosen from. `example`: what the term takes of EXAMPLE, empty
    without a currency of its own; `state`: now, later or over."""
    terms = [(row.term, row) for row in rows]
    valid = {term.term_id for term in in_force((term for term, _ in terms), now)}
    lines: list[Values] = []
    for term, row in terms:
        scale = EXPONENTS.get(term.currency or "", 0)
        fixed, minimum = term.tariff.fixed_units, term.tariff.minimum_units
        lines.append(
            dict(
                term=term,
                site=sites.get(term.site_id, "") if term.site_id else "",
                percent=Figure(to_text(term.tariff.basis_points, 2)),
                fixed=Figure(to_text(fixed, scale)) if fixed else "",
                minimum=Figure(to_text(minimum, scale)) if minimum else "",
                example=Figure(to_text(fee_units(EXAMPLE * 10**scale, term.tariff), scale))
                if term.currency
                else "",
                state="later"
                if term.valid_from > now
                else "now"
                if term.term_id in valid
                else "over",
                by=people.get(row.actor, "the operator"),
                note=row.note,
            )
        )
    return sorted(lines, key=lambda line: [part is not None for part in line["term"].scope])


def _in_force(terms: Iterable[DisputeTerms], now: datetime) -> list[DisputeTerms]:
    """Terms in force: those of every currency first, then those of one alone."""
    known = list(terms)
    by_asset = [
        dispute_terms_at(known, now, asset)
        for asset in sorted({terms.asset for terms in known if terms.asset})
    ]
    return [dispute_terms_at(known, now, ""), *(terms for terms in by_asset if terms.asset)]
