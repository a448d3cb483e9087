"""The world that a verb works in, opened for it."""

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import uvloop

from recoup.db.server.folder import write_private
from recoup.kernel.problem import Problem, Sentence
from recoup.kernel.services import Services
from recoup.main.bootstrap import (
    OPERATOR_USER,
    bootstrap,
    is_bootstrapped,
    make_bootstrap_partner_key,
    make_operator,
)
from recoup.main.databases import Databases, check_installed, has_live, prepare, used_databases
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds
from recoup.merchants.cli import Opened


async def bootstrap_once(running: Running, *, serving: bool = False) -> dict[str, Any] | None:
    """Bootstraps from the file; without one new secrets are made and earlier ones end. The server
    writes its address there, and makes no new ones for a database that has them, made on another
    machine: None."""
    path = running.settings.data_dir / "bootstrap.json"
    begun = path.with_suffix(".begun")
    url = running.settings.url
    if path.exists():
        kept = read_bootstrap(path)
        changed = serving and kept.get("base_url") != url
        if changed:
            kept["base_url"] = url
        if "operator_user" not in kept:  # written before there was one
            kept |= {
                "operator_user": OPERATOR_USER,
                "operator_password": await make_operator(running.world),
            }
            changed = True
        if "partner_app_key" not in kept:
            key = await make_bootstrap_partner_key(running.world)
            kept |= {"partner_app_key": key.app_key, "partner_app_secret": key.app_secret}
            changed = True
        if changed:
            write_private(path, json.dumps(kept, indent=2) + "\n")
        return kept
    if serving and not begun.exists() and await is_bootstrapped(running.world):
        return None
    write_private(begun, "")  # a process that was killed on the way begins again
    made = (await bootstrap(running.world, url)).to_dict()
    write_private(path, json.dumps(made, indent=2) + "\n")
    begun.unlink()
    return made


def served_at(data_dir: Path) -> str:
    """The address that this installation was last served at, so that links made by a verb lead
    there; else empty."""
    path = data_dir / "bootstrap.json"
    return str(read_bootstrap(path).get("base_url", "")) if path.exists() else ""


def read_bootstrap(path: Path) -> dict[str, Any]:
    """Raises: Problem(unavailable) for a file that was cut, or is another."""
    with suppress(OSError, ValueError):
        kept = json.loads(path.read_text())
        if isinstance(kept, dict):
            return kept
    raise Problem(
        "unavailable",
        Sentence("{0} is cut, or is no file of Recoup.", path),
        cure="Put back a copy, or move it away: `recoup bootstrap` makes new credentials, and the "
        "earlier ones end.",
    )


T = TypeVar("T")


def with_world(settings: Settings, work: Callable[[Opened], Awaitable[T]]) -> T:
    """Opens the settings' world beside a running `recoup up`, or starts the database for this verb
    alone."""
    check_installed(settings)
    settings = replace(settings, public_url=settings.public_url or served_at(settings.data_dir))

    async def inside(databases: Databases) -> T:
        await prepare(databases)
        if settings.world == "live" and not await has_live(databases):
            raise Problem(
                "not_found", "There is no live world.", cure="Create it with `recoup live init`."
            )
        async with open_worlds(settings, databases, "recoup-cli") as (sandbox, live):
            running = live if settings.world == "live" and live is not None else sandbox
            services = {
                cell.world.cell: Services(cell.orders, cell.deliveries) for cell in running.cells
            }
            first = services[running.world.cell]
            opened = Opened(running.world, first, settings.data_dir, settings.url)
            return await work(replace(opened, services_by_cell=services))

    with used_databases(settings) as databases:
        return uvloop.run(inside(databases))
