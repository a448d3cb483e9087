"""`recoup learn risk`: the risk check's weights from this installation's outcomes; see docs/risk-and-advances.md."""

import json
from typing import Any, Final

import click
from msgspec.structs import asdict

from recoup.doors.command.verbs import Run, in_world
from recoup.flows.insight.learn_risk import RiskTraining, learn_risk
from recoup.flows.risk_versions import risk_versions, use_risk_version
from recoup.kernel.scope import Actor
from recoup.kernel.time import iso
from recoup.store.insight.risk_weights import RiskVersion

OPERATOR: Final = Actor("operator", "command")
json_option = click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")


@click.group("risk", invoke_without_command=True)
@click.option("--dry-run", is_flag=True, help="Learns and compares; stores and changes nothing.")
@click.option("--candidate", is_flag=True, help="Stores weights that are no worse, without using them.")
@json_option
@in_world
@click.pass_context
def risk_verb(context: click.Context, run: Run, dry_run: bool, candidate: bool, as_json: bool) -> None:
    """Learns the weights of the risk check from what became of payments.

    The most recent part of the data is held out. The new weights are used only if they are no worse there than
    those in use. Without a subcommand, `recoup learn risk` learns.
    """
    if context.invoked_subcommand is not None:
        return
    found = run(lambda opened: learn_risk(opened.world, OPERATOR, dry_run=dry_run, candidate=candidate))
    click.echo(json.dumps(training_dict(found)) if as_json else training_text(found, dry_run))


@risk_verb.command("list")
@json_option
@in_world
def list_verb(run: Run, as_json: bool) -> None:
    """Shows the versions, the newest first. The newest that is used decides."""
    rows = run(lambda opened: risk_versions(opened.world))
    click.echo(json.dumps({"versions": [version_dict(row) for row in rows]}) if as_json else versions_text(rows))


@risk_verb.command("use")
@click.argument("version", type=click.IntRange(0))
@in_world
def use_verb(run: Run, version: int) -> None:
    """Uses the weights of a version again. 0: those that come with Recoup."""
    row = run(lambda opened: use_risk_version(opened.world, version, OPERATOR))
    click.echo(f"{row.name} is now in use, as version {row.version_no}.")


def training_text(found: RiskTraining, dry_run: bool) -> str:
    lines = [f"read        {found.payments:,} payments, {found.frauds:,} of them fraud, {found.merchants:,} owners"]
    if found.weights is None or found.trial is None:
        return "\n".join([*lines, "result      not enough data; nothing was changed.", f"missing     {found.missing}"])
    trial = found.trial
    lines += [
        f"weights     {found.weights.version}",
        f"held out    {trial.held_payments:,} payments, {trial.held_frauds:,} of them fraud, from "
        f"{iso(trial.held_from)[:10]} on",
        f"score       {trial.score:.5f}, {trial.compared_with} {trial.compared_score:.5f} (log loss, lower is better)",
        *([f"note        {found.note}"] if found.note else []),
    ]
    return "\n".join([*lines, f"result      {_result(found, dry_run)}"])


def _result(found: RiskTraining, dry_run: bool) -> str:
    assert found.trial is not None
    if found.used:
        return f"no worse, and now in use as version {found.version}."
    verdict = "no worse" if found.trial.no_worse else "worse"
    if dry_run:
        return f"{verdict}; this was a dry run, nothing was changed."
    return f"{verdict}; stored as version {found.version}, not in use." if found.version else "nothing was changed."


def training_dict(found: RiskTraining) -> dict[str, Any]:
    trial, weights = found.trial, found.weights
    return {
        "payments": found.payments,
        "frauds": found.frauds,
        "merchants": found.merchants,
        "missing": found.missing,
        "weights": {"name": weights.version, "base": weights.base, "terms": dict(weights.terms)} if weights else None,
        "held_from": iso(trial.held_from) if trial else None,
        "held_payments": trial.held_payments if trial else None,
        "held_frauds": trial.held_frauds if trial else None,
        "score": trial.score if trial else None,
        "compared_with": trial.compared_with if trial else None,
        "compared_score": trial.compared_score if trial else None,
        "note": found.note,
        "version": found.version,
        "used": found.used,
    }


def version_dict(row: RiskVersion) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(row).items()}


def versions_text(rows: list[RiskVersion]) -> str:
    if not rows:
        return "Nothing was learned yet: the weights that come with Recoup decide."
    in_use = next((row.version_no for row in rows if row.used), 0)
    lines = [
        f"{'version':>7} {'weights':17} {'state':8} {'payments':>10} {'frauds':>7} {'score':>8} {'against':>8}  made"
    ]
    for row in rows:
        score, against = (f"{one:.5f}" if one is not None else "-" for one in (row.score, row.compared_score))
        state = "in use" if row.version_no == in_use else "retired" if row.used else "unused"
        lines.append(
            f"{row.version_no:>7} {row.name:17} {state:8} {row.payments:>10,} {row.frauds:>7,} {score:>8} "
            f"{against:>8}  {iso(row.made_at)} {row.made_by}"
        )
    return "\n".join(lines)
