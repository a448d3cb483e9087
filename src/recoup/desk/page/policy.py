"""/policy: when declined payments may be tried again, of the whole shop, a site or a campaign, as
versions; and what operator and partner bound that by. /partner/policy: a partner's bounds."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from recoup.backtest.flows.before_saving import Tried, go_back_tried, save_tried, try_policy
from recoup.backtest.flows.bounds import AtMerchants
from recoup.backtest.page import shown_values
from recoup.backtest.store import saved_backtests
from recoup.desk.page import policy_whose as whose
from recoup.kernel.frozen import frozen
from recoup.kernel.problem import Problem, Sentence
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import done_of, redirect, with_done
from recoup.people.page.form_shape import Names, Text
from recoup.people.page.menu import Entry, at_merchant, at_partner
from recoup.people.page.pages import Answer, Values, both, shown
from recoup.people.page.portal_visit import Visit
from recoup.policies.rules.diff import diff
from recoup.policies.rules.policy import CURRENT, ENGINE_2, Group
from recoup.policies.rules.terms import ATTRIBUTES, NOTHING_SET, PolicyTerms
from recoup.policies.rules.typed import plain_of, texts_of
from recoup.policies.rules.words import CLIPS
from recoup.policy_versions.flows import policies
from recoup.policy_versions.flows.policies import Checked, Standing
from recoup.policy_versions.flows.policy_scopes import Where

VERSIONS_SHOWN: Final = 10


class Field(NamedTuple):
    """`default`: what applies while the line is not set. `example`: how it is written, where that
    is not plain."""

    name: str
    default: str | Sentence
    example: str = ""


_ANY: Final = "any"
_BY_SETTING: Final = "as set on the Rescue engine page"
_NONE: Final = "no limit"


def _attempts(group: Group) -> str:
    return str(CURRENT.schedules[group].tries_max)


_EITHER: Final = Sentence("{0}; the engine {1}", CURRENT.sends_max, ENGINE_2.sends_max)
FIELDS: Final[Mapping[str, Field]] = {
    "tries.all": Field("Max attempts per order", _EITHER),
    "tries.technical": Field("After a technical failure", _attempts("technical")),
    "tries.soft": Field("After a general decline", _attempts("soft")),
    "tries.funds": Field("After insufficient funds", _attempts("funds")),
    "tries.limits": Field("After a card limit", _attempts("limits")),
    "when.hours": Field("Retry hours (cardholder’s local time)", _ANY, "07:00-22:00"),
    "when.days": Field("Retry days (cardholder’s local time)", _ANY, "mon, fri"),
    "when.gap": Field("Minimum interval between attempts", "by the kind of decline", "6h"),
    "when.last": Field("Retry window, days after the decline", "until the order expires", "27"),
    "amounts.min": Field("Smallest amount", _ANY, "5.00 USD; 4.50 EUR"),
    "amounts.max": Field("Largest amount", _ANY, "500.00 USD; 450.00 EUR"),
    "codes.never": Field("Do-not-retry codes", "hard declines only", "14, 54"),
    "routes.only": Field("Only these processors", _ANY),
    "budget.sends": Field("Monthly attempt limit", _NONE),
    "cost.send": Field("Cost per attempt, in the smallest unit", str(ENGINE_2.send_units)),
    "cost.harm": Field("Further cost per attempt, % of the amount", "0", "0.5"),
    "engine.share": Field("Engine traffic at most, %", _BY_SETTING),
    "engine.explore": Field("Exploration at most, %", _BY_SETTING),
}
GROUPS: Final = (
    ("How often", ("tries.all", "tries.technical", "tries.soft", "tries.funds", "tries.limits")),
    ("When", ("when.hours", "when.days", "when.gap", "when.last")),
    ("What", ("amounts.min", "amounts.max", "codes.never", "routes.only")),
    ("Cost and the engine",
    ("budget.sends", "cost.send", "cost.harm", "engine.share", "engine.explore")),
)  # fmt: skip
LINKS: Final = {
    "": "Default: none", "off": "None", "last": "Once no attempt is planned",
    "beside": "Alongside the engine’s attempts",
}  # fmt: skip
ARMS: Final = {
    "": "Merchant setting", "off": "The fixed schedule", "shadow": "The fixed schedule, with the "
                                                                   "engine in shadow mode",
    "share": "The engine, for its share of the customers",
}  # fmt: skip
# lines with few values -> what each is called
SELECTS: Final = {
    "engine.arm": ("Allowed decision mode", ARMS),
    "link": ("Payment link by e-mail", LINKS),
}
BOUNDS: Final[Mapping[str, str]] = {
    "operator": "Operator’s bound: {0}",
    "partner": "Partner’s bound: {0}",
    "merchant": "Merchant’s policy: {0}",
    "site": "Site’s policy: {0}",
}
NAMES: Final[Mapping[str, str]] = {
    "off": "Pause retries",
    **{line: name for line, (name, _) in SELECTS.items()},
    **{line: field.name for line, field in FIELDS.items()},
}


@both.page(
    whose.PLACE,
    "desk/policy.html",
    menu=(
        Entry("Partner", 6, "Retry bounds", "note", whose.OF_PARTNER, sees=at_partner),
        Entry("Settings", 3, "Retry policy", "note", sees=at_merchant),
    ),
)
async def policy(visit: AnyVisit) -> Values:
    query = visit.request.query_params
    return await _values(
        visit,
        await whose.where_of(
            visit, whose.Named(*(query.get(name, "") for name in whose.Named._fields))
        ),
    )


async def _values(visit: AnyVisit, where: Where) -> Values:
    standing = await policies.read_standing(visit.world, where)
    rows = await policies.read_versions(visit.world, where, None, VERSIONS_SHOWN + 1)
    older = [row.terms for row in rows[1:]] + (
        [NOTHING_SET] if rows and rows[-1].number == 1 else []
    )
    listed = [
        dict(version=row, changes=_changes(before, row.terms))
        for row, before in zip(rows, older, strict=False)
    ]
    return dict(
        where=where,
        saved=done_of(visit.session, visit.request) == "saved",
        whose=where.name or (visit.known.merchant.name if visit.known is not None else ""),
        standing=standing,
        texts=texts_of(standing.terms),
        number=standing.number,
        reason="",
        versions=listed[:VERSIONS_SHOWN],
        who=await whose.authors(visit, [row.author for row in rows]),
        bounds=_bounds(standing),
        clips=_clips(standing),
        place=whose.PLACE if isinstance(visit, Visit) else whose.OF_PARTNER,
        named=whose.named_by(visit, where)._asdict(),
        choices=await whose.choices(visit, where),
        fields=FIELDS,
        groups=GROUPS,
        selects=SELECTS,
        why={},
        checked=None,
        tested=None,
        bounded=None,
        tests=await _tests(visit, where),
        could={},
        names=NAMES,
        may=whose.may(visit),
    )


async def _tests(visit: AnyVisit, where: Where) -> dict[int, UUID]:
    """The back-test of each version, as far as it is kept."""
    if where.merchant_id is None:
        return {}
    rows = await saved_backtests(visit.world.db.reader, where.merchant_id)
    here = where.scope, str(where.subject_id)
    return {row.saved_as: row.backtest_id for row in rows if (row.scope, row.subject) == here}


def _changes(before: PolicyTerms, after: PolicyTerms) -> list[Values]:
    """Each line as the form calls it and writes its value; empty: not set."""
    old, new = texts_of(before), texts_of(after)
    return [
        dict(name=NAMES[change.line], before=old[change.line], after=new[change.line])
        for change in diff(before, after)
    ]


def _bounds(standing: Standing) -> dict[str, list[Sentence]]:
    """Bounds that the wider policies set, by line, the widest first."""
    bounds: dict[str, list[Sentence]] = {}
    for part in standing.wider.parts if standing.wider is not None else ():
        for line, text in texts_of(part.terms).items():
            if text:
                bounds.setdefault(line, []).append(Sentence(BOUNDS[part.scope], text))
    return bounds


def _clips(standing: Standing) -> list[tuple[Values, list[str]]]:
    """The lines that became wider than a bound, with whose bounds these are."""
    left, by = standing.clipped
    lines = [change.line for change in diff(standing.terms, left)]
    changes = _changes(standing.terms, left)
    return [
        (change, [CLIPS[scope] for scope in by[line]])
        for line, change in zip(lines, changes, strict=True)
    ]


@frozen
class PolicyForm:
    """`site`, `campaign`, `bounds`: as `Named`. `lines`: texts by line. `seen`: the number of the
    version that the page showed."""

    site: str
    campaign: str
    bounds: str
    seen: str
    reason: Annotated[str, Text(policies.REASON_CHARS_MAX, strip=True)]
    act: str
    lines: Annotated[
        Mapping[str, str], Names(lambda name: name if name in ATTRIBUTES else None)
    ] = field(default_factory=dict)


@policy.post(may=whose.acting, shape=PolicyForm)
async def post_policy(visit: AnyVisit, form: PolicyForm) -> Answer:
    """Checks it, or saves it as a new version."""
    where = await whose.where_of(visit, whose.Named(form.site, form.campaign, form.bounds))
    texts = {line: str(text)[:400] for line, text in form.lines.items()}
    plain = plain_of(texts)
    if form.act != "save":
        tried = await try_policy(visit.world, whose.acting(visit), where, plain)
        return await _again(visit, where, form, texts, tried.checked, tried=tried)
    checked = await policies.check_policy(visit.world, where, plain)
    if not checked.complaints:
        try:
            seen = int(form.seen) if form.seen.isdecimal() and len(form.seen) < 10 else None
            await save_tried(visit.world, whose.acting(visit), where, plain, form.reason, seen=seen)
        except Problem as refusal:
            return await _again(visit, where, form, texts, checked, refusal=refusal)
        whose.forget(visit)
        return redirect(_saved(visit, where))
    return await _again(visit, where, form, texts, checked)


def _saved(visit: AnyVisit, where: Where) -> str:
    """The policy's page, which says so."""
    path, _, query = whose.address_of(visit, where).partition("?")
    return with_done(visit.session, path, "saved") + (f"&{query}" if query else "")


async def _again(
    visit: AnyVisit,
    where: Where,
    form: PolicyForm,
    texts: Mapping[str, str],
    checked: Checked,
    *,
    refusal: Problem | None = None,
    tried: Tried | None = None,
) -> Answer:
    """Shows the form again as typed, with what is wrong about it or what it would change."""
    why: dict[str, list[str]] = {}
    for complaint in checked.complaints:
        why.setdefault(complaint.line, []).append(complaint.why)
    values = await _values(visit, where)
    typed = dict.fromkeys(ATTRIBUTES, "") | dict(texts)
    more = {
        "texts": typed,
        "reason": form.reason,
        "why": why,
        "checked": checked,
        "could": texts_of(checked.nearest),
    }
    more["would_change"] = _changes(values["standing"].terms, checked.terms)
    if tried is not None:
        more["tested"] = shown_values(tried.backtest) if tried.backtest is not None else None
        more["bounded"] = _bounded(tried.bounds) if tried.bounds is not None else None
    problem = refusal or (policies.refused(checked) if checked.complaints else None)
    return shown(problem, **{**values, **more})


def _bounded(bounds: AtMerchants) -> dict[str, Any]:
    rows = [
        (merchant.name, shown_values(merchant.row) if merchant.row is not None else None)
        for merchant in bounds.tried
    ]
    return {"each": rows, "of": bounds.of}


@policy.post("/policy/back", may=whose.acting)
async def post_back(
    visit: AnyVisit,
    *,
    site: str,
    campaign: str,
    bounds: str,
    version: str,
    reason: Annotated[str, Text(policies.REASON_CHARS_MAX, strip=True)],
) -> Answer:
    where = await whose.where_of(visit, whose.Named(site, campaign, bounds))
    to = int(version) if version.isdecimal() and len(version) < 10 else 0  # noqa: PLR2004
    await go_back_tried(visit.world, whose.acting(visit), where, reason, to=to)
    whose.forget(visit)
    return redirect(_saved(visit, where))
