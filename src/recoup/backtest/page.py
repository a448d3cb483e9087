"""/backtests: what another policy would have rescued of past payments, on a page to print; and the
form that asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.backtest.flows.backtest_file import NO_ARRAYS, TOO_FEW_LATE, TOO_LITTLE, WRONG
from recoup.backtest.flows.backtest_payments import payments_file
from recoup.backtest.flows.kept import LISTED, ask, read_backtest
from recoup.backtest.flows.questions import BacktestRequest, question_for
from recoup.backtest.rules.headline import headline
from recoup.backtest.rules.question import (
    DAYS,
    DAYS_MAX,
    DAYS_MIN,
    name_of_payments,
    name_of_policy,
    question_of,
)
from recoup.backtest.rules.words import CLASSES, LONGER, days_earlier, lacking
from recoup.backtest.store import BacktestRow, backtest_payments, list_backtests
from recoup.imports.store.imports import import_names, list_imports
from recoup.kernel.kept_sentence import kept
from recoup.kernel.money import EXPONENTS, apart, shown
from recoup.kernel.problem import Figure, Problem, Sentence, figure
from recoup.kernel.texts import known_id, parse_whole
from recoup.people.page import rights
from recoup.people.page.endpoint import redirect
from recoup.people.page.form_shape import Text, read_again, whole
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, download, member, taken
from recoup.people.page.portal_visit import Visit, found_by, names_of_actors
from recoup.policies.rules.policy import ENGINE_2, POLICIES
from recoup.policy_versions.flows.policies import read_versions
from recoup.policy_versions.flows.policy_scopes import where_of

KINDS: Final = {
    "class": "By class of decline", "issuer": "By issuer", "country": "By country",
    "amount": "By amount",
}  # fmt: skip
VERDICTS: Final = {
    "better": "Better than what was done", "worse": "Worse than what was done",
    "not_told": "No difference can be told from what was done",
}  # fmt: skip
# Why models are not asked -> what to do.
NEXT: Final = {
    TOO_LITTLE: LONGER,
    TOO_FEW_LATE: LONGER,
    WRONG: Sentence("Only a comparison group can tell what the engine brings here."),
    NO_ARRAYS: Sentence("Ask whoever runs Recoup to install it."),
}
UNTOLD: Final = (
    "What this policy would have rescued cannot be told from them; below stands what is missing."
)
KNOWN: Final = (
    "The engine decided partly at random, so some orders were tried as this policy would have: "
    "weighted, they show a "
    "difference of {0} to {1} points. Nine of ten such ranges hold the truth."
)
FEW_LARGE: Final = (
    "The range of money is wider than that of payments, because a few large payments decide it: "
    "more payments are "
    "rescued, and how much more money that is cannot be told yet."
)
EXPECTED: Final = (
    "Models that learned from the file expect {0} % to {1} %. On its last quarter, which they had "
    "not seen, they were "
    "off by {2} points; the range above allows for that, and for chance. It is an estimate, no "
    "proof."
)


def meaning(report: Mapping[str, Any]) -> list[Sentence]:
    """Sentences that explain its headline, or say what there is without one."""
    return _of_history(report) if report["basis"] == "history" else _of_own(report)


def _of_own(report: Mapping[str, Any]) -> list[Sentence]:
    if report["rescued"] is None:
        return (
            [_then(report["orders"], report["rescuedThen"]), Sentence(UNTOLD)]
            if report["orders"]
            else []
        )
    low, high = (100 * report["difference"][end] for end in ("low", "high"))
    sentences = [Sentence(KNOWN, Figure(f"{low:+.1f}"), Figure(f"{high:+.1f}"))]
    money = report["money"][0]["netDifference"]
    if low > 0 and money["low"] < 0 < money["high"]:
        sentences.append(Sentence(FEW_LARGE))
    sentences += [
        _avoided(money["feesAvoided"], money["currency"])
        for money in report["money"]
        if money["feesAvoided"] is not None
    ]
    sentences += _at_cost(
        report, [money["currency"] for money in report["money"] if money["feesAvoided"] is not None]
    )
    days = report.get("daysEarlier")
    if days is not None:
        sentences.append(Sentence("The money would have come {0}.", days_earlier(days)))
    return sentences


def _of_history(report: Mapping[str, Any]) -> list[Sentence]:
    whole = report.get("whole")
    if not whole:
        return []
    if whole["rescued"] is None:
        return [_then(whole["orders"], whole["rescuedThen"]), Sentence(UNTOLD)]
    sentences = []
    models, off = report["rangeOfModels"], report["calibration"]
    if models and off:
        low, high, error = (
            _percent(share) for share in (models["lowest"], models["highest"], off["error"])
        )
        sentences.append(Sentence(EXPECTED, low, high, error))
    reason = report.get("whyNoModels")
    sentences += [
        Sentence("Models are not asked: {0}. {1}", why, what)
        for why, what in NEXT.items()
        if why == reason
    ]
    for fee in whole["feesAvoided"]:
        low, high = (
            _money(fee[name], fee["currency"], sign=True) for name in ("atLeast", "atMost")
        )
        sentences.append(
            Sentence("Fees avoided: between {0} and {1} {2}.", low, high, fee["currency"])
        )
    sentences += _at_cost(report, [fee["currency"] for fee in whole["feesAvoided"]])
    if whole["daysEarlier"] is not None:
        days = days_earlier(whole["daysEarlier"]["atLeast"], whole["daysEarlier"]["atMost"])
        sentences.append(
            Sentence("Where it rescues the same payments, their money comes {0}.", days)
        )
    return sentences


def _then(orders: int, rescued: int) -> Sentence:
    return Sentence(
        "Of {0} declined payments {1} were rescued by what was done, {2} %.",
        figure(orders),
        figure(rescued),
        _percent(rescued / orders if orders else 0.0),
    )


def _avoided(units: int, asset: str) -> Sentence:
    word = (
        "Its attempts would have cost {0} {1} less in fees."
        if units >= 0
        else "Its attempts would have cost {0} {1} more in fees."
    )
    return Sentence(word, _money(abs(units), asset), asset)


def _at_cost(report: Mapping[str, Any], assets: Sequence[str]) -> list[Sentence]:
    """Sentences on what the fees rest on."""
    cost = report.get("sendCost", ENGINE_2.send_units)
    word = "That rests on an assumed cost of {0} {1} an attempt; your processor’s fees may differ."
    return [Sentence(word, _money(cost, asset), asset) for asset in assets]


def _percent(share: float) -> str:
    return Figure(f"{100 * share:.1f}")


def _money(units: int, asset: str, *, sign: bool = False) -> str:
    lead = "-" if units < 0 else "+" if sign else ""
    return Figure(f"{lead}{apart(shown(abs(units), asset if asset in EXPONENTS else 'USD'))}")


def label(by: str, name: str) -> str | Sentence:
    """Label of a group; a band of amounts is `USD/1299/2499` in minor units."""
    parts = name.split("/")
    if by == "class":
        return CLASSES.get(name, name or "Others")
    if by == "amount" and len(parts) == 3 and parts[0] in EXPONENTS:  # noqa: PLR2004
        asset, low, high = parts[0], int(parts[1]), int(parts[2])
        if low and high:
            return Sentence(
                "{0} {1} to {2}", asset, Figure(shown(low, asset)), Figure(shown(high, asset))
            )
        if low:
            return Sentence("{0} above {1}", asset, Figure(shown(low, asset)))
        return Sentence("{0} up to {1}", asset, Figure(shown(high, asset))) if high else asset
    return name or "Others"


PLACE: Final = "/backtests"
SIZE: Final = 50
IMPORTS: Final = 25
VERSIONS: Final = 25
SPANS: Final = (30, 90, 180, 365)


@member.page(PLACE, "backtest/backtests.html", menu=Entry("Insight", 3, "Back-tests", "rewind"))
async def backtests(visit: Visit) -> Values:
    rows = await list_backtests(visit.world.db.reader, visit.merchant_id, None, LISTED)
    imports = await list_imports(visit.world.db.reader, visit.merchant_id, None, IMPORTS)
    where = await where_of(visit.world, visit.merchant_id)
    return dict(
        rows=[(row, question_of(row.question)) for row in rows],
        files=await _files(visit, rows),
        who=await names_of_actors(visit, [row.requested_by for row in rows]),
        versions=await read_versions(visit.world, where, None, VERSIONS),
        imports=[file for file in imports if file.finished_at is not None],
        deciders=list(POLICIES),
        days=DAYS,
        typed=read_again(post_backtest, visit.typed),
        may=visit.may("switch", or_operator=True),
    )


async def _files(visit: Visit, rows: Sequence[BacktestRow]) -> dict[UUID, str]:
    """Name of the file by its import's id."""
    ids = [
        import_id for row in rows if (import_id := question_of(row.question).import_id) is not None
    ]
    named = await import_names(visit.world.db.reader, visit.merchant_id, ids)
    return {file.import_id: file.file_name for file in named}


asking: Final = rights.acting("switch", "ask for a back-test")


@backtests.post(may=asking)
async def post_backtest(
    visit: Visit,
    *,
    decider: Annotated[str, Text(20)] = "",
    version: Annotated[str, Text(10)] = "",
    days: Annotated[str, Text(4)] = "",
    source: Annotated[str, Text(40)] = "",
) -> Answer:
    """`decider`: empty for whoever decides now. `version`: empty for the policies that held at the
    time. `source`: an import; empty for the merchant's own orders."""
    wanted = parse_whole(days, 4)
    request = BacktestRequest(
        decider,
        parse_whole(version, 10),
        days=min(DAYS_MAX, max(DAYS_MIN, DAYS if wanted is None else wanted)),
        import_id=_import(source),
    )
    row = await ask(
        visit.world, asking(visit), await question_for(visit.world, visit.merchant_id, request)
    )
    return redirect(f"{PLACE}/{row.backtest_id}")


def _import(text: str) -> UUID | None:
    missing = Problem("not_found", "There is no such import.", cure="Look at the list of imports.")
    return known_id(text, missing) if text else None


_NONE: Final = Problem(
    "not_found", "There is no such back-test.", cure="Look at the list of back-tests."
)
_find: Final = found_by("backtest_id", _NONE, read_backtest)


@member.page("/backtests/{backtest_id}", "backtest/backtest.html")
async def backtest_page(visit: Visit) -> Values:
    row = await _find(visit)
    return shown_values(row) | dict(
        who=await names_of_actors(visit, [row.requested_by]), files=await _files(visit, [row])
    )


@member.page("/backtests/{backtest_id}/payments", "backtest/payments.html")
async def payments_page(visit: Visit, *, after: Annotated[int, whole(6)] = 0) -> Values:
    row = await _find(visit)
    rows = await backtest_payments(
        visit.world.db.reader, visit.merchant_id, row.backtest_id, after, SIZE + 1
    )
    return shown_values(row) | dict(
        payments=[_payment(row.payment) for row in rows[:SIZE]],
        first=after,
        next=rows[SIZE].place if len(rows) > SIZE else None,
    )


def shown_values(row: BacktestRow) -> dict[str, Any]:
    """Values that show the figures of one, here and on the page of the policy."""
    question = question_of(row.question)
    return dict(
        row=row,
        question=question,
        report=row.report,
        failed=kept(row.failed) if row.failed is not None else None,
        lacking=lacking(row.report) if row.report is not None else [],
        headline=headline(row.report) if row.report is not None else None,
        meaning=meaning(row.report) if row.report is not None else [],
        window=_window(row.report or {}),
        name_of_policy=name_of_policy,
        name_of_payments=name_of_payments,
        kinds=KINDS,
        verdicts=VERDICTS,
        label=label,
        days_earlier=days_earlier,
    )


def _window(report: dict[str, Any]) -> tuple[datetime, datetime] | None:
    """The time from the first decline to the end of the last window."""
    if not report.get("from") or not report.get("until"):
        return None
    return datetime.fromisoformat(report["from"]), datetime.fromisoformat(report["until"])


def _payment(plain: dict[str, Any]) -> dict[str, Any]:
    return plain | {
        "declinedAt": datetime.fromisoformat(plain["declinedAt"]),
        "plan": [datetime.fromisoformat(at) for at in plain["plan"]],
        "why": [kept(reason) for reason in plain["why"]],
    }


@member.page("/backtests/{backtest_id}/payments.csv")
async def payments_csv(visit: Visit) -> Response:
    row = await _find(visit)
    await taken(visit, "payments of a back-test", row.backtest_id)
    parts = payments_file(visit.world, visit.merchant_id, row.backtest_id)
    return download(parts, f"back-test-{row.backtest_id}.csv")
