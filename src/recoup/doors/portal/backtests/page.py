"""/backtests: what another policy would have rescued of past payments, on a page to print; and the form that asks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from starlette.responses import Response

from recoup.doors.portal import rights
from recoup.doors.portal.endpoint import redirect
from recoup.doors.portal.form_shape import Text, read_again
from recoup.doors.portal.menu import Entry
from recoup.doors.portal.pages import Answer, Values, download, member, taken
from recoup.doors.portal.visit import Visit, found_by, names_of_actors
from recoup.flows.backtests.kept import LISTED, ask, read_backtest
from recoup.flows.backtests.questions import BacktestRequest, question_for
from recoup.flows.insight.backtest_file import NO_ARRAYS, TOO_FEW_LATE, TOO_LITTLE, WRONG
from recoup.flows.insight.backtest_payments import payments_file
from recoup.flows.merchants.policies import read_versions
from recoup.flows.merchants.policy_scopes import where_of
from recoup.kernel.ids import parse_id
from recoup.kernel.kept_sentence import kept
from recoup.kernel.money import EXPONENTS, apart, shown
from recoup.kernel.problem import Problem, Sentence
from recoup.rules.backtest.question import DAYS, DAYS_MAX, DAYS_MIN, name_of_payments, name_of_policy, question_of
from recoup.rules.backtest.words import CLASSES, days_earlier
from recoup.rules.rescue.policy import ENGINE_2, POLICIES
from recoup.store.insight.backtests import BacktestRow, backtest_payments, list_backtests
from recoup.store.insight.imports import import_names, list_imports

KINDS: Final = {
    "class": "By class of decline", "issuer": "By issuer", "country": "By country", "amount": "By amount",
}  # fmt: skip
VERDICTS: Final = {
    "better": "Better than what was done", "worse": "Worse than what was done",
    "not_told": "No difference can be told from what was done",
}  # fmt: skip
# what -> its sentence, and how the numbers are shown
LESS: Final[Mapping[str, tuple[str, str]]] = {
    "weight": ("The orders that were tried as this policy would have count as {0} customers; {1} are needed.", "%.0f"),
    "support": ("In {0} % of its decisions the policy does what no order shows; {1} % at most.", "%"),
    "clipped": ("{0} % of the weight was cut off, because few orders would count too much; {1} % at most.", "%"),
    "one_payer": ("One customer has {0} % of the weight; {1} % at most.", "%"),
    "width": ("The interval is {0} points wide to each side; {1} points are the most that is shown.", "%"),
    "days": ("There are {0} days of closed windows; {1} are needed.", "%.0f"),
    "rescued": ("There are {0} rescued payments; {1} are needed.", "%.0f"),
    "customers": ("The declined payments are of {0} customers; {1} are needed. Is it the right column?", "%.0f"),
    "not_rescued": ("There are {0} payments that were not rescued; {1} are needed.", "%.0f"),
    "attempts": ("No attempt of a card stands in the file.", ""),
    "only_successes": ("The file holds only successes: export the failed payments too.", ""),
    "declined": ("No declined payment has its whole window in the file; the rest is cut by its edges.", ""),
    "guessed": ("{0} % of the attempts are put together by guess; {1} % at most. Export the payments’ ids.", "%"),
    "unknown": ("Of {0} % of the payments it is not known whether a later attempt was approved; {1} % at most.", "%"),
}  # fmt: skip
_LONGER: Final = Sentence("Import a longer export, with the failed payments and all their retries.")
# Why models are not asked -> what to do.
NEXT: Final = {
    TOO_LITTLE: _LONGER,
    TOO_FEW_LATE: _LONGER,
    WRONG: Sentence("Only a comparison group can tell what the engine brings here."),
    NO_ARRAYS: Sentence("Ask whoever runs Recoup to install it."),
}
UNTOLD: Final = "What this policy would have rescued cannot be told from them; below stands what is missing."
MEANS: Final = {
    "better": "It is better than what was done: of 100 declined payments it rescues {0} to {1} more.",
    "worse": "It is worse than what was done: of 100 declined payments it rescues {0} to {1} fewer.",
    "not_told": "Whether it is better than what was done cannot be told: of 100 payments it rescues between {0} fewer "
    "and {1} more.",
}  # fmt: skip
NO_ARM: Final = (
    "No order has stored probabilities yet: let the rescue engine watch, or decide for a share of customers."
)


def lacking(report: Mapping[str, Any]) -> list[Sentence]:
    """What is missing for a figure, one sentence each."""
    found = [_sentence(one) for one in report["missing"] if one["have"] is not None]
    if report["basis"] == "propensities" and not report["orders"] and not report["open"]:
        found = [Sentence(NO_ARM), *found]
    return found


def _sentence(one: Mapping[str, Any]) -> Sentence:
    text, form = LESS[one["what"]]
    if not form:
        return Sentence(text)
    scale, digits = (100, "%.1f") if form == "%" else (1, form)
    return Sentence(text, digits % (scale * one["have"]), digits % (scale * one["needed"]))


def meaning(report: Mapping[str, Any]) -> list[Sentence]:
    """What it says, for somebody who reads nothing else."""
    return _of_history(report) if report["basis"] == "history" else _of_own(report)


def _of_own(report: Mapping[str, Any]) -> list[Sentence]:
    if not report["orders"]:
        return []
    found = [_then(report["orders"], report["rescuedThen"])]
    if report["rescued"] is None:
        return [*found, Sentence(UNTOLD)]
    rescued, more = report["rescued"], report["difference"]
    found.append(
        Sentence(
            "Under this policy {0} % would have been rescued, between {1} % and {2} %: in nine of ten back-tests such "
            "bounds hold the truth.",
            _percent(rescued["value"]),
            _percent(max(0.0, rescued["low"])),
            _percent(min(1.0, rescued["high"])),
        )
    )
    found.append(_than_before(report["verdict"], more["low"], more["high"]))
    found += [
        _avoided(one["feesAvoided"], one["currency"]) for one in report["money"] if one["feesAvoided"] is not None
    ]
    found += _at_cost(report, [one["currency"] for one in report["money"] if one["feesAvoided"] is not None])
    days = report.get("daysEarlier")
    if days is not None:
        found.append(Sentence("The money would have come {0}.", days_earlier(days)))
    return found


def _of_history(report: Mapping[str, Any]) -> list[Sentence]:
    whole = report.get("whole")
    if not whole:
        return []
    found = [_then(whole["orders"], whole["rescuedThen"])]
    if whole["rescued"] is None:
        return [*found, Sentence(UNTOLD)]
    found.append(
        Sentence(
            "Under this policy at least {0} % and at most {1} % would have been rescued. Where its tries fall on those "
            "that were made, their outcome is known; of all others nothing is assumed.",
            _percent(whole["rescued"]["atLeast"]),
            _percent(whole["rescued"]["atMost"]),
        )
    )
    if whole["models"] is not None:
        low, high = _percent(whole["models"]["lowest"]), _percent(whole["models"]["highest"])
        found.append(Sentence("Models expect {0} % to {1} %. That is their word, and no proof.", low, high))
    reason = report.get("whyNoModels")
    found += [Sentence("Models are not asked: {0}. {1}", why, what) for why, what in NEXT.items() if why == reason]
    for one in whole["feesAvoided"]:
        low, high = (_money(one[name], one["currency"], sign=True) for name in ("atLeast", "atMost"))
        found.append(Sentence("Fees avoided: between {0} and {1} {2}.", low, high, one["currency"]))
    found += _at_cost(report, [one["currency"] for one in whole["feesAvoided"]])
    if whole["daysEarlier"] is not None:
        days = days_earlier(whole["daysEarlier"]["atLeast"], whole["daysEarlier"]["atMost"])
        found.append(Sentence("Where it rescues the same payments, their money comes {0}.", days))
    return found


def _then(orders: int, rescued: int) -> Sentence:
    return Sentence(
        "Of {0} declined payments {1} were rescued by what was done, {2} %.",
        f"{orders:,}",
        f"{rescued:,}",
        _percent(rescued / orders if orders else 0.0),
    )


def _than_before(verdict: str, low: float, high: float) -> Sentence:
    if verdict == "not_told":
        return Sentence(MEANS[verdict], _percent(max(0.0, -low)), _percent(max(0.0, high)))
    least, most = sorted((abs(low), abs(high)))
    return Sentence(MEANS[verdict], _percent(least), _percent(most))


def _avoided(units: int, asset: str) -> Sentence:
    word = (
        "Its sends would have cost {0} {1} less in fees."
        if units >= 0
        else "Its sends would have cost {0} {1} more in fees."
    )
    return Sentence(word, _money(abs(units), asset), asset)


def _at_cost(report: Mapping[str, Any], assets: Sequence[str]) -> list[Sentence]:
    """What the fees rest on."""
    cost = report.get("sendCost", ENGINE_2.send_units)
    word = "That rests on an assumed cost of {0} {1} a send; your processor’s fees may differ."
    return [Sentence(word, _money(cost, asset), asset) for asset in assets]


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _money(units: int, asset: str, *, sign: bool = False) -> str:
    lead = "-" if units < 0 else "+" if sign else ""
    return f"{lead}{apart(shown(abs(units), asset if asset in EXPONENTS else 'USD'))}"


def label(by: str, name: str) -> str | Sentence:
    """Of a group; a band of amounts is `USD/1299/2499` in minor units."""
    parts = name.split("/")
    if by == "class":
        return CLASSES.get(name, name or "Others")
    if by == "amount" and len(parts) == 3 and parts[0] in EXPONENTS:  # noqa: PLR2004
        asset, low, high = parts[0], int(parts[1]), int(parts[2])
        if low and high:
            return Sentence("{0} {1} to {2}", asset, shown(low, asset), shown(high, asset))
        if low:
            return Sentence("{0} above {1}", asset, shown(low, asset))
        return Sentence("{0} up to {1}", asset, shown(high, asset)) if high else asset
    return name or "Others"


PLACE: Final = "/backtests"
SIZE: Final = 50
IMPORTS: Final = 25
VERSIONS: Final = 25
SPANS: Final = (30, 90, 180, 365)


@member.page(PLACE, "backtests/backtests.html", menu=Entry("Insight", 3, "Back-tests", "rewind"))
async def backtests(visit: Visit) -> Values:
    rows = await list_backtests(visit.world.db.reader, visit.merchant_id, None, LISTED)
    imports = await list_imports(visit.world.db.reader, visit.merchant_id, None, IMPORTS)
    where = await where_of(visit.world, visit.merchant_id)
    return dict(
        rows=[(row, question_of(row.question)) for row in rows],
        files=await _files(visit, rows),
        who=await names_of_actors(visit, [row.requested_by for row in rows]),
        versions=await read_versions(visit.world, where, None, VERSIONS),
        imports=[one for one in imports if one.finished_at is not None],
        deciders=list(POLICIES),
        days=DAYS,
        typed=read_again(post_backtest, visit.typed),
        may=visit.may("switch", or_operator=True),
    )


async def _files(visit: Visit, rows: Sequence[BacktestRow]) -> dict[UUID, str]:
    """Name of the file by its import's id."""
    ids = [one for row in rows if (one := question_of(row.question).import_id) is not None]
    named = await import_names(visit.world.db.reader, visit.merchant_id, ids)
    return {one.import_id: one.file_name for one in named}


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
    """`decider`: empty for whoever decides now. `version`: empty for the policies that held at the time. `source`: an
    import; empty for the merchant's own orders."""
    wanted = int(days) if days.isascii() and days.isdigit() else DAYS
    request = BacktestRequest(
        decider,
        int(version) if version.isascii() and version.isdigit() else None,
        days=min(DAYS_MAX, max(DAYS_MIN, wanted)),
        import_id=_import(source),
    )
    row = await ask(visit.world, asking(visit), await question_for(visit.world, visit.merchant_id, request))
    return redirect(f"{PLACE}/{row.backtest_id}")


def _import(text: str) -> UUID | None:
    found = parse_id(text) if text else None
    if text and found is None:
        raise Problem("not_found", "There is no such import.", cure="Look at the list of imports.")
    return found


_NONE: Final = Problem("not_found", "There is no such back-test.", cure="Look at the list of back-tests.")
_find: Final = found_by("backtest_id", _NONE, read_backtest)


@member.page("/backtests/{backtest_id}", "backtests/backtest.html")
async def backtest_page(visit: Visit) -> Values:
    row = await _find(visit)
    text = visit.request.query_params.get("after", "")
    first = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0  # noqa: PLR2004
    found = await backtest_payments(visit.world.db.reader, visit.merchant_id, row.backtest_id, first, SIZE + 1)
    return shown_values(row) | dict(
        payments=[_payment(one.payment) for one in found[:SIZE]],
        first=first,
        next=found[SIZE].place if len(found) > SIZE else None,
        who=await names_of_actors(visit, [row.requested_by]),
        files=await _files(visit, [row]),
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
        days_earlier=days_earlier,
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
