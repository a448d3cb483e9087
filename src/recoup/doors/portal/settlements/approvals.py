"""What waits for a second person: refunds; for the operator payouts, bank accounts, adjustments. The second person is
another than the first."""

from collections.abc import Awaitable
from typing import Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.done import done_of, with_done
from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.form_key import key_id_of
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.people import named
from recoup.doors.portal.refunds.waiting import waiting_rows
from recoup.doors.portal.settlements.waiting import waiting_payouts
from recoup.doors.portal.settlements.words import STATES
from recoup.doors.portal.taken import taken
from recoup.doors.portal.templates import HEADERS, render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.money.adjust import adjust, decide_adjustment
from recoup.flows.money.bank_accounts import approve_account, deposits_of, refuse_account
from recoup.flows.money.bank_payouts import approve, read_file, tell_outcome
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import new_id, parse_id
from recoup.kernel.problem import Problem
from recoup.rules.money import typed_amounts
from recoup.store.read.bank import ROWS_MAX, list_accounts, list_adjustments, open_payout_counts
from recoup.store.read.settlement_terms import payable_assets, terms_at

DOING = "approve payouts, accounts and adjustments"
DONE: Final = {
    "payout": "The payout is approved and is being sent.", "payouts": "The payouts are approved and are being sent.",
    "paid": "The payout is marked as paid.", "returned": "The payout is marked as returned.",
    "account": "The bank account is approved.", "account_refused": "The bank account is refused.",
    "waiting": "The adjustment waits for a second person.", "booked": "The adjustment is booked.",
    "not_booked": "The adjustment is refused.", "refund": "The refund is approved and is being sent.",
    "refund_refused": "The refund request is refused.", "refund_withdrawn": "The refund request is withdrawn.",
}  # fmt: skip


async def approvals_page(visit: Visit) -> Response:
    """For the operator, and for whoever may agree to refunds."""
    if not visit.session.may_by_role("approve"):
        visit.only_operator(DOING)
    return await desk(visit)


async def desk(visit: Visit, problem: Problem | None = None, typed: Form | None = None) -> Response:
    """`typed`: what stood in the form of an adjustment. What is the operator's only the operator sees."""
    refunds, status = await waiting_rows(visit), STATUSES[problem.code] if problem else 200
    done = DONE.get(done_of(visit.session, visit.request), "")
    if not visit.is_operator:
        values = visit.values(refunds=refunds, problem=problem, done=done, counts={})
        return render("settlements/approvals.html", values, status=status)
    asset = _asset(visit)
    async with visit.world.db.read() as connection:
        accounts = await list_accounts(connection, visit.merchant_id)
        adjustments = await list_adjustments(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
        counts = await open_payout_counts(connection, visit.merchant_id)
        payouts = await waiting_payouts(visit, connection, asset)
    shown = visit.world.bank.shows_deposits
    waiting = [a for a in accounts if a.state in ("added", "verified")]
    actors = [who for row in payouts for who in (row.requested_by, row.approved_by)]
    actors += [row.added_by for row in waiting] + [row.made_by for row in adjustments]
    values = visit.values(
        payouts=payouts, accounts=waiting, adjustments=adjustments, assets=assets, terms=terms, states=STATES,
        asset=asset, counts=counts, here=f"?currency={asset}" if asset else "",
        ready=sum(p.state == "created" and not p.not_now for p in payouts),
        typed={name: first(typed or {}, name) for name in ("amount", "currency", "note", "direction")},
        problem=problem, key=new_id(), people=await named(visit, actors), me=visit.scope.actor.text(),
        deposits={} if shown else {a.account_id: deposits_of(visit.world, a) for a in waiting},
        refunds=refunds, done=done,
    )  # fmt: skip
    return render("settlements/approvals.html", values, status=status)


async def approve_payout(visit: Visit) -> Response:
    await _checked(visit)
    return await _done(visit, "payout", approve(visit.world, visit.scope, _id(visit)))


async def approve_payouts(visit: Visit) -> Response:
    """Those that are named, each for itself: one that cannot be approved stops no other."""
    form = await _checked(visit)
    wanted = [parse_id(text) for text in form.get("payout", [])[:ROWS_MAX]]
    done, refused = 0, None
    for payout_id in wanted:
        try:
            if payout_id is None:
                raise Problem("not_found", "There is no such payout.", cure="Reload the approvals page.")
            await approve(visit.world, visit.scope, payout_id)
            done += 1
        except Problem as problem:
            refused = refused or problem
    if not wanted:
        refused = Problem("invalid", "No payout was chosen.", field="payout", cure="Select the payouts to approve.")
    elif refused is not None:
        message = f"{done} of {len(wanted)} payouts were approved. First failure: {refused.message}"
        refused = Problem(refused.code, message, cure=refused.cure)
    return await desk(visit, refused) if refused else redirect(_back(visit, "payouts" if done > 1 else "payout"))


async def payout_outcome(visit: Visit) -> Response:
    form = await _checked(visit)
    outcome = first(form, "outcome")
    told = tell_outcome(visit.world, visit.scope, _id(visit), outcome, first(form, "reason")[:300])
    return await _done(visit, "paid" if outcome == "paid" else "returned", told)


async def payout_file(visit: Visit) -> Response:
    visit.only_operator("read bank files")
    name, content = await read_file(visit.world, visit.merchant_id, _id(visit))
    await taken(visit, "bank file", _id(visit))
    headers = HEADERS | {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


async def decide_account(visit: Visit) -> Response:
    form = await _checked(visit)
    if first(form, "decision") == "approve":
        return await _done(visit, "account", approve_account(visit.world, visit.scope, _id(visit)))
    reason = first(form, "reason")[:300]
    return await _done(visit, "account_refused", refuse_account(visit.world, visit.scope, _id(visit), reason))


async def make_adjustment(visit: Visit) -> Response:
    form = await _checked(visit)

    async def work() -> str:
        asset = first(form, "currency").upper()[:4]
        if asset not in EXPONENTS:
            raise Problem("invalid", "This currency is not known.", field="currency",
                          cure="Choose a currency in which the merchant has a balance.")  # fmt: skip
        units = typed_amounts.units(first(form, "amount")[:40], asset, "amount")
        units = -units if first(form, "direction") == "from" else units
        note = first(form, "note")[:1000]
        return await adjust(visit.world, visit.scope, units, asset, note, key=key_id_of(form))

    return await _done(visit, "", work(), form)


async def decide(visit: Visit) -> Response:
    form = await _checked(visit)
    book = first(form, "decision") == "book"
    decided = decide_adjustment(visit.world, visit.scope, _id(visit), book=book)
    return await _done(visit, "booked" if book else "not_booked", decided)


async def _checked(visit: Visit) -> Any:
    form = await checked_form(visit)
    visit.only_operator(DOING)
    return form


async def _done(visit: Visit, what: str, work: Awaitable[object], typed: Form | None = None) -> Response:
    """`what`: of DONE; empty where the work answers it."""
    try:
        found = await work
    except Problem as problem:
        return await desk(visit, problem, typed)
    return redirect(_back(visit, what or str(found)))


def _asset(visit: Visit) -> str | None:
    """The currency that is looked at; none: all."""
    named_asset = visit.request.query_params.get("currency", "").upper()
    return named_asset if named_asset in EXPONENTS else None


def _back(visit: Visit, what: str) -> str:
    """`what`: of DONE, for the page to say."""
    asset = _asset(visit)
    return with_done(visit.session, "/approvals", what) + (f"&currency={asset}" if asset else "")


def _id(visit: Visit) -> UUID:
    found = parse_id(visit.request.path_params["id"])
    if found is None:
        raise Problem("not_found", "There is no such decision.", cure="Reload the approvals page.")
    return found
