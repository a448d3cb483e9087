"""`recoup simulate`: on a throw-away database of its own, so that nothing of an installation is
touched."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import uvloop
from rich.console import Console

from recoup.db.connect import connect
from recoup.db.server import EmbeddedServer
from recoup.kernel.problem import Problem
from recoup.main.databases import Databases, prepare
from recoup.main.logs import start_logs
from recoup.main.settings import load_settings
from recoup.outside.keys.keyring import Keyring
from recoup.outside.keys.material import fresh
from recoup_lab.simulate.faults import faults_of
from recoup_lab.simulate.report import as_dict, as_text
from recoup_lab.simulate.run import Simulated, simulate
from recoup_lab.simulate.sim import Plan


@click.command("simulate")
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed gives the same hash."
)
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=30,
    show_default=True,
    help="Days with new orders.",
)
@click.option(
    "--merchants",
    type=click.IntRange(1, 100),
    default=Plan(0).merchants,
    show_default=True,
    help="Number of merchants.",
)
@click.option(
    "--orders",
    type=click.IntRange(1, 1_000_000),
    default=Plan(0).orders,
    show_default=True,
    help="Total number of orders.",
)
@click.option(
    "--faults",
    default="some",
    show_default=True,
    help="Fault rates: none, some, many, or by name: crash=0.01,silent=0.05,…",
)
@click.option("--json", "as_json", is_flag=True, help="Output as one JSON object.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put the database.",
)
def verb(
    seed: int,
    days: int,
    merchants: int,
    orders: int,
    faults: str,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Simulates a seeded month with faults and crashes, verified every day. The last line is its
    hash."""
    plan = Plan(seed, days, merchants, orders, faults_of(faults))
    console = Console(stderr=True)
    start_logs("critical")
    with console.status("simulate") as status:
        done = play(
            load_settings(data_dir=data_dir).data_dir,
            plan,
            lambda now: status.update(f"simulate {now}"),
        )
    click.echo(json.dumps(as_dict(done)) if as_json else f"{as_text(done)}\n{done.hash}")
    if done.wrong:
        again = (
            f"--seed {seed} --days {days} --merchants {merchants} --orders {orders} --faults "
            f"{faults}"
        )
        raise Problem("internal", done.wrong, cure=f"To repeat it: recoup simulate {again}")


def play(data_dir: Path, plan: Plan, tell: Callable[[str], None]) -> Simulated:
    """Plays from the main thread: it starts the database, which ends with the run."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="simulate-", dir=data_dir.resolve()))
    server = EmbeddedServer(folder, durable=False)
    try:
        address = server.start()
        people, sandbox = address.dsn("recoup_people"), address.dsn("recoup_sandbox")
        asyncio.run(prepare(Databases(people, sandbox, address.dsn("postgres"), server)))
        asyncio.run(_turn_autovacuum_off(address.dsn("postgres")))
        return uvloop.run(simulate(sandbox, Keyring(fresh()), plan, tell))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


async def _turn_autovacuum_off(dsn: str) -> None:
    """The server tidies up when the simulation says so, not by the clock on the wall."""
    connection = await connect(dsn)
    try:
        await connection.execute("ALTER SYSTEM SET autovacuum = off")
        await connection.execute("SELECT pg_reload_conf()")
    finally:
        await connection.close()
