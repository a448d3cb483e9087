"""What waits for the operator: payouts, bank accounts, adjustments. The second person is another than the first."""

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.settlements.people import named
from recoup.doors.portal.settlements.words import STATES
from recoup.doors.portal.templates import HEADERS, render
from recoup.doors.portal.visit import STATUSES, Visit, checked_form, one, see
from recoup.flows.money.adjust import adjust, decide_adjustment
from recoup.flows.money.bank_accounts import approve_account, deposits_of, refuse_account
from recoup.flows.money.bank_payouts import approve, bank_of, read_file, tell_outcome
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.money import from_text
from recoup.kernel.problem import Problem
from recoup.store.read.bank import list_accounts, list_adjustments, open_payouts
from recoup.store.read.settlement_terms import payable_assets, terms_at

DOING = "approve payouts, accounts and adjustments"


async def approvals_page(visit: Visit) -> Response:
    visit.only_operator(DOING)
    return await _show(visit)


async def _show(visit: Visit, problem: Problem | None = None) -> Response:
    async with visit.portal.world.db.connection() as connection:
        payouts = await open_payouts(connection, visit.merchant_id)
        accounts = await list_accounts(connection, visit.merchant_id)
        adjustments = await list_adjustments(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
    shown = bank_of(visit.portal.world).shows_deposits
    waiting = [a for a in accounts if a["state"] in ("added", "verified")]
    actors = [row[who] for row in payouts for who in ("requested_by", "approved_by")]
    actors += [row["added_by"] for row in waiting] + [row["made_by"] for row in adjustments]
    values = visit.values(
        payouts=payouts, accounts=waiting, adjustments=adjustments, assets=assets, terms=terms, states=STATES,
        problem=problem, key=new_id(), people=await named(visit, actors), me=visit.scope.actor.text(),
        deposits={} if shown else {a["account_id"]: deposits_of(visit.portal.world, a) for a in waiting},
    )  # fmt: skip
    return render("settlements/approvals.html", values, status=STATUSES[problem.code] if problem else 200)


async def approve_payout(visit: Visit) -> Response:
    await _checked(visit)
    return await _done(visit, approve(visit.portal.world, visit.scope, _id(visit)))


async def payout_outcome(visit: Visit) -> Response:
    form = await _checked(visit)
    told = tell_outcome(visit.portal.world, visit.scope, _id(visit), one(form, "outcome"), one(form, "reason")[:300])
    return await _done(visit, told)


async def payout_file(visit: Visit) -> Response:
    visit.only_operator("read bank files")
    name, content = await read_file(visit.portal.world, visit.merchant_id, _id(visit))
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


async def decide_account(visit: Visit) -> Response:
    form = await _checked(visit)
    if one(form, "decision") == "approve":
        return await _done(visit, approve_account(visit.portal.world, visit.scope, _id(visit)))
    reason = one(form, "reason")[:300]
    return await _done(visit, refuse_account(visit.portal.world, visit.scope, _id(visit), reason))


async def make_adjustment(visit: Visit) -> Response:
    form = await _checked(visit)

    async def work() -> None:
        asset = one(form, "currency").upper()[:4]
        if asset not in EXPONENTS:
            raise Problem("invalid", "This currency is not known.", field="currency")
        units = from_text(one(form, "amount").strip().replace(",", "")[:40], asset, "amount").units
        units = -units if one(form, "direction") == "from" else units
        key: UUID | None = parse_id(one(form, "key"))
        await adjust(visit.portal.world, visit.scope, units, asset, one(form, "note")[:1000], key=key)

    return await _done(visit, work())


async def decide(visit: Visit) -> Response:
    form = await _checked(visit)
    book = one(form, "decision") == "book"
    return await _done(visit, decide_adjustment(visit.portal.world, visit.scope, _id(visit), book=book))


async def _checked(visit: Visit) -> Any:
    form = await checked_form(visit)
    visit.only_operator(DOING)
    return form


async def _done(visit: Visit, work: Awaitable[object]) -> Response:
    try:
        await work
    except Problem as problem:
        return await _show(visit, problem)
    return see("/approvals")


def _id(visit: Visit) -> UUID:
    found = parse_id(visit.request.path_params["id"])
    if found is None:
        raise Problem("not_found", "There is no such thing to decide.", cure="Reload the page of approvals.")
    return found
