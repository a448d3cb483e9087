"""The merchant's bank accounts: entered, proved by two amounts, then approved by the operator."""

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.people import named
from recoup.doors.portal.rights import role
from recoup.doors.portal.settlements.words import ACCOUNTS
from recoup.doors.portal.visit import Visit
from recoup.flows.money.bank_accounts import enter_account, prove_account, refuse_account, shown_deposits
from recoup.kernel.currencies import EXPONENTS
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.rules.money import typed_amounts
from recoup.rules.money.bank_account import TRIES_MAX, read_account
from recoup.store.money.bank import last_returns, list_accounts
from recoup.store.money.settlement import payable_assets, terms_at

_CHANGE: Final = role("bank", "change bank accounts", or_operator=True)


@dataclass(frozen=True, slots=True)
class NewAccount:
    """By its IBAN, or by routing and account number."""

    holder: Annotated[str, Text(200)]
    currency: Annotated[str, Text(4)]
    iban: Annotated[str, Text(80)]
    routing: Annotated[str, Text(40)]
    account: Annotated[str, Text(40)]


@dataclass(frozen=True, slots=True)
class Proof:
    """The two amounts that came to the account."""

    first: Annotated[str, Text(20)]
    second: Annotated[str, Text(20)]


@member.page("/bank", "settlements/bank.html", menu=Entry("Money", 3, "Bank account", "bank"))
async def bank(visit: Visit) -> Values:
    """`typed`: what stood in the form; numbers of accounts are not shown again."""
    typed = read_again(NewAccount, visit.typed)
    async with visit.world.db.read() as connection:
        accounts = await list_accounts(connection, visit.merchant_id)
        returns = await last_returns(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
    return dict(
        accounts=accounts,
        returns=returns,
        states=ACCOUNTS,
        may=visit.may("bank", or_operator=True),
        typed={"holder": typed.holder, "currency": typed.currency or next(iter(assets), "USD")},
        assets=sorted({*assets, "USD", "EUR", "GBP"}),
        delay=terms.account_delay_days,
        tries_max=TRIES_MAX,
        deposits={a.account_id: shown_deposits(visit.world, a) for a in accounts},
        people=await named(visit, [who for a in accounts for who in (a.added_by, a.approved_by)]),
    )


@bank.post(may=_CHANGE, shape=NewAccount)
async def post_account(visit: Visit, form: NewAccount) -> Answer:
    account = read_account(form.holder, iban=form.iban, routing=form.routing, account=form.account)
    await enter_account(visit.world, visit.scope, account, form.currency.upper())
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


@bank.post("/bank/{account_id}/prove", may=_CHANGE, shape=Proof, find=_account)
async def post_proof(visit: Visit, form: Proof, account: tuple[UUID, str]) -> Answer:
    account_id, asset = account
    amounts = _amount(form.first, "first", asset), _amount(form.second, "second", asset)
    if not await prove_account(visit.world, visit.scope, account_id, amounts):
        raise Problem(
            "invalid",
            "These are not the two amounts.",
            field="first",
            cure=Sentence("Read them on the account's statement; after {0} wrong answers it is refused.", TRIES_MAX),
        )
    return redirect("/bank")


@bank.post("/bank/{account_id}/withdraw", may=_CHANGE, find=_account)
async def post_withdrawal(visit: Visit, account: tuple[UUID, str]) -> Answer:
    await refuse_account(visit.world, visit.scope, account[0], "withdrawn")
    return redirect("/bank")


def _amount(text: str, name: str, asset: str) -> int:
    return typed_amounts.units(text, asset, name) if asset in EXPONENTS else 0
