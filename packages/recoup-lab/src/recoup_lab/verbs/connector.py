"""`recoup connector check`: the checks before a stand-in, or a look at the real account."""

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path

import click

from recoup.kernel.extensions import added
from recoup.kernel.problem import Problem
from recoup.main.settings import load_settings
from recoup.merchants.cli import data_dir_option
from recoup.processors.gateways.connector import Finding, is_connector
from recoup.processors.gateways.kinds import KINDS, Connection
from recoup_lab.conformance.run import SUBJECTS, Result, run_checks, subject_of

CALLS_FILE = "connector-calls.json"


@click.group()
def connector() -> None:
    """Checks a connector to a card processor; see docs/contributing/connectors.md."""


@connector.command("check")
@click.argument("name", type=click.Choice([*added(SUBJECTS)]))
@click.option("--json", "as_json", is_flag=True)
@click.option(
    "--real", is_flag=True, help="Look at the vendor's own account instead; needs --key-file."
)
@click.option(
    "--key-file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A test key."
)
@click.option("--account", default="", help="As a route's account, where the vendor needs one.")
@click.option(
    "--calls", is_flag=True, help="Name each call that was never made to the vendor itself."
)
@data_dir_option
def check(
    name: str,
    as_json: bool,
    real: bool,
    key_file: Path | None,
    account: str,
    calls: bool,
    data_dir: Path | None,
) -> None:
    """Runs the checks of a connector before a stand-in on this machine;
    exits with 1 if one fails."""
    kept = Path(load_settings(data_dir=data_dir).data_dir) / CALLS_FILE
    if real:
        _real(name, key_file, account, kept, as_json=as_json)
        return
    results = asyncio.run(_all(name))
    for result in results:
        click.echo(json.dumps(_plain(result)) if as_json else _line(result))
    if calls:
        for call in sorted(
            {call for result in results for call in result.calls} - _made(kept, name)
        ):
            click.echo(
                json.dumps({"never_made": call})
                if as_json
                else f"never made to {name} itself: {call}"
            )
    if any(result.state == "failed" for result in results):
        raise SystemExit(1)


async def _all(name: str) -> list[Result]:
    return [one async for one in run_checks(subject_of(name))]


def _plain(one: Result) -> dict[str, object]:
    return {"check": one.number, "name": one.name, "state": one.state, "why": one.why or None}


def _line(one: Result) -> str:
    if one.state == "failed":
        return f"{one.number:2}  {one.name}: {one.why}"
    return f"{one.number:2}  ok  {one.name}" + (f" (does not apply: {one.why})" if one.why else "")


def _real(name: str, key_file: Path | None, account: str, kept: Path, *, as_json: bool) -> None:
    """Raises: Problem(invalid); SystemExit for a finding that is not ok."""
    if key_file is None:
        raise Problem(
            "invalid",
            "The account is examined with a test key.",
            field="key-file",
            cure="Add --key-file.",
        )
    findings, calls = asyncio.run(_examined(name, key_file.read_text().strip(), account))
    kept.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(kept.read_text()) if kept.exists() else {}
    kept.write_text(json.dumps(known | {name: sorted(_made(kept, name) | set(calls))}))
    for finding in findings:
        plain = {
            "name": finding.name,
            "ok": finding.ok,
            "finding": finding.finding,
            "cure": finding.cure,
        }
        click.echo(
            json.dumps(plain)
            if as_json
            else f"{'ok ' if finding.ok else '!! '} {finding.name}: {finding.finding}"
        )
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


async def _examined(name: str, key: str, account: str) -> tuple[list[Finding], Iterable[str]]:
    kind = KINDS[name]
    made = kind.make(Connection(name, kind.sandbox_url or kind.url, key, account=account), None)
    try:
        if not is_connector(made):
            raise Problem(
                "invalid", "This kind has no account to examine.", cure="Leave --real out."
            )
        return await made.check(), getattr(made, "calls", ())
    finally:
        await made.close()


def _made(kept: Path, name: str) -> set[str]:
    return set(json.loads(kept.read_text()).get(name, [])) if kept.exists() else set()
