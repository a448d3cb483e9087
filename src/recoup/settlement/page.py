"""Settlements: the list with the columns that accountants know, one with its lines, and both as
files."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from starlette.responses import Response

from recoup.bank.flows import (
    enter_account,
    prove_account,
    refuse_account,
    shown_deposits,
)
from recoup.bank.store.accounts import active_account, last_returns, list_accounts, payouts_of
from recoup.db.statement import Read
from recoup.kernel.ids import LOWEST, parse_id
from recoup.kernel.money import EXPONENTS
from recoup.kernel.problem import Problem, Sentence, invalid
from recoup.kit import typed_amounts
from recoup.kit.as_of import NOW, Cut
from recoup.kit.lists.paging import cut
from recoup.people.page.as_of import AsOf, read_as_of
from recoup.people.page.endpoint import id_in_path
from recoup.people.page.form_shape import As, Text, among, read_again, whole
from recoup.people.page.menu import Entry
from recoup.people.page.pages import JSON_LINES, XLSX, Values, download, member, taken
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import role
from recoup.people.page.words import State
from recoup.processors.rules.bank_account import TRIES_MAX, read_account
from recoup.settlement.flows.balances import read_balances
from recoup.settlement.flows.settle import pay_again
from recoup.settlement.flows.settlement_report import (
    batch_csv,
    line_id,
    parse_line_id,
    read_batch,
    settlement_file,
)
from recoup.settlement.flows.settlement_sheet import batch_sheet
from recoup.settlement.store.batches import Batch, BatchFilter, batch_lines, has_next, list_batches
from recoup.settlement.store.settlement import payable_assets, running_period
from recoup.terms.rules.settlement import COLUMNS
from recoup.terms.store.settlement_terms import terms_at

STATES: Final = {
    "carried": State(
        "Carried",
        "off",
        "right",
        "Nothing is paid out: the balance is carried over to the next settlement.",
    ),
    "created": State(
        "Scheduled", "hold", "onhold", "Nothing is sent before the operator has approved it."
    ),
    "homeless": State(
        "Waits for a bank account", "hold", "onhold", "No bank account of this currency is in use."
    ),
    "approved": State("Approved", "run", "processing", "It is being sent to the bank."),
    "sent": State("Sent", "run", "processing", "The bank has it, and has not confirmed it yet."),
    "paid": State("Confirmed", "ok", "completed", "The bank has paid it."),
    "returned": State("Returned", "prob", "problem", "The bank returned it; it can be paid again."),
}
KINDS: Final = {
    "amount": "Order", "fee": "Service fee", "dispute_fee": "Chargeback fee",
    "dispute": "Chargeback",
    "refund": "Return",
    "adjustment": "Adjustment", "reserve": "Reserve", "carried": "Carried", "payout": "Payout",
}  # fmt: skip
# As accountants know them: of all lines of a kind.
HEADINGS: Final = {
    "amount": "Total value", "fee": "Service fees", "dispute_fee": "Chargeback fees",
    "dispute": "Chargeback value",
    "refund": "Returns", "adjustment": "Adjustment", "reserve": "Reserve", "carried": "Carried",
}  # fmt: skip
BALANCE_WORDS: Final = {
    "card": "For the next settlements", "wallet": "Stablecoins", "reserve": "Reserve",
    "scheduled": "Scheduled payouts", "payouts": "Stablecoin payouts",
}  # fmt: skip
ACCOUNTS: Final = {
    "added": State(
        "To verify", "hold", "onhold", "Enter the two small amounts from its statement."
    ),
    "verified": State("To approve", "hold", "onhold", "The operator approves it."),
    "active": State("In use", "ok", "completed", "Payouts go to it."),
    "replaced": State("Replaced", "off", "cancelled", "Another account replaced it."),
    "refused": State("Refused", "off", "cancelled", "No payouts go to it."),
}


SIZE: Final = 25
LINES: Final = 100
MAY_ASK: Final = role("bank", "ask for payouts", or_operator=True)
PRINTED: Final = 1_000
_NUMBER_MAX: Final = 100_000


@member.page(
    "/settlements", "settlement/settlements.html", menu=Entry("Money", 1, "Settlements", "money")
)
async def settlements(visit: Visit, *, page: Annotated[int, whole(7)] = 1, currency: str) -> Values:
    number = max(1, min(page, _NUMBER_MAX))
    asset = currency.upper() if currency.upper() in EXPONENTS else None
    then = await read_as_of(visit)
    balances = await read_balances(visit.world, visit.merchant_id, then.cut)
    async with visit.world.db.read() as connection:
        batch_filter = BatchFilter(visit.merchant_id, asset=asset, cut=then.cut)
        rows, total = await list_batches(connection, batch_filter, SIZE, (number - 1) * SIZE)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, then.at or visit.now)
        period_to = await running_period(connection, visit.merchant_id, then.at or visit.now)
        homeless = [] if then.at else await _homeless(connection, rows)
    return dict(
        then=then,
        then_kept={"currency": asset} if asset else {},
        balances=balances,
        balance_words={
            name: word
            for name, word in BALANCE_WORDS.items()
            if any(row.units[name] for row in balances)
        },
        rows=rows,
        total=total,
        number=number,
        older=has_next(number, SIZE, len(rows), total),
        assets=assets,
        asset=asset,
        terms=terms,
        headings=_headings(rows),
        period_to=period_to,
        homeless=homeless,
        day=timedelta(days=1),
        link=lambda page, of=asset: _link(page, of, then),
    )


@member.page("/settlements/{batch_id}", "settlement/settlement.html")
async def settlement(
    visit: Visit,
    *,
    kind: Annotated[str, among(KINDS)] | None,
    after: Annotated[tuple[UUID, int], As(parse_line_id)] = (LOWEST, 0),
    print: str,
) -> Values:
    then = await read_as_of(visit)
    batch = await _find(visit, then.cut)
    size = PRINTED if print == "1" else LINES
    async with visit.world.db.read() as connection:
        payouts = [] if then.at else await payouts_of(connection, visit.merchant_id, batch.batch_id)
        homeless = [] if then.at else await _homeless(connection, [batch])
        lines = await batch_lines(
            connection, visit.merchant_id, batch.batch_id, after=after, limit=size + 1, kind=kind
        )
    shown, last = cut(lines, size)
    kept = {"kind": kind} if kind else {}
    return dict(
        then=then,
        then_kept=kept,
        day=timedelta(days=1),
        batch=batch,
        lines=shown,
        homeless=homeless,
        payouts=payouts,
        headings=_headings([batch]),
        kind=kind,
        first=after == (LOWEST, 0),
        next=urlencode(
            {"after": line_id(last.posting_id, last.line_no)}
            | kept
            | dict(then.query)
            | ({"print": "1"} if size == PRINTED else {})
        )
        if last
        else None,
        may_pay_again=visit.may("bank", or_operator=True)
        and bool(payouts)
        and payouts[-1].state == "returned",
        people=await named(
            visit, [who for p in payouts for who in (p.requested_by, p.approved_by)]
        ),
    )


async def _homeless(connection: Read, rows: Sequence[Batch]) -> list[str]:
    """Currencies whose payouts wait for a bank account rather than for somebody's approval."""
    waiting = sorted(
        {(row.merchant_id, row.asset) for row in rows if row.payout_state == "created"}
    )
    return [
        asset
        for merchant_id, asset in waiting
        if await active_account(connection, merchant_id, asset) is None
    ]


@member.page("/settlements/{batch_id}/lines.csv")
async def lines_csv(visit: Visit) -> Response:
    batch = await _find(visit)
    await taken(visit, "lines of a settlement", batch.batch_id)
    parts = batch_csv(visit.world, batch)
    return download(parts, f"settlement-{batch.batch_id}.csv")


@member.page("/settlements/{batch_id}/lines.xlsx")
async def lines_sheet(visit: Visit) -> Response:
    """Raises: Problem(invalid) for more lines than a spreadsheet takes."""
    batch = await _find(visit)
    await taken(visit, "lines of a settlement", batch.batch_id, form="xlsx")
    return download(
        await batch_sheet(visit.world, batch), f"settlement-{batch.batch_id}.xlsx", XLSX
    )


@member.page("/settlements/{batch_id}/file")
async def proof(visit: Visit) -> Response:
    """The file that `recoup verify --file` proves."""
    batch = await _find(visit)
    await taken(visit, "file of a settlement", batch.batch_id)
    parts = settlement_file(visit.world, batch)
    return download(parts, f"settlement-{batch.batch_id}.jsonl", JSON_LINES)


_NONE: Final = Problem(
    "not_found", "There is no such settlement.", cure="Choose it from the list of settlements."
)
_id: Final = id_in_path("batch_id", _NONE)


async def _find(visit: Visit, cut: Cut = NOW) -> Batch:
    """Raises: Problem(not_found)."""
    return await read_batch(visit.world, visit.merchant_id, _id(visit), cut)


@settlement.post("/settlements/{batch_id}/pay-again", may=MAY_ASK, find=_find)
async def post_pay_again(visit: Visit, batch: Batch) -> None:
    await pay_again(visit.world, visit.scope, batch.batch_id)


def _headings(rows: Sequence[Batch]) -> dict[str, str]:
    """Kind -> heading, in the order of the columns; what is seldom carried over has one only where
    something is."""
    carried = any(row.carried_units for row in rows)
    return {kind: HEADINGS[kind] for kind in COLUMNS if kind != "carried" or carried}


def _link(page: int, asset: str | None, then: AsOf) -> str:
    query = ({"page": str(page)} if page > 1 else {}) | ({"currency": asset} if asset else {})
    return then.address("/settlements", **query)


_CHANGE: Final = role("bank", "change bank accounts", or_operator=True)


@member.page("/bank", "settlement/bank.html", menu=Entry("Money", 3, "Bank account", "bank"))
async def bank(visit: Visit) -> Values:
    """`typed`: what stood in the form; numbers of accounts are not shown again."""
    typed = read_again(post_account, visit.typed)
    async with visit.world.db.read() as connection:
        accounts = await list_accounts(connection, visit.merchant_id)
        returns = await last_returns(connection, visit.merchant_id)
        assets = await payable_assets(connection, visit.merchant_id)
        terms = await terms_at(connection, visit.merchant_id, visit.now)
    return dict(
        accounts=accounts,
        returns=returns,
        may=visit.may("bank", or_operator=True),
        typed={"holder": typed.holder, "currency": typed.currency or next(iter(assets), "USD")},
        assets=sorted({*assets, "USD", "EUR", "GBP"}),
        delay=terms.account_delay_days,
        deposits={a.account_id: shown_deposits(visit.world, a) for a in accounts},
        people=await named(visit, [who for a in accounts for who in (a.added_by, a.approved_by)]),
    )


@bank.post(may=_CHANGE)
async def post_account(
    visit: Visit,
    *,
    holder: Annotated[str, Text(200)],
    currency: Annotated[str, Text(4)],
    iban: Annotated[str, Text(80)],
    routing: Annotated[str, Text(40)],
    account: Annotated[str, Text(40)],
) -> None:
    """Sets the bank account, by its IBAN, or by routing and account number."""
    entered = read_account(holder, iban=iban, routing=routing, account=account)
    await enter_account(visit.world, visit.scope, entered, currency.upper())


async def _account(visit: Visit) -> tuple[UUID, str]:
    """The account of the address, and its currency. Raises: Problem(not_found)."""
    account_id = parse_id(visit.request.path_params["account_id"])
    accounts = await list_accounts(visit.world.db.reader, visit.merchant_id)
    account = next((a for a in accounts if a.account_id == account_id), None)
    if account is None:
        raise Problem(
            "not_found", "There is no such bank account.", cure="Check the list of accounts."
        )
    return account.account_id, account.asset


@bank.post("/bank/{account_id}/prove", may=_CHANGE, find=_account)
async def post_proof(
    visit: Visit,
    account: tuple[UUID, str],
    *,
    first: Annotated[str, Text(20)],
    second: Annotated[str, Text(20)],
) -> None:
    """The two amounts that came to the account."""
    account_id, asset = account
    amounts = _amount(first, "first", asset), _amount(second, "second", asset)
    if not await prove_account(visit.world, visit.scope, account_id, amounts):
        raise invalid(
            "These are not the two amounts.",
            "first",
            Sentence(
                "Read them on the account's statement; after {0} wrong answers it is refused.",
                TRIES_MAX,
            ),
        )


@bank.post("/bank/{account_id}/withdraw", may=_CHANGE, find=_account)
async def post_withdrawal(visit: Visit, account: tuple[UUID, str]) -> None:
    await refuse_account(visit.world, visit.scope, account[0], "withdrawn")


def _amount(text: str, name: str, asset: str) -> int:
    return typed_amounts.units(text, asset, name) if asset in EXPONENTS else 0
