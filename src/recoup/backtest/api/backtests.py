"""/v1/backtests: what a policy would have rescued of past payments, asked and read. Source:
docs/prove-it.md."""

from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec

from recoup.backtest.api.backtests_shapes import (
    Backtest,
    BacktestBody,
    BacktestHistory,
    BacktestList,
    BacktestPayment,
    BacktestPaymentQuery,
    BacktestPayments,
    BacktestQuery,
    BacktestReport,
    BacktestShown,
)
from recoup.backtest.flows.kept import ask, read_backtest
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.rules.question import question_of
from recoup.backtest.store import BacktestRow, backtest_payments, list_backtests
from recoup.kernel.filled import filled
from recoup.kernel.kept_sentence import kept
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_body
from recoup.kit.lists.paging import page_of
from recoup.policy_versions.api import named_as_here
from recoup.rescue.api.payment import check_own

_NIGHTS: Final = {"policy": {"when": {"hours": ["07:00-22:00"]}}}
ShownT = TypeVar("ShownT", bound=BacktestShown)
api: Final = Api(group="Reports")


@api(
    "POST /v1/backtests", body=BacktestBody, problems=("not_found", "wrong_state"), scope="reports"
)
@api.example("no sends at night", _NIGHTS)
async def post(call: Call) -> Backtest:
    """Ask for a back-test. What a policy would have rescued of the declined payments of the last
    days, beside what was done. Of little history the figures stand in the response; otherwise
    `madeAt` is null, and they are made within minutes. The same question within a day has the same
    answer."""
    body, complaints = read_body(call.body, BacktestBody)
    check_own(body.mid, call.scope.merchant_id, complaints)
    if body.policy is not None and body.version is not None:
        complaints.add("Version", text="The fields Version and Policy exclude each other.")
    complaints.raise_if_any()
    request = filled(BacktestRequest, body, decider=body.decider or "", lines=body.policy)
    with named_as_here():
        question = await question_for(call.services.world, call.scope.merchant_id, request)
        return shown(Backtest, await ask(call.services.world, call.scope, question))


@api("GET /v1/backtests", query=BacktestQuery, scope="reports")
async def get_list(call: Call) -> BacktestList:
    """Back-tests. Those that were asked for, and those of policies before they were saved. Newest
    first."""
    query = call.parameters(BacktestQuery)
    rows = await list_backtests(
        call.services.world.db.reader, call.scope.merchant_id, query.after, query.limit + 1
    )
    return page_of(
        BacktestList,
        rows,
        query.limit,
        lambda row: shown(BacktestShown, row),
        lambda row: row.backtest_id,
    )


@api("GET /v1/backtests/{id}", problems=("not_found",), scope="reports")
async def get_one(call: Call) -> Backtest:
    """One back-test. A share has an interval only where the stored decisions allow one. Otherwise
    it is null, and `missing` says what would be needed. Of an import, only `then` has an interval.
    """
    return shown(
        Backtest, await read_backtest(call.services.world, call.scope.merchant_id, _id(call))
    )


@api(
    "GET /v1/backtests/{id}/payments",
    query=BacktestPaymentQuery,
    problems=("not_found",),
    scope="reports",
)
async def get_payments(call: Call) -> BacktestPayments:
    """Payments of a back-test. Each payment with what was done, and what the policy would have
    planned and why."""
    query = call.parameters(BacktestPaymentQuery)
    world, merchant_id = call.services.world, call.scope.merchant_id
    report_row = await read_backtest(world, merchant_id, _id(call))
    rows = await backtest_payments(
        world.db.reader, merchant_id, report_row.backtest_id, query.after or 0, query.limit + 1
    )
    more = rows[query.limit].place if len(rows) > query.limit else None
    return BacktestPayments(data=[_payment(row.payment) for row in rows[: query.limit]], next=more)


def _id(call: Call) -> UUID:
    return call.object_id(noun="back-test", cure="Check the id; see the list of back-tests.")


def shown(shape: type[ShownT], row: BacktestRow) -> ShownT:
    question, report = question_of(row.question), row.report
    own = report is not None and report["basis"] == "propensities"
    return shape.of(
        row,
        question,
        id=row.backtest_id,
        subject_id=question.subject,
        version=question.number if question.lines is not None else None,
        policy=question.lines,
        failed=str(kept(row.failed)) if row.failed is not None else None,
        payments=row.payment_count,
        report=msgspec.convert(report, BacktestReport) if own else None,
        history=msgspec.convert(report, BacktestHistory)
        if report is not None and not own
        else None,
    )


def _payment(plain: dict[str, Any]) -> BacktestPayment:
    return msgspec.convert(
        plain | {"why": [str(kept(reason)) for reason in plain["why"]]}, BacktestPayment
    )
