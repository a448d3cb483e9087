"""/backtests: what another policy would have rescued of past payments, on a page to print; and the form that asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal.backtests.words import KINDS, VERDICTS, label, lacking, meaning
from recoup.doors.portal.downloads import download
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, member
from recoup.doors.portal.switches.words import names_of_actors
from recoup.doors.portal.taken import taken
from recoup.doors.portal.visit import Visit
from recoup.flows.backtests.kept import LISTED, ask, read_backtest
from recoup.flows.backtests.questions import BacktestRequest, question_for
from recoup.flows.insight.backtest_payments import payments_file
from recoup.flows.merchants.policies import read_versions
from recoup.flows.merchants.policy_scopes import where_of
from recoup.kernel.ids import parse_id
from recoup.kernel.kept_sentence import kept
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Scope
from recoup.rules.backtest.question import DAYS, DAYS_MAX, DAYS_MIN, name_of_payments, name_of_policy, question_of
from recoup.rules.rescue.policy import POLICIES
from recoup.store.insight.backtests import BacktestRow, backtest_payments, list_backtests
from recoup.store.insight.imports import list_imports

PLACE: Final = "/backtests"
SIZE: Final = 50
IMPORTS: Final = 25
VERSIONS: Final = 25
SPANS: Final = (30, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class NewBacktest:
    """`decider`: empty for whoever decides now. `version`: empty for the policies that held at the time. `source`: an
    import; empty for the merchant's own orders."""

    decider: Annotated[str, Text(20)] = ""
    version: Annotated[str, Text(10)] = ""
    days: Annotated[str, Text(4)] = ""
    source: Annotated[str, Text(40)] = ""


@member.page(PLACE, "backtests/backtests.html", menu=Entry("Insight", 3, "Back-tests", "rewind"))
async def backtests(visit: Visit) -> Values:
    async with visit.world.db.read() as connection:
        rows = await list_backtests(connection, visit.merchant_id, None, LISTED)
        imports = await list_imports(connection, visit.merchant_id, None, IMPORTS)
    where = await where_of(visit.world, visit.merchant_id)
    return dict(
        rows=[(row, question_of(row.question)) for row in rows],
        who=await names_of_actors(visit, [row.requested_by for row in rows]),
        versions=await read_versions(visit.world, where, None, VERSIONS),
        imports=[one for one in imports if one.finished_at is not None],
        deciders=list(POLICIES),
        spans=SPANS,
        days=DAYS,
        typed=read_again(NewBacktest, visit.typed),
        may=visit.may("switch", or_operator=True),
        name_of_policy=name_of_policy,
        name_of_payments=name_of_payments,
    )


def _acting(visit: Visit) -> Scope:
    return visit.acting("switch", "ask for a back-test")


@backtests.post(may=_acting, shape=NewBacktest)
async def post_backtest(visit: Visit, form: NewBacktest) -> Answer:
    days = int(form.days) if form.days.isascii() and form.days.isdigit() else DAYS
    request = BacktestRequest(
        form.decider,
        int(form.version) if form.version.isascii() and form.version.isdigit() else None,
        days=min(DAYS_MAX, max(DAYS_MIN, days)),
        import_id=_import(form.source),
    )
    row = await ask(visit.world, _acting(visit), await question_for(visit.world, visit.merchant_id, request))
    return redirect(f"{PLACE}/{row.backtest_id}")


def _import(text: str) -> UUID | None:
    found = parse_id(text) if text else None
    if text and found is None:
        raise Problem("not_found", "There is no such import.", cure="Look at the list of imports.")
    return found


@member.page("/backtests/{backtest_id}", "backtests/backtest.html")
async def backtest_page(visit: Visit) -> Values:
    row = await _find(visit)
    text = visit.request.query_params.get("after", "")
    first = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0  # noqa: PLR2004
    async with visit.world.db.read() as connection:
        found = await backtest_payments(connection, visit.merchant_id, row.backtest_id, first, SIZE + 1)
    return shown_values(row) | dict(
        payments=[_payment(one.payment) for one in found[:SIZE]],
        first=first,
        next=found[SIZE].place if len(found) > SIZE else None,
        who=await names_of_actors(visit, [row.requested_by]),
    )


def shown_values(row: BacktestRow) -> dict[str, Any]:
    """What the figures of one are shown by, here and on the page of the policy."""
    question = question_of(row.question)
    return dict(
        row=row,
        question=question,
        report=row.report,
        failed=kept(row.failed) if row.failed is not None else None,
        lacking=lacking(row.report) if row.report is not None else [],
        meaning=meaning(row.report) if row.report is not None else [],
        window=_window(row.report or {}),
        name_of_policy=name_of_policy,
        name_of_payments=name_of_payments,
        kinds=KINDS,
        verdicts=VERDICTS,
        label=label,
    )


def _window(report: dict[str, Any]) -> tuple[datetime, datetime] | None:
    """From the first decline to the end of the last window."""
    if not report.get("from") or not report.get("until"):
        return None
    return datetime.fromisoformat(report["from"]), datetime.fromisoformat(report["until"])


def _payment(plain: dict[str, Any]) -> dict[str, Any]:
    return plain | {
        "declinedAt": datetime.fromisoformat(plain["declinedAt"]),
        "plan": [datetime.fromisoformat(one) for one in plain["plan"]],
        "why": [kept(one) for one in plain["why"]],
    }


@member.page("/backtests/{backtest_id}/payments.csv")
async def payments_csv(visit: Visit) -> Response:
    row = await _find(visit)
    await taken(visit, "payments of a back-test", row.backtest_id)
    parts = payments_file(visit.world, visit.merchant_id, row.backtest_id)
    return download(parts, f"back-test-{row.backtest_id}.csv")


async def _find(visit: Visit) -> BacktestRow:
    """Raises: Problem(not_found)."""
    backtest_id = parse_id(visit.request.path_params["backtest_id"])
    if backtest_id is None:
        raise Problem("not_found", "There is no such back-test.", cure="Look at the list of back-tests.")
    return await read_backtest(visit.world, visit.merchant_id, backtest_id)
