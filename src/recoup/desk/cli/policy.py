"""`recoup policy`: retry policies as versions, kept as TOML files; see docs/engine.md."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar
from uuid import UUID

import click

from recoup.backtest.cli.backtest_summary import summary
from recoup.backtest.flows.before_saving import finish, go_back_tried, save_tried, try_policy
from recoup.backtest.flows.bounds import AtMerchants
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem, invalid
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso, of_these_days
from recoup.kernel.unseen import shown_by_number
from recoup.merchants.cli import Opened, Run, in_world, merchant_option
from recoup.policies.rules.diff import LineDiff, diff
from recoup.policies.rules.file import BYTES_MAX, line_number, parsed, written
from recoup.policies.rules.in_force import Part
from recoup.policies.rules.terms import NOTHING_SET
from recoup.policies.store.policies import PolicyVersion
from recoup.policy_versions.flows import policies
from recoup.policy_versions.flows.policies import Checked, Standing
from recoup.policy_versions.flows.policy_scopes import Where, where_of


def summary_of_bounds(found: AtMerchants) -> list[str]:
    """Merchant by merchant."""
    if not found.tried:
        return [
            "back-test   no merchant under these bounds has orders of the last days whose decisions are kept"
        ]
    text = []
    if len(found.tried) < found.of:
        text.append(
            f"back-test   of the {len(found.tried)} merchants with the most orders, of {found.of:,}"
        )
    for one in found.tried:
        text.append(f"merchant    {shown_by_number(one.name)}")
        text += (
            summary(one.row)
            if one.row is not None
            else ["back-test   several wait for their figures already"]
        )
    return text


OPERATOR: Final = Actor("operator", "command")
_F = TypeVar("_F", bound=Callable[..., None])


def _place(verb: _F) -> _F:
    """Adds the options that say whose policy is meant."""
    for option in (
        click.option("--campaign", help="Of one campaign, by its id."),
        click.option("--site", help="Of one site, by its id."),
        click.option("--partner", help="Bounds of a partner's merchants, by the partner's id."),
        click.option("--operator", is_flag=True, help="Bounds of all merchants."),
        merchant_option,
    ):
        verb = option(verb)
    return verb


def _tested(verb: _F) -> _F:
    """Adds the option that says whether it is back-tested."""
    return click.option(
        "--backtest/--no-backtest",
        "back_test",
        default=True,
        show_default=True,
        help="Whether it is asked what the policy would have rescued of the last 90 days.",
    )(verb)


@click.group()
def policy() -> None:
    """Shows, checks and sets retry policies: when declined payments may be tried again, as versions."""


@policy.command()
@_place
@click.option("--version", "number", type=click.IntRange(1), help="An earlier version.")
@click.option("--versions", "listed", is_flag=True, help="Lists the versions, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def show(run: Run, number: int | None, listed: bool, as_json: bool, **place: Any) -> None:
    """Shows the policy as a TOML file, who saved it, when and why, and the bounds that it lies in."""

    async def work(opened: Opened) -> tuple[Standing, list[PolicyVersion]]:
        where = await _where(opened, **place)
        standing = await policies.read_standing(opened.world, where)
        if number is not None:
            return standing, [await policies.read_version(opened.world, where, number)]
        return standing, await policies.read_versions(
            opened.world, where, None, policies.PAGE_MAX if listed else 1
        )

    standing, found = run(work)
    if as_json:
        click.echo(
            json.dumps({"version": standing.number, "versions": [_dict(one) for one in found]})
        )
    elif listed:
        click.echo("\n".join(_line(one) for one in found) or "No policy was set.")
    else:
        click.echo(_shown(standing, found[0] if found else None), nl=False)


@policy.command()
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@_place
@_tested
@in_world
def check(run: Run, file: Path, back_test: bool, **place: Any) -> None:
    """Says whether the policy in FILE could be saved: which line, why not, and the nearest that could; and what it
    would have rescued of the last 90 days."""
    text = _read(file)
    checked, figures = run(lambda opened: _tried(opened, text, back_test=back_test, **place))
    if checked.complaints:
        raise _with_lines(text, policies.refused(checked))
    click.echo("The policy can be saved.")
    click.echo(_changes(checked.changes))
    for line in figures:
        click.echo(line)


async def _tried(
    opened: Opened, text: str, *, back_test: bool, **place: Any
) -> tuple[Checked, list[str]]:
    """Tries a policy, with the lines of its back-test, for whose figures the command waits."""
    world, where = opened.world, await _where(opened, **place)
    if not back_test:
        return await policies.check_policy(world, where, parsed(text)), []
    tried = await finish(world, where, await try_policy(world, _scope(where), where, parsed(text)))
    if tried.backtest is not None:
        return tried.checked, summary(tried.backtest)
    return tried.checked, summary_of_bounds(tried.bounds) if tried.bounds is not None else []


@policy.command("diff")
@click.argument(
    "file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    required=False,
)
@_place
@click.option(
    "--from",
    "before",
    type=click.IntRange(1),
    help="An earlier version; default: the one before the last.",
)
@in_world
def diff_verb(run: Run, file: Path | None, before: int | None, **place: Any) -> None:
    """Shows what FILE, or the newest version, says otherwise than an earlier one."""
    plain = parsed(_read(file)) if file is not None else None

    async def work(opened: Opened) -> Sequence[LineDiff]:
        where = await _where(opened, **place)
        standing = await policies.read_standing(opened.world, where)
        number = before or (standing.number if plain is not None else standing.number - 1)
        old = (
            (await policies.read_version(opened.world, where, number)).terms
            if number > 0
            else NOTHING_SET
        )
        if plain is None:
            return diff(old, standing.terms)
        return diff(old, (await policies.check_policy(opened.world, where, plain)).terms)

    click.echo(_changes(run(work)))


@policy.command("set")
@click.argument(
    "file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True)
)
@_place
@_tested
@click.option("--why", required=True, help="Reason, kept with the version.")
@click.option(
    "--from", "from_at", help="Business time from which it holds, ISO 8601. Default: at once."
)
@click.option(
    "--seen",
    type=click.IntRange(0),
    help="Version that you have seen last: another one since is refused.",
)
@in_world
def set_verb(
    run: Run,
    file: Path,
    back_test: bool,
    why: str,
    from_at: str | None,
    seen: int | None,
    **place: Any,
) -> None:
    """Saves the policy in FILE as a new version; FILE says all of it. What it would have rescued is said first."""
    text = _read(file)
    starts = _moment(from_at)

    async def work(opened: Opened) -> PolicyVersion:
        where = await _where(opened, **place)
        return await save_tried(
            opened.world, _scope(where), where, parsed(text), why, seen=seen, from_at=starts
        )

    try:
        if back_test:
            for line in run(lambda opened: _tried(opened, text, back_test=True, **place))[1]:
                click.echo(line)
        saved = run(work)
    except Problem as problem:
        raise _with_lines(text, problem) from None
    click.echo(_line(saved))


@policy.command()
@_place
@click.option("--why", required=True, help="Reason, kept with the version.")
@click.option(
    "--to", type=click.IntRange(1), help="Version to return to; default: the one before the newest."
)
@in_world
def back(run: Run, why: str, to: int | None, **place: Any) -> None:
    """Returns to the version before: its content becomes a new version."""

    async def work(opened: Opened) -> PolicyVersion:
        where = await _where(opened, **place)
        return await go_back_tried(opened.world, _scope(where), where, why, to=to)

    click.echo(_line(run(work)))


async def _where(
    opened: Opened, operator: bool, partner: str | None, site: str | None, campaign: str | None
) -> Where:
    if sum(map(bool, (operator, partner, opened.merchant or site or campaign))) > 1:
        raise Problem("invalid", "These options exclude each other.", cure="Name one scope.")
    if operator:
        return await where_of(opened.world)
    if partner is not None:
        return await where_of(opened.world, partner_id=_id(partner, "partner"))
    return await where_of(
        opened.world,
        opened.merchant_id,
        site_id=_id(site, "site") if site is not None else None,
        campaign_id=_id(campaign, "campaign") if campaign is not None else None,
    )


def _scope(where: Where) -> Scope:
    return Scope(where.merchant_id or UUID(int=0), OPERATOR, "policy")


def _id(text: str, field: str) -> UUID:
    found = parse_id(text)
    if found is None:
        raise invalid(f"{text[:80]!r} is no id of a {field}.", field)
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        given = datetime.fromisoformat(text)
        found = of_these_days(given) if given.tzinfo is not None else None
    except ValueError:
        found = None
    if found is None:
        raise invalid(f"{text[:40]!r} is no moment.", "from", "Write 2026-12-01T00:00:00+00:00.")
    return found


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


def _shown(standing: Standing, version: PolicyVersion | None) -> str:
    lines = [
        f"# {part.name} bounds: {_lines(part.terms.lines())}" for part in _bounds(standing)
    ] + _clips(standing)
    if version is None:
        return "\n".join([*lines, "# No policy was set.", ""])
    return "\n".join([*lines, written(version.terms, _line(version))])


def _bounds(standing: Standing) -> Sequence[Part]:
    return standing.wider.parts if standing.wider is not None else ()


def _clips(standing: Standing) -> list[str]:
    left, by = standing.clipped
    return [
        f"# {one.line} is wider than its bound, which wins: {one.before or '-'} -> {one.after or 'nothing'}"
        f" ({', '.join(by[one.line])})"
        for one in diff(standing.terms, left)
    ]


def _lines(lines: dict[str, Any]) -> str:
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in lines.items()) or "nothing"


def _line(version: PolicyVersion) -> str:
    return (
        f"version {version.number} of the {version.scope}, by {version.author}, from {iso(version.from_at)}:"
        f" {version.reason}"
    )


def _dict(version: PolicyVersion) -> dict[str, Any]:
    return {
        "scope": version.scope,
        "subject": str(version.subject_id),
        "number": version.number,
        "policy": version.content,
        "reason": version.reason,
        "author": version.author,
        "from": iso(version.from_at),
        "saved_at": iso(version.saved_at),
    }


def _changes(changes: Sequence[LineDiff]) -> str:
    return (
        "\n".join(
            f"{change.line}: {change.before or '-'} -> {change.after or '-'}" for change in changes
        )
        or "No line differs."
    )
