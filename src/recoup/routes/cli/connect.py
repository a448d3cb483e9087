"""`recoup connect`, `recoup disconnect`: merchants' own accounts at processors. Secrets come from
files, a prompt that shows nothing, or standard input; never from an argument."""

import sys
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import click

from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kit.cli.command import Printed, picked
from recoup.kit.cli.parameters import InFile, option
from recoup.kit.world import World
from recoup.merchants.cli import Opened, Run, RunAtMerchant, verb
from recoup.merchants.flows.cells import home_of
from recoup.routes.flows.connect import (
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
KeyFile = Annotated[InFile | None, "File with the key; default: you are asked for it."]
SecretFile = Annotated[InFile | None, "File with the webhook's signing secret; as the key."]
Country = Annotated[
    str, "Where the account is: DE, US. Default: as the vendor tells it, or the merchant's."
]
OfInvoices = Annotated[Billing, "What is done with failed invoices there."]
AS_JSON: Final = "Output as JSON."


@click.group("connect")
def group() -> None:
    """Connects merchants' own accounts at processors; see docs/stripe.md and docs/processors.md."""


def _add(kind: str) -> None:
    """The command that connects an account of this kind."""
    form = connectable()[kind]
    signed = (
        "by an API key alone" if form.secret is None else "by a key and the secret of its notices"
    )

    @verb(
        group,
        kind,
        json=AS_JSON,
        help=f"Connects an account at {form.vendor} {signed}, which are kept sealed.",
    )
    def connect_verb(
        run: RunAtMerchant,
        *,
        url: Annotated[str, "Address of a stand-in or gateway; default: the vendor's own."] = "",
        country: Country = "",
        key_file: KeyFile = None,
        **more: Any,
    ) -> Printed:
        async def place(opened: Opened) -> str:
            scope = _scope(opened.merchant_id)
            return f"{opened.url}/inbound/{await next_name(opened.world, scope, kind)}/notices"

        secret_file: Path | None = more.get("secret_file")
        if secret_file is None and sys.stdin.isatty():
            click.echo(f"In {form.vendor}, add a webhook endpoint with this address: {run(place)}")
        key = _secret("Key", key_file)
        secret = _secret("Signing secret", secret_file) if form.secret is not None else ""
        of_vendor = {name: more[name] for name in ("billing", "account", "prefix") if name in more}
        request = ConnectRequest(kind, key, secret, url=url, country=country, **of_vendor)
        return _printed(
            run(lambda opened: connect(opened.world, _scope(opened.merchant_id), request))
        )

    own = []
    if form.live_url:
        own.append(option("prefix", Annotated[str, "Prefix of the account's live address."], ""))
    if form.account is not None:
        own.append(option("account", Annotated[str, form.account_cure]))
    if form.bills:
        own.append(option("billing", OfInvoices, "off"))
    if form.secret is not None:
        own.append(option("secret_file", SecretFile, None))
    connect_verb.params[:0] = own


for _kind in connectable():
    _add(_kind)


@verb(group, "change", json=AS_JSON)
def change_verb(
    run: Run,
    route: str,
    *,
    billing: OfInvoices | None = None,
    account: Annotated[str, "Merchant accounts by currency, where the kind has them."] = "",
    country: Country = "",
    key_file: KeyFile = None,
    secret_file: SecretFile = None,
) -> Printed:
    """Gives a connection a new key or signing secret, or another choice about invoices. The secret
    of before holds on for three days. Without files and --billing you are asked for both; an empty
    answer keeps what there is."""
    every = not (key_file or secret_file or billing or account or country)
    key = _secret("New key", key_file, optional=True) if every or key_file else ""
    secret = (
        _secret("New signing secret", secret_file, optional=True) if every or secret_file else ""
    )
    request = ChangeRequest(key, secret, billing, account, country)

    async def work(opened: Opened) -> ProcessorConnection:
        return await change(*await _at(opened, route), route, request)

    return _printed(run(work))


@verb(group, "list", json=AS_JSON)
async def list_verb(opened: Opened) -> Printed:
    """Lists the connections of all merchants."""
    rows = await all_connections(opened.world.db.reader)
    lines = [_line(row) for row in rows] or ["No merchant has connected an account."]
    return Printed([plain(row) for row in rows], lines)


def _line(connection: ProcessorConnection) -> str:
    lacking = [finding.name for finding in connection.findings if not finding.ok]
    words = [
        f"{connection.route:32}",
        f"{connection.state:12}",
        f"{connection.billing:9}",
        f"merchant {connection.merchant_id}",
    ]
    return "  ".join(words + ([f"lacks: {', '.join(lacking)}"] if lacking else []))


@verb(group, "check", json=AS_JSON)
async def check_verb(opened: Opened, route: str) -> Printed:
    """Examines a connected account: each right of the key, the webhook, retries of its own. Exits
    with 1 if the connection waits."""
    return _printed(await check(*await _at(opened, route), route))


@verb(name="disconnect")
async def end(opened: Opened, route: str) -> str:
    """Ends a merchant's connection. No new charge goes by it, and what is open is still inquired;
    key and secret are erased when nothing is open any more."""
    await disconnect(*await _at(opened, route), route)
    return f"The connection {route} has ended."


def _scope(merchant_id: UUID) -> Scope:
    return Scope(merchant_id, Actor("operator", "command"), "connect")


async def _at(opened: Opened, route: str) -> tuple[World, Scope]:
    """The cell and scope of its merchant. Raises: Problem(not_found)."""
    connection = await connection_of(opened.world, route)
    if connection is None:
        cure = "`recoup connect list` shows them; --live before the verb names the live world."
        raise Problem(
            "not_found", f"There is no connection {route[:40]!r}.", field="route", cure=cure
        )
    merchant_id = connection.merchant_id
    return await home_of(opened.world, merchant_id), _scope(merchant_id)


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


def _printed(made: ProcessorConnection) -> Printed:
    """What is said of it; one that waits fails."""
    lines = [*finding_lines(made), _SAID[made.state].format(made.route)]
    return Printed(plain(made), lines, failed=made.state == "waiting")


_SAID: Final = {
    "connected": "The route {} is connected.",
    "waiting": "The route {} waits: no charge goes by it until `recoup connect check` finds "
    "nothing in the way.",
    "disconnected": "The connection {} has ended.",
}


def finding_lines(made: ProcessorConnection) -> list[str]:
    lines = []
    for kept in made.findings:
        finding, cure = kept.read
        lines.append(
            f"{'ok' if kept.ok else '!!'} {kept.name}: {finding}"
            + (f" {cure}" if cure and not kept.ok else "")
        )
    return lines


def plain(made: ProcessorConnection) -> dict[str, object]:
    """The connection as JSON values."""
    findings = [(finding, finding.read) for finding in made.findings]
    return {
        "route": made.route,
        "merchant": made.merchant_id,
        **picked(made, "kind", "state", "billing"),
        "country": made.country or None,
        **picked(made, "checked_at", "created_at", "created_by", "changed_at", "changed_by"),
        "findings": [
            {
                "name": finding.name,
                "ok": finding.ok,
                "finding": str(text),
                "cure": str(cure) if cure is not None else None,
            }
            for finding, (text, cure) in findings
        ],
    }
