"""`recoup policy`: retry policies as versions, kept as TOML files; see docs/engine.md."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import click
from msgspec import Meta

from recoup.backtest.cli.backtest_summary import summary
from recoup.backtest.flows.before_saving import finish, go_back_tried, save_tried, try_policy
from recoup.backtest.flows.bounds import AtMerchants
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Scope
from recoup.kernel.time import iso, of_these_days
from recoup.kernel.unseen import shown_by_number
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import SHOWN, Option, Parsed, id_of
from recoup.merchants.cli import MERCHANT_HELP, MERCHANT_ID, OPERATOR, Opened, Run, verb
from recoup.policies.rules.diff import LineDiff, diff
from recoup.policies.rules.file import BYTES_MAX, line_number, parsed, written
from recoup.policies.rules.in_force import Part
from recoup.policies.rules.terms import NOTHING_SET
from recoup.policies.store.policies import PolicyVersion
from recoup.policy_versions.flows import policies
from recoup.policy_versions.flows.policies import Checked, Standing
from recoup.policy_versions.flows.policy_scopes import Where, where_of


def summary_of_bounds(bounds: AtMerchants) -> list[str]:
    """Merchant by merchant."""
    if not bounds.tried:
        return [
            "back-test   no merchant under these bounds has orders of the last days whose "
            "decisions are kept"
        ]
    text = []
    if len(bounds.tried) < bounds.of:
        text.append(
            f"back-test   of the {len(bounds.tried)} merchants with the most orders, of "
            f"{bounds.of:,}"
        )
    for merchant in bounds.tried:
        text.append(f"merchant    {shown_by_number(merchant.name)}")
        text += (
            summary(merchant.row)
            if merchant.row is not None
            else ["back-test   several wait for their figures already"]
        )
    return text


PolicyFile = Annotated[
    Path, click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
]
VersionNumber = Annotated[int | None, Meta(ge=1)]
Why = Annotated[str, "Reason, kept with the version."]
BackTested = Annotated[
    bool,
    SHOWN,
    Option(
        "Whether it is asked what the policy would have rescued of the last 90 days.",
        "--backtest/--no-backtest",
    ),
]


@dataclass(frozen=True, slots=True)
class Place:
    """Whose policy is meant."""

    merchant: Annotated[UUID | None, MERCHANT_ID, MERCHANT_HELP] = None
    operator: Annotated[bool, "Bounds of all merchants."] = False
    partner: Annotated[
        UUID | None,
        id_of("is no id of a partner.", "partner"),
        "Bounds of a partner's merchants, by the partner's id.",
    ] = None
    site: Annotated[
        UUID | None, id_of("is no id of a site.", "site"), "Of one site, by its id."
    ] = None
    campaign: Annotated[
        UUID | None, id_of("is no id of a campaign.", "campaign"), "Of one campaign, by its id."
    ] = None

    async def at(self, opened: Opened) -> Opened:
        """The same in the cell that has it."""
        if self.operator or self.partner is not None:
            return opened
        return await opened.at(str(self.merchant or opened.merchant_id))

    async def where(self, opened: Opened) -> Where:
        """Raises: Problem(invalid)."""
        named = self.operator, self.partner, self.merchant or self.site or self.campaign
        if sum(map(bool, named)) > 1:
            raise Problem("invalid", "These options exclude each other.", cure="Name one scope.")
        if self.operator:
            return await where_of(opened.world)
        if self.partner is not None:
            return await where_of(opened.world, partner_id=self.partner)
        merchant_id = self.merchant or opened.merchant_id
        return await where_of(
            opened.world, merchant_id, site_id=self.site, campaign_id=self.campaign
        )


def _moment(text: str) -> datetime:
    """Raises: Problem(invalid)."""
    try:
        given = datetime.fromisoformat(text)
        moment = of_these_days(given) if given.tzinfo is not None else None
    except ValueError:
        moment = None
    if moment is None:
        raise invalid(f"{text[:40]!r} is no moment.", "from", "Write 2026-12-01T00:00:00+00:00.")
    return moment


@click.group()
def policy() -> None:
    """Shows, checks and sets retry policies: when declined payments may be tried again, as
    versions."""


@verb(policy, json="Output as one JSON object.")
async def show(
    opened: Opened,
    *,
    place: Place,
    version: Annotated[VersionNumber, "An earlier version."] = None,
    versions: Annotated[bool, "Lists the versions, the newest first."] = False,
) -> Printed:
    """Shows the policy as a TOML file, who saved it, when and why,
    and the bounds that it lies in."""
    opened = await place.at(opened)
    where = await place.where(opened)
    standing = await policies.read_standing(opened.world, where)
    if version is not None:
        rows = [await policies.read_version(opened.world, where, version)]
    else:
        limit = policies.PAGE_MAX if versions else 1
        rows = await policies.read_versions(opened.world, where, None, limit)
    lines = [_line(row) for row in rows] or ["No policy was set."]
    if not versions:
        lines = _shown(standing, rows[0] if rows else None)
    return Printed({"version": standing.number, "versions": [_dict(row) for row in rows]}, lines)


@verb(policy)
def check(run: Run, file: PolicyFile, *, place: Place, back_test: BackTested = True) -> list[str]:
    """Says whether the policy in FILE could be saved: which line, why not, and the nearest that
    could; and what it would have rescued of the last 90 days."""
    text = _read(file)
    checked, figures = run(lambda opened: _tried(opened, place, text, back_test=back_test))
    if checked.complaints:
        raise _with_lines(text, policies.refused(checked))
    return ["The policy can be saved.", _changes(checked.changes), *figures]


async def _tried(
    opened: Opened, place: Place, text: str, *, back_test: bool
) -> tuple[Checked, list[str]]:
    """Tries a policy, with the lines of its back-test, for whose figures the command waits."""
    opened = await place.at(opened)
    world, where = opened.world, await place.where(opened)
    if not back_test:
        return await policies.check_policy(world, where, parsed(text)), []
    tried = await finish(world, where, await try_policy(world, _scope(where), where, parsed(text)))
    if tried.backtest is not None:
        return tried.checked, summary(tried.backtest)
    return tried.checked, summary_of_bounds(tried.bounds) if tried.bounds is not None else []


@verb(policy, "diff")
async def diff_verb(
    opened: Opened,
    file: PolicyFile | None = None,
    *,
    place: Place,
    from_: Annotated[VersionNumber, "An earlier version; default: the one before the last."] = None,
) -> str:
    """Shows what FILE, or the newest version, says otherwise than an earlier one."""
    plain = parsed(_read(file)) if file is not None else None
    opened = await place.at(opened)
    where = await place.where(opened)
    standing = await policies.read_standing(opened.world, where)
    number = from_ or (standing.number if plain is not None else standing.number - 1)
    old = NOTHING_SET
    if number > 0:
        old = (await policies.read_version(opened.world, where, number)).terms
    new = standing.terms
    if plain is not None:
        new = (await policies.check_policy(opened.world, where, plain)).terms
    return _changes(diff(old, new))


@verb(policy, "set")
def set_verb(
    run: Run,
    file: PolicyFile,
    *,
    place: Place,
    back_test: BackTested = True,
    why: Why,
    from_: Annotated[
        datetime | None,
        Parsed(_moment),
        "Business time from which it holds, ISO 8601. Default: at once.",
    ] = None,
    seen: Annotated[
        int | None,
        Meta(ge=0),
        "Version that you have seen last: another one since is refused.",
    ] = None,
) -> str:
    """Saves the policy in FILE as a new version; FILE says all of it. What it would have rescued is
    said first."""
    text = _read(file)

    async def work(opened: Opened) -> PolicyVersion:
        opened = await place.at(opened)
        where, content = await place.where(opened), parsed(text)
        return await save_tried(
            opened.world, _scope(where), where, content, why, seen=seen, from_at=from_
        )

    try:
        if back_test:
            for line in run(lambda opened: _tried(opened, place, text, back_test=True))[1]:
                click.echo(line)
        return _line(run(work))
    except Problem as problem:
        raise _with_lines(text, problem) from None


@verb(policy)
async def back(
    opened: Opened,
    *,
    place: Place,
    why: Why,
    to: Annotated[
        VersionNumber, "Version to return to; default: the one before the newest."
    ] = None,
) -> str:
    """Returns to the version before: its content becomes a new version."""
    opened = await place.at(opened)
    where = await place.where(opened)
    return _line(await go_back_tried(opened.world, _scope(where), where, why, to=to))


def _scope(where: Where) -> Scope:
    return Scope(where.merchant_id or UUID(int=0), OPERATOR, "policy")


def _read(file: Path) -> str:
    with click.open_file(str(file), "rb") as content:
        raw: bytes = content.read(BYTES_MAX + 1)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise invalid("The file is not UTF-8.", "policy") from None


def _with_lines(text: str, problem: Problem) -> Problem:
    """Adds to a problem the lines of the file, and the nearest policy that could be saved."""
    complaints = problem.facts.get("complaints")
    if problem.code != "invalid" or not complaints:
        return problem
    lines = []
    for complaint in complaints:
        number = line_number(text, complaint.line)
        lines.append(f"{f'line {number}, ' if number else ''}{complaint.line}: {complaint.why}")
    could = written(problem.facts["nearest"], "the nearest that could be saved").rstrip()
    return Problem(
        "invalid", "\n".join(["The policy cannot be saved.", *lines]), cure=f"\n\n{could}"
    )


def _shown(standing: Standing, version: PolicyVersion | None) -> list[str]:
    lines = [
        f"# {part.name} bounds: {_lines(part.terms.lines())}" for part in _bounds(standing)
    ] + _clips(standing)
    if version is None:
        return [*lines, "# No policy was set."]
    return [*lines, written(version.terms, _line(version)).removesuffix("\n")]


def _bounds(standing: Standing) -> Sequence[Part]:
    return standing.wider.parts if standing.wider is not None else ()


def _clips(standing: Standing) -> list[str]:
    left, by = standing.clipped
    return [
        f"# {change.line} is wider than its bound, which wins: {change.before or '-'} -> "
        f"{change.after or 'nothing'}"
        f" ({', '.join(by[change.line])})"
        for change in diff(standing.terms, left)
    ]


def _lines(lines: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in lines.items()) or "nothing"


def _line(version: PolicyVersion) -> str:
    return (
        f"version {version.number} of the {version.scope}, by {version.author}, from "
        f"{iso(version.from_at)}:"
        f" {version.reason}"
    )


def _dict(version: PolicyVersion) -> dict[str, Any]:
    return {
        "scope": version.scope,
        "subject": version.subject_id,
        "number": version.number,
        "policy": version.content,
        **picked(version, "reason", "author"),
        "from": version.from_at,
        "saved_at": version.saved_at,
    }


def _changes(changes: Sequence[LineDiff]) -> str:
    return (
        "\n".join(
            f"{change.line}: {change.before or '-'} -> {change.after or '-'}" for change in changes
        )
        or "No line differs."
    )
