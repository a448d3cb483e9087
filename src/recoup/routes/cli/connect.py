"""`recoup connect`, `recoup disconnect`: merchants' own accounts at processors. Secrets come from
files, a prompt that shows nothing, or standard input; never from an argument."""

import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click

from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kernel.time import iso
from recoup.merchants.cli import Opened, Run, in_world, merchant_option, show
from recoup.routes.flows.connect import (
    BILLING,
    ChangeRequest,
    ConnectRequest,
    change,
    check,
    connect,
    connectable,
    disconnect,
    next_name,
)
from recoup.routes.flows.connections import connection_of
from recoup.routes.store.connections import Billing, ProcessorConnection, all_connections

SECRET_BYTES_MAX: Final = 1_024
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_key_file = click.option(
    "--key-file", type=_FILE, help="File with the key; default: you are asked for it."
)
_secret_file = click.option(
    "--secret-file", type=_FILE, help="File with the webhook's signing secret; as the key."
)
_country = click.option(
    "--country",
    default="",
    help="Where the account is: DE, US. Default: as the vendor tells it, or the merchant's.",
)
_OF_INVOICES: Final = "What is done with failed invoices there."
_as_json = click.option("--json", "as_json", is_flag=True, help="Output as JSON.")


@click.group("connect")
def group() -> None:
    """Connects merchants' own accounts at processors; see docs/stripe.md and docs/processors.md."""


def _add(kind: str) -> None:
    """The command that connects an account of this kind."""
    form = connectable()[kind]
    signed = (
        "by an API key alone" if form.secret is None else "by a key and the secret of its notices"
    )

    @merchant_option
    @click.option(
        "--url", default="", help="Address of a stand-in or gateway; default: the vendor's own."
    )
    @_country
    @_key_file
    @_as_json
    @in_world
    def connect_verb(
        run: Run, url: str, country: str, key_file: Path | None, as_json: bool, **more: Any
    ) -> None:
        async def place(opened: Opened) -> str:
            scope = _scope(opened.merchant_id)
            return f"{opened.url}/inbound/{await next_name(opened.world, scope, kind)}/notices"

        secret_file: Path | None = more.get("secret_file")
        if secret_file is None and sys.stdin.isatty():
            click.echo(f"In {form.vendor}, add a webhook endpoint with this address: {run(place)}")
        key = _secret("Key", key_file)
        secret = _secret("Signing secret", secret_file) if form.secret is not None else ""
        billing, account, prefix = (
            more.get("billing", "off"),
            more.get("account", ""),
            more.get("prefix", ""),
        )
        request = ConnectRequest(kind, key, secret, billing, url, account, prefix, country)
        made = run(lambda opened: connect(opened.world, _scope(opened.merchant_id), request))
        _show(made, as_json=as_json)

    verb: Any = connect_verb
    if form.secret is not None:
        verb = _secret_file(verb)
    if form.bills:
        verb = click.option(
            "--billing", type=click.Choice(BILLING), default="off", help=_OF_INVOICES
        )(verb)
    if form.account is not None:
        verb = click.option("--account", required=True, help=form.account_cure)(verb)
    if form.live_url:
        verb = click.option("--prefix", default="", help="Prefix of the account's live address.")(
            verb
        )
    group.command(
        kind, help=f"Connects an account at {form.vendor} {signed}, which are kept sealed."
    )(verb)


for _kind in connectable():
    _add(_kind)


@group.command("change")
@click.argument("route")
@click.option("--billing", type=click.Choice(BILLING), help=_OF_INVOICES)
@click.option(
    "--account", default="", help="Merchant accounts by currency, where the kind has them."
)
@_country
@_key_file
@_secret_file
@_as_json
@in_world
def change_verb(
    run: Run,
    route: str,
    billing: Billing | None,
    account: str,
    country: str,
    key_file: Path | None,
    secret_file: Path | None,
    as_json: bool,
) -> None:
    """Gives a connection a new key or signing secret, or another choice about invoices. The secret of before holds on
    for three days. Without files and --billing you are asked for both; an empty answer keeps what there is."""
    every = (
        key_file is None and secret_file is None and billing is None and not account and not country
    )
    key = _secret("New key", key_file, optional=True) if every or key_file else ""
    secret = (
        _secret("New signing secret", secret_file, optional=True) if every or secret_file else ""
    )

    async def work(opened: Opened) -> ProcessorConnection:
        request = ChangeRequest(key, secret, billing, account, country)
        return await change(opened.world, await _scope_of(opened, route), route, request)

    _show(run(work), as_json=as_json)


@group.command("list")
@_as_json
@in_world
def list_verb(run: Run, as_json: bool) -> None:
    """Lists the connections of all merchants."""

    rows = run(lambda opened: all_connections(opened.world.db.reader))
    lines = [_line(row) for row in rows] or ["No merchant has connected an account."]
    show([plain(row) for row in rows], lines, as_json=as_json)


def _line(one: ProcessorConnection) -> str:
    lacking = [found.name for found in one.findings if not found.ok]
    words = [
        f"{one.route:32}",
        f"{one.state:12}",
        f"{one.billing:9}",
        f"merchant {one.merchant_id}",
    ]
    return "  ".join(words + ([f"lacks: {', '.join(lacking)}"] if lacking else []))


@group.command("check")
@click.argument("route")
@_as_json
@in_world
def check_verb(run: Run, route: str, as_json: bool) -> None:
    """Examines a connected account: each right of the key, the webhook, retries of its own. Exits with 1 if the
    connection waits."""

    async def work(opened: Opened) -> ProcessorConnection:
        return await check(opened.world, await _scope_of(opened, route), route)

    _show(run(work), as_json=as_json)


@click.command("disconnect")
@click.argument("route")
@in_world
def end(run: Run, route: str) -> None:
    """Ends a merchant's connection. No new charge goes by it, and what is open is still inquired; key and secret are
    erased when nothing is open any more."""

    async def work(opened: Opened) -> ProcessorConnection:
        return await disconnect(opened.world, await _scope_of(opened, route), route)

    run(work)
    click.echo(f"The connection {route} has ended.")


def _scope(merchant_id: UUID) -> Scope:
    return Scope(merchant_id, Actor("operator", "command"), "connect")


async def _scope_of(opened: Opened, route: str) -> Scope:
    """Raises: Problem(not_found)."""
    found = await connection_of(opened.world, route)
    if found is None:
        cure = "`recoup connect list` shows them; --live before the verb names the live world."
        raise Problem(
            "not_found", f"There is no connection {route[:40]!r}.", field="route", cure=cure
        )
    return _scope(found.merchant_id)


def _secret(label: str, file: Path | None, *, optional: bool = False) -> str:
    """Raises: Problem(invalid) for a file that is no line of text."""
    if file is None and sys.stdin.isatty():
        shown = f"{label} (not shown)"
        return str(
            click.prompt(
                shown, hide_input=True, default="" if optional else None, show_default=False
            )
        ).strip()
    try:
        text = sys.stdin.readline(SECRET_BYTES_MAX) if file is None else _read(file)
    except (OSError, ValueError):
        text = ""
    text = text.strip()
    if not text and not optional or not text.isprintable():
        where = "standard input" if file is None else "the file"
        raise Problem(
            "invalid",
            f"{label}: {where} does not hold one line.",
            cure="Write the secret alone on a line.",
        )
    return text


def _read(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(SECRET_BYTES_MAX).decode("ascii")


def _show(made: ProcessorConnection, *, as_json: bool) -> None:
    """Raises: SystemExit for one that waits."""
    show(plain(made), [*finding_lines(made), _SAID[made.state].format(made.route)], as_json=as_json)
    if made.state == "waiting":
        raise SystemExit(1)


_SAID: Final = {
    "connected": "The route {} is connected.",
    "waiting": "The route {} waits: no charge goes by it until `recoup connect check` finds nothing in the way.",
    "disconnected": "The connection {} has ended.",
}


def finding_lines(made: ProcessorConnection) -> list[str]:
    lines = []
    for one in made.findings:
        finding, cure = one.read
        lines.append(
            f"{'ok' if one.ok else '!!'} {one.name}: {finding}"
            + (f" {cure}" if cure and not one.ok else "")
        )
    return lines


def plain(made: ProcessorConnection) -> dict[str, object]:
    """The connection as JSON values."""
    findings = [(finding, finding.read) for finding in made.findings]
    return {
        "route": made.route,
        "merchant": str(made.merchant_id),
        "kind": made.kind,
        "state": made.state,
        "billing": made.billing,
        "country": made.country or None,
        "checked_at": iso(made.checked_at),
        "created_at": iso(made.created_at),
        "created_by": made.created_by,
        "changed_at": iso(made.changed_at),
        "changed_by": made.changed_by,
        "findings": [
            {
                "name": one.name,
                "ok": one.ok,
                "finding": str(text),
                "cure": str(cure) if cure is not None else None,
            }
            for one, (text, cure) in findings
        ],
    }
