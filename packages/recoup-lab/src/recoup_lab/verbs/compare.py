"""`recoup lab compare`: plays retry policies against worlds: what each recovers at the same number
of sends."""

import json
import tomllib
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from recoup.kernel.problem import Problem
from recoup.kernel.spread import cores
from recoup_lab.compare.catalogue import CATALOGUE
from recoup_lab.compare.compare import compare
from recoup_lab.compare.job import Options
from recoup_lab.compare.report import as_dict, show
from recoup_lab.compare.source import OurWorlds, program_worlds
from recoup_lab.plug.program import ANSWER_SECONDS
from recoup_lab.world.parameter_file import read
from recoup_lab.world.port import WorldBroke

SENDS_MAX, LEVELS_MAX, SEEDS_MAX, PROCESSES_MAX = 30.0, 10, 1_000, 64
POLICY_BYTES_MAX: Final = 1_000_000
WIDTH_LEAST: Final = 140
_file = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("compare")
@click.option(
    "--world", "file", type=_file, help="TOML file that overrides parameters of the base world."
)
@click.option(
    "--world-command",
    "command",
    help="Command that runs a world; {seed} in it is replaced by the seed.",
)
@click.option(
    "--world-seconds",
    "seconds",
    type=click.FloatRange(0.1, 3600),
    default=ANSWER_SECONDS,
    show_default=True,
    help="Time limit for each answer of that program, in seconds.",
)
@click.option(
    "--arms",
    metavar="NAMES",
    help=f"Policies to compare, separated by commas: {', '.join(CATALOGUE)}; default: all that the "
    f"world allows.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, SEEDS_MAX),
    default=1,
    show_default=True,
    help="Number of worlds; each has a seed of its own.",
)
@click.option(
    "--sends",
    default="1.5,3,6",
    show_default=True,
    help="Mean numbers of sends per declined order at which policies are compared.",
)
@click.option("--policy", type=_file, help="Policy file, TOML or JSON, for arms that take one.")
@click.option(
    "--explore", type=click.FloatRange(0, 1), help="Share of decisions made at random, to explore."
)
@click.option(
    "--holdout",
    type=click.FloatRange(0, 1),
    help="Share of customers who keep the schedule retry-2.",
)
@click.option(
    "--log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for all decisions, as JSON lines.",
)
@click.option(
    "--processes",
    type=click.IntRange(1, PROCESSES_MAX),
    default=cores,
    help="Parallel processes; default: the number of cores.",
)
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
def verb(
    file: Path | None,
    command: str | None,
    seconds: float,
    arms: str | None,
    seeds: int,
    sends: str,
    policy: Path | None,
    explore: float | None,
    holdout: float | None,
    log: Path | None,
    processes: int,
    as_json: bool,
) -> None:
    """Compares retry policies in the same worlds. The last line is a hash; the same seeds give the
    same hash."""
    if file is not None and command is not None:
        raise Problem(
            "invalid",
            "A world is either a file of parameters or a program.",
            field="--world-command",
            cure="Leave --world or --world-command out.",
        )
    source = OurWorlds(file) if command is None else program_worlds(command, seeds, seconds)
    first = read(file).world.seed if command is None else 1
    names = None if arms is None else [part.strip() for part in arms.split(",") if part.strip()]
    options = Options(sends_of(sends), policy_of(policy), explore, holdout)
    console = Console(stderr=True)
    try:
        with console.status("compare") as status:
            found = compare(
                source,
                range(first, first + seeds),
                names,
                options,
                processes=processes,
                log=log,
                tell=lambda now: status.update(f"compare: {now}"),
            )
    except WorldBroke as broke:
        raise Problem("bad_gateway", str(broke)) from None
    if as_json:
        click.echo(json.dumps(as_dict(found)))
    else:
        out = Console()
        show(found, out if out.is_terminal else Console(width=WIDTH_LEAST))


def sends_of(text: str) -> tuple[float, ...]:
    """Raises: Problem(invalid)."""
    try:
        sends = tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError:
        sends = ()
    if not 1 <= len(sends) <= LEVELS_MAX or not all(0 < send <= SENDS_MAX for send in sends):
        cure = f"Write up to {LEVELS_MAX} numbers above 0 and up to {SENDS_MAX:g}, like 1.5,3,6."
        raise Problem(
            "invalid",
            f"{text[:80]!r} is not a list of mean numbers of sends.",
            field="--sends",
            cure=cure,
        )
    return sends


def policy_of(file: Path | None) -> dict[str, Any] | None:
    """Raises: Problem(invalid)."""
    if file is None:
        return None
    try:
        if file.stat().st_size > POLICY_BYTES_MAX:
            raise ValueError(f"it has more than {POLICY_BYTES_MAX:,} bytes")
        text = file.read_text("utf-8")
        found = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise Problem(
            "invalid",
            f"The policy {file} cannot be read: {error}.",
            field="--policy",
            cure="Name a TOML file, or a JSON file that ends in .json.",
        ) from None
    if not isinstance(found, dict):
        raise Problem(
            "invalid",
            f"The policy {file} is not an object.",
            field="--policy",
            cure="Write { … } around it.",
        )
    return found
