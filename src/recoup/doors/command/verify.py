"""`recoup verify`: proves ledger, log, faces and balances; exit 1 and the first difference when they do not hold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from recoup.doors.command.verbs import Opened, WithWorld, data_dir_option
from recoup.flows.insight.verify import Verified
from recoup.flows.insight.verify import verify as prove
from recoup.kernel.ids import parse_id
from recoup.kernel.problem import Problem


def add(cli: click.Group, with_world: WithWorld, load_settings: Callable[..., Any]) -> None:
    @cli.command()
    @click.option("--merchant", help="Merchant id; default: all.")
    @click.option("--json", "as_json", is_flag=True)
    @data_dir_option
    def verify(merchant: str | None, as_json: bool, data_dir: Path | None) -> None:
        """Proves ledger, log, faces and balances; exit 1 and the first difference when they do not hold."""
        merchant_id = parse_id(merchant) if merchant else None
        if merchant and merchant_id is None:
            raise Problem("invalid", f"{merchant!r} is not a merchant id.",
                          cure="It is the mid that `recoup bootstrap` prints.")  # fmt: skip

        async def work(opened: Opened) -> Verified:
            return await prove(opened.world, merchant_id)

        done = with_world(load_settings(data_dir=data_dir), work)
        click.echo(json.dumps(as_dict(done)) if as_json else as_text(done))
        if done.difference is not None:
            raise click.exceptions.Exit(1)


def as_dict(done: Verified) -> dict[str, Any]:
    wrong = done.difference
    told = None
    if wrong is not None:
        told = {
            "merchant": str(wrong.merchant_id) if wrong.merchant_id else None,
            "order": str(wrong.order_id) if wrong.order_id else None, "field": wrong.field,
            "expected": wrong.expected, "found": wrong.found,
        }  # fmt: skip
    return {"ok": wrong is None, "checked": done.checked, "issuer": done.issuer, "difference": told}


def as_text(done: Verified) -> str:
    lines = [f"{name:15} {count:>12,}" for name, count in done.checked.items()]
    if not done.issuer:
        lines.append("issuer's book   not compared: it is not readable here")
    wrong = done.difference
    if wrong is None:
        return "\n".join([*lines, "ok"])
    lines.append("The first difference:")
    for name, value in (("merchant", wrong.merchant_id), ("order", wrong.order_id), ("field", wrong.field),
                        ("expected", wrong.expected), ("found", wrong.found)):  # fmt: skip
        lines.append(f"  {name:9} {value if value is not None else '-'}")
    return "\n".join(lines)
