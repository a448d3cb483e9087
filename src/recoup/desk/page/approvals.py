"""Approvals that wait for a second person: refunds; for the operator payouts, bank accounts,
adjustments. The second person is another than the first."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace as replace_visit
from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from msgspec.structs import asdict, replace
from starlette.responses import Response

from recoup.bank.flows import (
    approve,
    approve_account,
    deposits_of,
    read_file,
    refuse_account,
    tell_outcome,
)
from recoup.bank.rules.bank_payout import check_approval
from recoup.bank.store import accounts as store
from recoup.db.statement import Read
from recoup.kernel.ids import new_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit import typed_amounts
from recoup.orders.rules.refund_limits import is_theirs
from recoup.people.page.endpoint import (
    check_reviewed,
    done_of,
    find_id,
    redirect,
    review_mark,
    with_done,
)
from recoup.people.page.feature_parts import panels
from recoup.people.page.form_shape import AtMost, FormKeyId, Text, read_again
from recoup.people.page.menu import Entry, by_role
from recoup.people.page.pages import Answer, Values, attachment, member, shown, taken
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import operator
from recoup.refunds.page import waiting_rows
from recoup.settlement.flows.adjust import adjust, decide_adjustment, would_wait
from recoup.settlement.flows.balances import read_balances
from recoup.settlement.page import HEADINGS, STATES
from recoup.settlement.store.batches import shown_batch
from recoup.settlement.store.settlement import payable_assets
from recoup.terms.store.settlement_terms import account_delay, terms_at


class WaitingPayout(store.PayoutRow):
    """Payout that waits. `to`: the masked account, or none; `not_now`: why this person may not
    approve it; `back`: why the attempt before came back, and `same`: it would go to that account
    again. `account_id`: the account that it goes to."""

    to: str | None
    not_now: Problem | None
    back: str | None = None
    same: bool = False


async def _described(
    visit: Visit, connection: Read, rows: Sequence[store.PayoutRow]
) -> list[WaitingPayout]:
    created = {row.asset for row in rows if row.state == "created"}
    accounts = {
        asset: await store.active_account(connection, visit.merchant_id, asset) for asset in created
    }
    delays = {
        asset: await account_delay(connection, visit.merchant_id, account.active_at, visit.now)
        for asset, account in accounts.items()
        if account
    }
    shown = []
    for row in rows:
        account = accounts.get(row.asset)
        payout = _shown(visit, row, account, delays.get(row.asset, 0))
        if row.payout_no > 1 and row.state == "created":
            before = (await store.payouts_of(connection, visit.merchant_id, row.batch_id))[
                row.payout_no - 2
            ]
            same = account is not None and account.account_id == before.account_id
            payout = replace(payout, back=before.reason, same=same)
        shown.append(payout)
    return shown


def _shown(
    visit: Visit, row: store.PayoutRow, account: store.ActiveAccount | None, delay_days: int
) -> WaitingPayout:
    not_now = None
    try:
        check_approval(row, account, visit.scope.actor.text(), visit.now, delay_days)
    except Problem as problem:
        not_now = problem
    to = row.masked or (account.masked if account else None)
    row = replace(row, account_id=row.account_id or (account.account_id if account else None))
    return WaitingPayout(**asdict(row), to=to, not_now=not_now)


DOING: Final = "approve payouts, accounts and adjustments"
DECIDE: Final = operator(DOING)
ADJUSTMENTS: Final = "/approvals/adjustments"
NEW: Final = f"{ADJUSTMENTS}/new"
DONE: Final = {
    "payout": "The payout is approved and is being sent.", "payouts": "The payouts are approved "
                                                                      "and are being sent.",
    "paid": "The payout is marked as paid.", "returned": "The payout is marked as returned.",
    "account": "The bank account is approved.", "account_refused": "The bank account is refused.",
    "waiting": "The adjustment waits for a second person.", "booked": "The adjustment is booked.",
    "not_booked": "The adjustment is refused.", "refund": "The refund is approved and is being "
                                                          "sent.",
    "refund_refused": "The refund request is refused.",
    "refund_withdrawn": "The refund request is withdrawn.",
}  # fmt: skip
SENDS: Final = frozenset({"payout", "payouts", "refund"})


def _may_look(visit: Visit) -> None:
    """The operator, and roles that may approve refunds."""
    if not visit.session.may_by_role("approve"):
        visit.only_operator(DOING)


@member.page(
    "/approvals",
    "desk/settlements_approvals.html",
    may=_may_look,
    menu=Entry("Queues", 6, "Approvals", "check", counts="approvals", sees=by_role("approve")),
)
async def approvals(visit: Visit) -> Values:
    """Shows the approvals. What is the operator's only the operator sees."""
    refunds = await waiting_rows(visit)
    what = done_of(visit.session, visit.request)
    said = {"refunds": refunds, "done": DONE.get(what, ""), "sends": what in SENDS}
    if not visit.is_operator:
        return {**said, "counts": {}}
    asset = _asset(visit)
    async with visit.world.db.read() as connection:
        accounts = await store.list_accounts(connection, visit.merchant_id)
        adjustments = await store.list_adjustments(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
        counts = await store.open_payout_counts(connection, visit.merchant_id)
        open_rows = await store.open_payouts(connection, visit.merchant_id, asset)
        payouts = await _described(visit, connection, open_rows)
    typed = read_again(
        make_adjustment, visit.typed if visit.request.url.path in (ADJUSTMENTS, NEW) else {}
    )
    shown = visit.world.bank.shows_deposits
    waiting = [a for a in accounts if a.state in ("added", "verified")]
    actors = [who for row in payouts for who in (row.requested_by, row.approved_by)]
    actors += [row.added_by for row in waiting] + [row.made_by for row in adjustments]
    return dict(
        payouts=payouts,
        accounts=waiting,
        adjustments=adjustments,
        assets=assets,
        terms=terms,
        states=STATES,
        asset=asset,
        counts=counts,
        here=f"?currency={asset}" if asset else "",
        ready=sum(not p.not_now for p in payouts),
        typed=typed,
        people=await named(visit, actors),
        me=visit.scope.actor.text(),
        deposits={} if shown else {a.account_id: deposits_of(visit.world, a) for a in waiting},
        **said,
        **await panels(lambda part: part.approvals, visit),
    )


_id: Final = find_id(
    "id", Problem("not_found", "There is no such decision.", cure="Reload the approvals page.")
)


@member.page("/approvals/payouts", "desk/settlements_review.html", may=DECIDE)
async def payout_review(visit: Visit) -> Values | Answer:
    """Shows what is sent, to which account and what it is made of: the step before it is
    approved."""
    named_in = visit.typed or {"payout": visit.request.query_params.getlist("payout")}
    chosen = read_again(approve_payouts, named_in).payout
    if not chosen:
        return redirect("/approvals")
    rows = await _chosen(visit, chosen)
    accounts, batches = {}, {}
    async with visit.world.db.read() as connection:
        for row in rows:
            batches[row.batch_id] = await shown_batch(connection, visit.merchant_id, row.batch_id)
            if row.account_id and row.account_id not in accounts:
                account = await store.find_account(connection, visit.merchant_id, row.account_id)
                accounts[row.account_id] = account
    ready, asset, totals = [row for row in rows if not row.not_now], _asset(visit), Counter[str]()
    for row in ready:
        totals[row.asset] += row.units
    actors = [who for a in accounts.values() if a for who in (a.added_by, a.approved_by)]
    return dict(
        payouts=rows,
        ready=ready,
        totals=totals,
        accounts=accounts,
        payers={scheme: visit.world.bank.paid_by(scheme) for scheme in ("us", "iban")},
        batches=batches,
        headings=HEADINGS,
        states=STATES,
        day=timedelta(days=1),
        here=f"?currency={asset}" if asset else "",
        seen=review_mark(visit.session, *_facts(ready)),
        people=await named(visit, actors + [row.requested_by for row in rows]),
    )


async def _chosen(visit: Visit, ids: Sequence[UUID | None]) -> list[WaitingPayout]:
    """Raises: Problem(not_found) for one that is none of this merchant's, or no id."""
    async with visit.world.db.read() as connection:
        rows: list[store.PayoutRow] = []
        for fromkey in dict.fromkeys(ids):
            row = (
                await store.find_payout(connection, visit.merchant_id, fromkey) if fromkey else None
            )
            if row is None:
                message = "There is no such payout."
                raise Problem("not_found", message, cure="Reload the approvals page.")
            rows.append(row)
        return await _described(visit, connection, rows)


def _facts(rows: Sequence[WaitingPayout]) -> list[object]:
    """Facts of a review that may change."""
    return [fact for row in rows for fact in (row.payout_id, row.units, row.account_id, row.back)]


@payout_review.post(may=DECIDE)
async def approve_payouts(
    visit: Visit,
    *,
    payout: Annotated[tuple[UUID | None, ...], AtMost(store.ROWS_MAX)],
    seen: str,
) -> Answer:
    """`seen`: the mark of the review; without it, only shows one. None for what is no id."""
    if not payout:
        missing = invalid("No payout was chosen.", "payout", "Select the payouts to approve.")
        return await approvals.answer(visit, shown(missing))
    rows = await _chosen(visit, payout)
    if not seen:
        return shown()
    for row in rows:
        if row.not_now:
            raise row.not_now
    check_reviewed(visit.session, seen, *_facts(rows))
    for done, row in enumerate(rows):
        try:
            await approve(visit.world, visit.scope, row.payout_id, row.account_id)
        except Problem as problem:
            text = "{0} of {1} payouts were approved. First failure: {2}"
            message = Sentence(text, done, len(rows), problem.message)
            raise Problem(problem.code, message, cure=problem.cure) from None
    return redirect(_back(visit, "payouts" if len(rows) > 1 else "payout"))


@approvals.post("/approvals/payouts/{id}/outcome", may=DECIDE, find=_id)
async def payout_outcome(
    visit: Visit, payout_id: UUID, *, outcome: str, reason: Annotated[str, Text(300)]
) -> Answer:
    """`outcome`: paid or returned."""
    await tell_outcome(visit.world, visit.scope, payout_id, outcome, reason)
    return redirect(_back(visit, "paid" if outcome == "paid" else "returned"))


@member.page("/approvals/payouts/{id}/file", may=operator("read bank files"))
async def payout_file(visit: Visit) -> Response:
    payout_id = await _id(visit)
    name, content = await read_file(visit.world, visit.merchant_id, payout_id)
    await taken(visit, "bank file", payout_id)
    return attachment(content, name, "application/octet-stream")


@approvals.post("/approvals/accounts/{id}", may=DECIDE, find=_id)
async def decide_account(
    visit: Visit, account_id: UUID, *, decision: str, reason: Annotated[str, Text(300)]
) -> Answer:
    """Decides an account. What is not approved is refused."""
    if decision == "approve":
        await approve_account(visit.world, visit.scope, account_id)
        return redirect(_back(visit, "account"))
    await refuse_account(visit.world, visit.scope, account_id, reason)
    return redirect(_back(visit, "account_refused"))


@approvals.post(ADJUSTMENTS, may=DECIDE)
async def make_adjustment(
    visit: Visit,
    *,
    amount: Annotated[str, Text(40)],
    currency: Annotated[str, Text(4)],
    note: Annotated[str, Text(1000)],
    direction: str,
    key: FormKeyId,
) -> Answer:
    """`direction`: to or from the merchant."""
    units, asset = _signed(amount, currency, direction)
    return redirect(
        _back(visit, await adjust(visit.world, visit.scope, units, asset, note, key=key))
    )


def _signed(amount: str, currency: str, direction: str) -> tuple[int, str]:
    """Units, + is in the merchant's favour, and their currency. Raises: Problem(invalid)."""
    asset = currency.upper()
    if asset not in EXPONENTS:
        raise invalid(
            "This currency is not known.",
            "currency",
            "Choose a currency in which the merchant has a balance.",
        )
    units = typed_amounts.units(amount, asset, "amount")
    return -units if direction == "from" else units, asset


@member.page(NEW, "desk/settlements_adjustment.html", may=DECIDE)
async def new_adjustment(visit: Visit) -> Values | Answer:
    """The same review of one that nobody made yet."""
    query = visit.request.query_params
    fields = {name: query.getlist(name) for name in query}
    typed, me = read_again(make_adjustment, fields), visit.scope.actor.text()
    try:
        units, asset = _signed(typed.amount, typed.currency, typed.direction)
        waits = await would_wait(visit.world, visit.scope, units, asset, typed.note)
    except Problem as problem:
        return await approvals.answer(replace_visit(visit, typed=fields), shown(problem))
    row = store.Adjustment(
        visit.merchant_id, new_id(), asset, units, typed.note, "waiting", me, None, visit.now, None
    )
    balance, people = await _payable(visit, asset), await named(visit, [me])
    return dict(
        row=row, balance=balance, people=people, mine=False, typed=typed, waits=waits, key=new_id()
    )


async def _adjustment(visit: Visit) -> store.Adjustment:
    async with visit.world.db.read() as connection:
        adjustment = await store.find_adjustment(connection, visit.merchant_id, await _id(visit))
    if adjustment is None:
        raise Problem(
            "not_found", "There is no such adjustment.", cure="Reload the approvals page."
        )
    return adjustment


async def _payable(visit: Visit, asset: str) -> int:
    """The amount that the next settlements pay the merchant. Units."""
    return next(
        (
            balance.units["card"]
            for balance in await read_balances(visit.world, visit.merchant_id)
            if balance.asset == asset
        ),
        0,
    )


@member.page("/approvals/adjustments/{id}", "desk/settlements_adjustment.html", may=DECIDE)
async def adjustment_review(visit: Visit) -> Values:
    """Shows whose balance it changes, by how much, from what to what, and why: the step before it
    is booked."""
    row = await _adjustment(visit)
    balance = await _payable(visit, row.asset)
    return dict(
        row=row,
        balance=balance,
        seen=review_mark(visit.session, *_adjustment_facts(row, balance)),
        people=await named(visit, [row.made_by, row.decided_by]),
        mine=is_theirs(row.made_by, visit.scope.actor.text()),
    )


def _adjustment_facts(row: store.Adjustment, balance: int) -> list[object]:
    """Facts that a decision hangs on. A balance moves with every order: what counts is whether the
    merchant then owes."""
    return [row.adjustment_id, row.state, balance + row.units < 0]


@adjustment_review.post(may=DECIDE, find=_adjustment)
async def decide(visit: Visit, row: store.Adjustment, *, decision: str, seen: str) -> Answer:
    """`seen`: the mark of the review; without it, booking only shows one."""
    book = decision == "book"
    if book and row.state == "waiting":
        if not seen:
            return shown()
        check_reviewed(
            visit.session, seen, *_adjustment_facts(row, await _payable(visit, row.asset))
        )
    await decide_adjustment(visit.world, visit.scope, row.adjustment_id, book=book)
    return redirect(_back(visit, "booked" if book else "not_booked"))


def _asset(visit: Visit) -> str | None:
    """The currency that is looked at; none: all."""
    named_asset = visit.request.query_params.get("currency", "").upper()
    return named_asset if named_asset in EXPONENTS else None


def _back(visit: Visit, what: str) -> str:
    """The address to go back to. `what`: of DONE, for the page to say."""
    asset = _asset(visit)
    return with_done(visit.session, "/approvals", what) + (f"&currency={asset}" if asset else "")
