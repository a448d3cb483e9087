"""`recoup backtest [FILE]`: what another policy would have rescued of payments of the past; see docs/backtest.md."""

import json
from pathlib import Path

import click

from recoup.doors.command.backtest_payments import write_payments
from recoup.doors.command.backtest_words import dict_of, text_of
from recoup.doors.command.verbs import Run, in_world
from recoup.kernel.problem import Problem
from recoup.kernel.sentence import Sentence
from recoup.kernel.unseen import shown_by_number
from recoup.rules.backtest.log_file import LINE_BYTES_MAX, LogRead, is_log, read_log
from recoup.rules.backtest.report import judge
from recoup.rules.backtest.target import ScheduleTarget, Target
from recoup.rules.rescue.engine.pricing import ENGINE_1
from recoup.rules.rescue.policy import POLICIES

ENGINE = "engine"
REFUSED_SHOWN = 20


@click.command("backtest")
@click.argument("file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--policy", default=ENGINE, show_default=True, help=f"engine, {', '.join(POLICIES)}.")
@click.option("--play", help="Of a log with several plays: which, like 1/engine/2.")
@click.option(
    "--send-cost",
    type=click.IntRange(0, 1_000_000),
    default=ENGINE_1.send_units,
    show_default=True,
    help="Cost of a send, in minor units.",
)
@click.option(
    "--payments",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for each payment with its plan and why: CSV, or JSON lines if it ends in .jsonl.",
)
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@in_world
def backtest(
    run: Run,
    file: Path | None,
    policy: str,
    play: str | None,
    send_cost: int,
    payments: Path | None,
    as_json: bool,
) -> None:
    """Shows what a policy would have rescued of declined payments of the past, beside what was rescued.

    FILE is a log of `recoup lab compare --log`.
    """
    if file is None:
        raise Problem("invalid", "A file is missing.", field="file", cure="Name a log of `recoup lab compare --log`.")
    read = _of_log(file, policy, play, plans=payments is not None)
    assert read.target is not None
    found = judge(read.target.name, read.orders, send_cost)
    if payments is not None:
        write_payments(payments, read.orders)
    if as_json:
        refused = [{"line": number, "why": why} for number, why in read.refused]
        click.echo(json.dumps(dict_of(found) | {"play": read.play, "plays": read.plays, "refused": refused}))
        return
    text = text_of(found)
    if len(read.plays) > 1:
        text.append(f"play        {read.play}; the file also holds {', '.join(read.plays[1:6])}: --play chooses")
    text += [f"line {number:<7}{shown_by_number(why)}" for number, why in read.refused[:REFUSED_SHOWN]]
    if len(read.refused) > REFUSED_SHOWN:
        text.append(f"refused     {len(read.refused):,} lines in all; --json lists them")
    click.echo("\n".join(text))


def _of_log(file: Path, policy: str, play: str | None, *, plans: bool) -> LogRead:
    with file.open("rb") as content:
        if not is_log(content.readline(LINE_BYTES_MAX)):
            raise Problem(
                "invalid",
                Sentence("{0} is no log of decisions.", file.name),
                field="file",
                cure="Write one with `recoup lab compare --arms engine --explore 0.1 --holdout 0.1 --log FILE`.",
            )
        content.seek(0)
        lines = iter(lambda: content.readline(LINE_BYTES_MAX), b"")
        return read_log(lines, _target(policy), play=play, plans=plans)


def _target(policy: str) -> Target | None:
    """None for the engine that the log names."""
    if policy == ENGINE:
        return None
    if policy not in POLICIES:
        cure = Sentence("Choose from {0}.", ", ".join([ENGINE, *POLICIES]))
        raise Problem("invalid", Sentence("There is no policy {0}.", policy[:60]), field="--policy", cure=cure)
    return ScheduleTarget(POLICIES[policy])
