"""The merchant's bank accounts: entered, proved by two amounts, then approved by the operator."""

from typing import Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.endpoint import STATUSES, redirect
from recoup.doors.portal.forms import Form, first
from recoup.doors.portal.people import named
from recoup.doors.portal.settlements.words import ACCOUNTS
from recoup.doors.portal.templates import render
from recoup.doors.portal.visit import Visit, checked_form
from recoup.flows.money.bank_accounts import enter_account, prove_account, refuse_account, shown_deposits
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.rules.money import typed_amounts
from recoup.rules.money.bank_account import TRIES_MAX, read_account
from recoup.store.read.bank import last_returns, list_accounts
from recoup.store.read.settlement_terms import payable_assets, terms_at

_CHANGE: Final = ("bank", "change bank accounts")


async def bank_page(visit: Visit) -> Response:
    return await _show(visit)


async def _show(visit: Visit, problem: Problem | None = None, typed: dict[str, str] | None = None) -> Response:
    """`typed`: what stood in the form; numbers of accounts are not shown again."""
    async with visit.world.db.read() as connection:
        accounts = await list_accounts(connection, visit.merchant_id)
        returns = await last_returns(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
    values = visit.values(
        accounts=accounts, returns=returns, states=ACCOUNTS, may=visit.may("bank", or_operator=True), problem=problem,
        typed={"holder": "", "currency": next(iter(assets), "USD")} | (typed or {}),
        assets=sorted({*assets, "USD", "EUR", "GBP"}), delay=terms.account_delay_days, tries_max=TRIES_MAX,
        deposits={a.account_id: shown_deposits(visit.world, a) for a in accounts},
        people=await named(visit, [who for a in accounts for who in (a.added_by, a.approved_by)]),
    )  # fmt: skip
    return render("settlements/bank.html", values, status=STATUSES[problem.code] if problem else 200)


async def post_account(visit: Visit) -> Response:
    form = await checked_form(visit)
    visit.only(*_CHANGE, or_operator=True)
    try:
        account = read_account(first(form, "holder")[:200], iban=first(form, "iban")[:80],
                               routing=first(form, "routing")[:40], account=first(form, "account")[:40])  # fmt: skip
        await enter_account(visit.world, visit.scope, account, first(form, "currency").upper()[:4])
    except Problem as problem:
        return await _show(visit, problem, {name: first(form, name)[:80] for name in ("holder", "currency")})
    return redirect("/bank")


async def post_proof(visit: Visit) -> Response:
    form = await checked_form(visit)
    visit.only(*_CHANGE, or_operator=True)
    account_id, asset = await _account(visit)
    try:
        amounts = _amount(form, "first", asset), _amount(form, "second", asset)
        if not await prove_account(visit.world, visit.scope, account_id, amounts):
            raise Problem("invalid", "These are not the two amounts.", field="first",
                          cure=f"Read them on the account's statement; after {TRIES_MAX} wrong answers it is refused.")
    except Problem as problem:
        return await _show(visit, problem)
    return redirect("/bank")


async def post_withdrawal(visit: Visit) -> Response:
    await checked_form(visit)
    visit.only(*_CHANGE, or_operator=True)
    account_id, _ = await _account(visit)
    try:
        await refuse_account(visit.world, visit.scope, account_id, "withdrawn")
    except Problem as problem:
        return await _show(visit, problem)
    return redirect("/bank")


async def _account(visit: Visit) -> tuple[UUID, str]:
    """The account of the address, and its currency. Raises: Problem(not_found)."""
    account_id = parse_id(visit.request.path_params["account_id"])
    async with visit.world.db.read() as connection:
        accounts = await list_accounts(connection, visit.merchant_id)
    found = next((a for a in accounts if a.account_id == account_id), None)
    if found is None:
        raise Problem("not_found", "There is no such bank account.", cure="Check the list of accounts.")
    return found.account_id, found.asset


def _amount(form: Form, name: str, asset: str) -> int:
    return typed_amounts.units(first(form, name)[:20], asset, name) if asset in EXPONENTS else 0
