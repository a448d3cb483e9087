"""`recoup learn`: trains the rescue engine, and shows, takes and takes back its models; see
docs/engine.md."""

import json
from typing import Annotated, Any, Final

import click
from msgspec import Meta
from msgspec.structs import asdict

from recoup.engine.flows import Drift, drift_of
from recoup.engine.learn.choices import (
    ListedModel,
    ShownModel,
    back,
    last_night,
    listed,
    shown,
    take,
)
from recoup.engine.learn.learn import Training, learn
from recoup.engine.learn.prior import take_prior
from recoup.engine.trial import PLAIN_RATES
from recoup.insight.flows.learn_risk import RiskTraining, learn_risk
from recoup.kernel.time import iso
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import SHOWN
from recoup.merchants.cli import OPERATOR, Opened, verb
from recoup.rescue.store.models import TrainingLine
from recoup.risk.flows.risk_versions import risk_versions, use_risk_version
from recoup.risk.store.risk_weights import RiskVersion

AS_JSON = "Output as one JSON object."
MONTHS, MONTHS_MAX = 18, 60


def risk_training_text(training: RiskTraining, dry_run: bool) -> str:
    lines = [
        f"read        {training.payments:,} payments, {training.frauds:,} of them fraud, "
        f"{training.merchants:,} owners"
    ]
    if training.weights is None or training.trial is None:
        return "\n".join(
            [
                *lines,
                "result      not enough data; nothing was changed.",
                f"missing     {training.missing}",
            ]
        )
    trial = training.trial
    lines += [
        f"weights     {training.weights.version}",
        f"held out    {trial.held_payments:,} payments, {trial.held_frauds:,} of them fraud, from "
        f"{iso(trial.held_from)[:10]} on",
        f"score       {trial.score:.5f}, {trial.compared_with} {trial.compared_score:.5f} (log "
        f"loss, lower is better)",
        *([f"note        {training.note}"] if training.note else []),
    ]
    return "\n".join([*lines, f"result      {_risk_result(training, dry_run)}"])


def _risk_result(training: RiskTraining, dry_run: bool) -> str:
    assert training.trial is not None
    if training.used:
        return f"no worse, and now in use as version {training.version}."
    verdict = "no worse" if training.trial.no_worse else "worse"
    if dry_run:
        return f"{verdict}; this was a dry run, nothing was changed."
    return (
        f"{verdict}; stored as version {training.version}, not in use."
        if training.version
        else "nothing was changed."
    )


_OF_TRIAL: Final = (
    "held_from",
    "held_payments",
    "held_frauds",
    "score",
    "compared_with",
    "compared_score",
)


def risk_training_dict(training: RiskTraining) -> dict[str, Any]:
    trial, weights = training.trial, training.weights
    return {
        **picked(training, "payments", "frauds", "merchants", "missing"),
        "weights": {"name": weights.version, "base": weights.base, "terms": dict(weights.terms)}
        if weights
        else None,
        **{name: getattr(trial, name, None) for name in _OF_TRIAL},
        **picked(training, "note", "version", "used"),
    }


def version_dict(row: RiskVersion) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in asdict(row).items()
    }


def versions_text(rows: list[RiskVersion]) -> str:
    if not rows:
        return "Nothing was learned yet: the weights that come with Recoup decide."
    in_use = next((row.version_no for row in rows if row.used), 0)
    lines = [
        f"{'version':>7} {'weights':17} {'state':8} {'payments':>10} {'frauds':>7} {'score':>8} "
        f"{'against':>8}  made"
    ]
    for row in rows:
        score, against = (
            f"{score:.5f}" if score is not None else "-"
            for score in (row.score, row.compared_score)
        )
        state = "in use" if row.version_no == in_use else "retired" if row.used else "unused"
        lines.append(
            f"{row.version_no:>7} {row.name:17} {state:8} {row.payments:>10,} {row.frauds:>7,} "
            f"{score:>8} "
            f"{against:>8}  {iso(row.made_at)} {row.made_by}"
        )
    return "\n".join(lines)


@verb(json=AS_JSON, name="learn", cls=click.Group, invoke_without_command=True)
async def learn_verb(
    opened: Opened,
    *,
    dry_run: Annotated[bool, "Trains and compares; stores and changes nothing."] = False,
    keep: Annotated[bool, "Also stores a model that is not better, without using it."] = False,
    candidate: Annotated[bool, "Stores a better model, without using it."] = False,
    months: Annotated[
        int, Meta(ge=1, le=MONTHS_MAX), SHOWN, "How far back attempts are read."
    ] = MONTHS,
) -> Printed:
    """Trains the rescue engine on this installation's own attempts.

    The most recent part of the data is held out. The new model is used only if it scores better
    there than the one in use. Without a subcommand, `recoup learn` trains.
    """
    training = await learn(
        opened.world, OPERATOR, months=months, dry_run=dry_run, keep_it=keep, candidate=candidate
    )
    unused = ""
    if training.taken and training.model:
        unused = _unused(await shown(opened.world, training.model.name))
    return Printed(as_dict(training), [as_text(training, dry_run, unused)])


@verb(learn_verb, "risk", json=AS_JSON, cls=click.Group, invoke_without_command=True)
async def risk_verb(
    opened: Opened,
    *,
    dry_run: Annotated[bool, "Learns and compares; stores and changes nothing."] = False,
    candidate: Annotated[bool, "Stores weights that are no worse, without using them."] = False,
) -> Printed:
    """Learns the weights of the risk check from what became of payments.

    The most recent part of the data is held out. The new weights are used only if they are no worse
    there than those in use. Without a subcommand, `recoup learn risk` learns.
    """
    training = await learn_risk(opened.world, OPERATOR, dry_run=dry_run, candidate=candidate)
    return Printed(risk_training_dict(training), [risk_training_text(training, dry_run)])


@verb(risk_verb, "list", json=AS_JSON)
async def list_risk(opened: Opened) -> Printed:
    """Shows the versions, the newest first. The newest that is used decides."""
    rows = await risk_versions(opened.world)
    return Printed({"versions": [version_dict(row) for row in rows]}, [versions_text(rows)])


@verb(risk_verb, "use")
async def use_verb(opened: Opened, version: Annotated[int, Meta(ge=0)]) -> str:
    """Uses the weights of a version again. 0: those that come with Recoup."""
    row = await use_risk_version(opened.world, version, OPERATOR)
    return f"{row.name} is now in use, as version {row.version_no}."


@verb(learn_verb, "list", json=AS_JSON)
async def list_verb(opened: Opened) -> Printed:
    """Shows the models, the newest first, and whether the one in use still fits."""
    rows, taken = await listed(opened.world)
    drift = await drift_of(opened.world, taken) if taken is not None else None
    mode, training = opened.world.policy.training, await last_night(opened.world)
    shown = {
        "models": [model_dict(row) for row in rows],
        "drift": drift and drift_dict(drift),
        "training": mode,
        "last_training": training and asdict(training),
    }
    return Printed(shown, [models_text(rows, drift), training_text(mode, training)])


@verb(learn_verb, "show", json="Its coefficients too, as one JSON object.")
async def show_verb(opened: Opened, name: str) -> Printed:
    """Shows one model: its data, its score, and whether it can be used."""
    row = await shown(opened.world, name)
    return Printed(shown_dict(row), [shown_text(row)])


@verb(learn_verb, "take")
async def take_verb(opened: Opened, name: str) -> str:
    """Puts a stored model into use."""
    await take(opened.world, name, OPERATOR)
    unused = _unused(await shown(opened.world, name))
    return f"{name} is now in use. {unused}`recoup learn back` undoes this."


@verb(learn_verb, "prior")
async def prior_verb(opened: Opened) -> str:
    """Puts the model that comes with Recoup into use, where there is none yet.

    It was trained on simulated customers. `recoup learn` replaces it as soon as a model of your own
    attempts is better on them.
    """
    name = await take_prior(opened.world, OPERATOR)
    if name is None:
        return (
            "Another model was chosen before, or this one today: nothing was changed. See "
            "`recoup learn list`."
        )
    return (
        f"{name} is now in use: it was trained on simulated customers. `recoup learn back` "
        f"undoes this."
    )


@verb(learn_verb, "back")
async def back_verb(opened: Opened) -> str:
    """Returns to the previous model, or to none if there was none."""
    name = await back(opened.world, OPERATOR)
    if not name:
        return "No model is in use now; the fixed schedule applies."
    return f"{name} is in use again. {_unused(await shown(opened.world, name))}".rstrip()


def _unused(row: ShownModel) -> str:
    """The reason why the model decides nothing all the same."""
    if row.damaged:
        return f"But it is not used: {row.damaged} `recoup learn take` chooses another. "
    return f"But it is not used: {row.why_unused} " if row.why_unused else ""


def as_text(training: Training, dry_run: bool, unused: str) -> str:
    lines = [
        f"read        {training.attempts:,} attempts of {training.payers:,} customers, "
        f"{training.merchants:,} merchants"
    ]
    if training.model is None or training.trial is None:
        lines.append("result      not enough data; nothing was changed. Missing:")
        return "\n".join([*lines, *(f"            {line}" for line in training.missing)])
    learned, trial = training.model.learned, training.trial
    lines += [
        f"model       {training.model.name}",
        f"trained on  {learned.data_from} to {learned.data_until}, {learned.attempts:,} attempts",
        f"held out    {trial.held_attempts:,} attempts from {iso(trial.held_from)[:10]} on",
        f"score       {trial.score:.4f}, {trial.compared_with} {trial.compared_score:.4f} (log "
        f"loss, lower is better; "
        f"difference {trial.compared_score - trial.score:+.4f}, standard error "
        f"{trial.score_error:.4f})",
    ]
    if training.note:
        lines.append(f"note        {training.note}")
    return "\n".join([*lines, f"result      {_result(training, dry_run, unused)}"])


def _result(training: Training, dry_run: bool, unused: str) -> str:
    assert training.trial is not None
    if training.taken:
        return f"better, and now in use. {unused}`recoup learn back` undoes this."
    better = training.trial.verdict == "better"
    verdict = "better" if better else f"not better than {_compared(training.trial.compared_with)}"
    if dry_run:
        return f"{verdict}; this was a dry run, nothing was changed."
    if training.kept:
        return f"{verdict}; stored, not in use."
    return f"{verdict}; nothing was changed."


def _compared(name: str) -> str:
    return "the plain rates" if name == PLAIN_RATES else name


def as_dict(training: Training) -> dict[str, Any]:
    trial = training.trial
    return {
        **picked(training, "attempts", "payers", "merchants", "missing"),
        "model": training.model.name if training.model is not None else None,
        "trial": trial.row() | {"verdict": trial.verdict} if trial else None,
        **picked(training, "note", "kept", "taken"),
    }


def model_dict(row: ListedModel) -> dict[str, Any]:
    return picked(row, *ListedModel.__struct_fields__)


def shown_dict(row: ShownModel) -> dict[str, Any]:
    content = json.loads(row.model.to_json()) if row.model is not None else None
    return model_dict(row) | picked(row, "damaged", "why_unused") | {"content": content}


def models_text(rows: list[ListedModel], drift: Drift | None) -> str:
    if not rows:
        return (
            "There is no model yet; `recoup learn` trains one, `recoup learn prior` takes the one "
            "that comes with "
            "Recoup."
        )
    lines = [
        f"{'model':18} {'state':9} {'data until':10} {'attempts':>10} {'score':>7} {'against':>8}  "
        f"made"
    ]
    for row in rows:
        score, against = (
            f"{loss:.4f}" if loss is not None else "-" for loss in (row.score, row.compared_score)
        )
        lines.append(
            f"{row.name:18} {row.state:9} {row.data_until} {row.attempts:>10,} {score:>7} "
            f"{against:>8}  {iso(row.made_at)}"
        )
    return "\n".join([*lines, *([drift_text(drift)] if drift is not None else [])])


def drift_text(drift: Drift) -> str:
    if not drift.tries:
        return f"{drift.model} sent no attempts in the last {drift.days} days."
    verdict = {
        "fits": "It fits.",
        "too_little": "Too few to tell whether it fits.",
        "drifted": "It no longer fits: train a new one with `recoup learn`.",
    }[drift.verdict]
    return (
        f"{drift.model} made {drift.tries:,} attempts in the last {drift.days} days: "
        f"{drift.expected:,.1f} "
        f"approvals were expected, {drift.approved:,} arrived. {verdict}"
    )


def drift_dict(drift: Drift) -> dict[str, Any]:
    return drift._asdict() | {"expected": round(drift.expected, 2)}


def training_text(mode: str, training: TrainingLine | None) -> str:
    sentence = {
        "off": "There is no nightly training here.",
        "candidate": "Nightly training stores a better model.",
        "take": "Nightly training takes a better model.",
    }[mode]
    if training is None:
        return sentence
    text = {
        "taken": "{model} was better, and was taken",
        "candidate": "{model} is better; `recoup learn take` uses it",
        "not_better": "{model} was not better than {compared_with}",
        "too_little": "too little to learn from",
        "failed": "it failed",
    }[training.result].format(**asdict(training))
    return f"{sentence} Last at {iso(training.ended_at)}: {text}. {training.note}".rstrip()


def shown_text(row: ShownModel) -> str:
    lines = [
        f"{row.name}  {row.state}",
        f"  sha256      {row.sha256}, {row.bytes:,} bytes",
        f"  data        {row.data_from} to {row.data_until}, {row.attempts:,} attempts of "
        f"{row.payers:,} customers",
        f"  made        {iso(row.made_at)} by {row.made_by}",
    ]
    if row.model is not None:
        lines.append(f"  made from   {row.model.learned.made_from}")
    if row.compared_with is not None and row.held_from is not None:
        against = f"{_compared(row.compared_with)} {row.compared_score:.4f}"
        lines.append(
            f"  score       {row.score:.4f}, {against}, on {row.held_attempts:,} attempts from "
            f"{iso(row.held_from)[:10]} on"
        )
    if row.taken_at is not None:
        lines.append(f"  in use from {iso(row.taken_at)}")
    if row.damaged:
        lines.append(f"  DAMAGED     {row.damaged} It is not used.")
    elif row.why_unused:
        lines.append(f"  not used    {row.why_unused}")
    return "\n".join(lines)
