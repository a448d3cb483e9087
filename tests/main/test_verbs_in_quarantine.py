"""The command line in a quarantine: a database that was restored is written to by no verb, but by
those that mend it."""

import asyncio
import inspect
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import click
import pytest
from click.testing import CliRunner
from tests.isolation.reaches import ROOT, read_code
from tests.settlement.flows.test_fees import paid
from tests.worlds import Shop, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.kernel.services import Services
from recoup.kit.cli.verb_group import PackageVerb
from recoup.main.cli import CommandLine, cli
from recoup.main.worlds import VERBS
from recoup.merchants.cli import Opened
from recoup.merchants.flows.standing import FixedStanding
from recoup.onboarding.flows.partners import make_partner
from recoup.people.flows.make_user import Membership, make_user

# Verbs that write, each with what it is tried with here.
TRIED: Final[Mapping[str, str]] = {
    "bank adjust": "-1.00 USD --note Why --as ops@example.test",
    "clock advance": "1d",
    "credentials": "--approve x",
    "engine return": "on",
    "engine set": "--mode off",
    "engine stop": "--why x",
    "erase": "payer@example.test --yes",
    "partner": "{partner} --merchants-max 3",
    "people add-operator": "new@recoup.dev",
    "people password-link": "ops@example.test --yes",
    "policy set": "{policy} --why x",
    "sandbox dispute": "{order}",
    "terms address": "--evm 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "terms cards": "--updater on",
    "terms country": "DE",
    "terms disputes": "--fee 15.00 --currency USD",
    "terms exposure": "--limit 100.00",
    "terms fees": "--type sale --percent 2.9",
    "terms notices": "--on receipt",
    "terms parts": "--parts on",
    "terms settlement": "--period week",
    "terms tolerance": "--percent 1",
}
GUARDED: Final = "reads first what it is about; whatever its process writes asks"
MENDS: Final = "is for a quarantine"
PROCESS: Final = "runs the work, which asks"
BEFORE: Final = "is about the schema, or before there is a world"
READS: Final = "shares its code with what writes"
OTHERS: Final[Mapping[str, str]] = {
    "recover": MENDS,
    "sending off": MENDS,
    "sending on": MENDS,
    **dict.fromkeys(("serve", "up", "worker", "chain send", "chain trial", "chain watch"), PROCESS),
    **dict.fromkeys(("bootstrap", "live init", "schema apply", "cells add"), BEFORE),
    **dict.fromkeys(
        (
            "chain check",
            "doctor",
            "verify",
            "engine show",
            "keys status",
            "learn list",
            "learn risk list",
            "learn show",
            "live check",
            "openapi",
            "schema retention",
            "settings",
            "orders list",
            "orders show",
            "orders decisions",
            "settlements list",
            "settlements show",
            "settlements lines",
            "sites list",
            "switches list",
            "switches history",
        ),
        READS,
    ),
    **dict.fromkeys(
        (
            "applications approve",
            "applications decline",
            "archive put-back",
            "archive take-out",
            "archive write",
            "bank answers",
            "cards decide",
            "cards join",
            "chain deploy",
            "chain lift",
            "chain sweep",
            "connect adyen",
            "connect braintree",
            "connect change",
            "connect check",
            "connect nmi",
            "connect stripe",
            "demo",
            "disconnect",
            "engine resume",
            "import",
            "keys copied",
            "keys rotate",
            "learn",
            "learn back",
            "learn prior",
            "learn risk",
            "learn risk use",
            "learn take",
            "live notice-key",
            "live unwaive",
            "live waive",
            "people end-operator",
            "people reset-second-factor",
            "policy back",
            "policy check",
            "reconcile",
            "report certificate",
            "report settlement",
            "route off",
            "route on",
            "sandbox decline",
            "sandbox deposit",
            "sandbox pay",
            "sandbox play",
            "sandbox token",
            "webhooks replay",
        ),
        GUARDED,
    ),
}


def _verbs(group: click.Group, words: str = "") -> Iterator[tuple[str, str]]:
    """What one types, and the function that it calls. Other packages' work on no installation."""
    context, later = click.Context(group), getattr(group, "_later", {})
    for name in group.list_commands(context):
        if isinstance(later.get(name), PackageVerb):
            continue
        one, typed = group.get_command(context, name), f"{words} {name}".strip()
        assert one is not None
        if isinstance(one, click.Group):
            yield from _verbs(one, typed)
        if one.callback is not None and (
            not isinstance(one, click.Group) or one.invoke_without_command
        ):
            called = inspect.unwrap(one.callback)
            yield typed, f"{called.__module__}.{called.__qualname__.partition('.')[0]}"


def _writing() -> set[str]:
    code = read_code()
    statements = {
        key
        for key, one in code.all.items()
        if ".statement(" in one.decorated and re.search(r"\(\s*db: Tx\b", one.text)
    }
    frame = [key for key in code.all if key.startswith("recoup.merchants.cli.")]
    frame += [
        "recoup.kit.world.World",
        "recoup.rescue.flows.locked.Orders",
        "recoup.main.worlds.Running",
    ]
    reached = code.who_reaches(
        statements, not_through=[*frame, "recoup.webhooks.flows.deliver.Deliveries"]
    )
    return {typed for typed, called in _verbs(cli) if called in reached}


def test_each_verb_that_writes_is_known() -> None:
    hidden = {"demo"}  # it is listed only once something has loaded it
    assert _writing() | hidden == {*TRIED, *OTHERS}


def test_each_process_of_a_verb_writes_nothing_in_a_quarantine() -> None:
    """`recoup-recover` ends it."""
    main = (ROOT / "main").rglob("*_verb.py"), (ROOT / "main").glob("c*.py")
    named = {
        name
        for files in main
        for path in files
        for name in re.findall(r'open_(?:worlds|sandbox|live)\([^)]*"([\w-]+)"', path.read_text())
    }
    assert named - {"recoup-recover"} == set(VERBS)


async def _all(world: Any) -> dict[str, str]:
    """A print of each table of the world and its people."""
    names = (
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
        " AND relnamespace = ANY(current_schemas(false)::regnamespace[])"
    )
    found = {}
    for dsn in (world.dsn, world.people_dsn):
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            for (name,) in await connection.fetch(names):
                text = await connection.fetchval(
                    f'SELECT string_agg(t::text, chr(10) ORDER BY t::text) FROM "{name}" t'
                )  # noqa: S608
                found[f"{dsn} {name}"] = sha256((text or "").encode()).hexdigest()
        finally:
            await connection.close()
    return found


async def _installed(shop: Shop, folder: Path) -> dict[str, str]:
    partner_id = uuid4()
    await make_partner(shop.world, partner_id, "Subscriptions Inc")
    operator = Membership("operator", UUID(int=0), "owner")
    await make_user(shop.world, "ops@example.test", "Ops", "a long enough password", [operator])
    policy = folder / "policy.toml"
    policy.write_text('[when]\ngap = "6h"\n')
    return {
        "partner": str(partner_id),
        "policy": str(policy),
        "order": str(await paid(shop, 9_000)),
    }


def test_what_a_verb_would_write_is_refused_with_what_ends_the_quarantine(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with sandbox_world(server) as made:
            shop, world = await make_shop(*made), made[0]
            given, loop = await _installed(shop, tmp_path), asyncio.get_running_loop()
            opened = Opened(made[0], Services(*made[1:]), tmp_path, "http://127.0.0.1")

            def run(_: Any, __: Any, work: Any, *, sandbox_only: bool) -> Any:
                return asyncio.run_coroutine_threadsafe(work(opened), loop).result(30)

            monkeypatch.setattr(CommandLine, "run", run)
            standing = FixedStanding("The database was restored.")
            world.db.before_write = world.people.before_write = standing.check
            before = await _all(world)
            told = {}
            for verb, more in TRIED.items():
                words = f"{verb} {more}".format(**given).split()
                if "--merchant" in _options(verb):
                    words += ["--merchant", str(shop.merchant_id)]
                ran = await asyncio.to_thread(CliRunner().invoke, cli, words)
                told[verb] = ran.output + str(ran.exception)
            assert {verb: text for verb, text in told.items() if "was restored" not in text} == {}
            assert await _all(world) == before
            world.db.before_write = world.people.before_write = None

    asyncio.run(story())


def _options(verb: str) -> set[str]:
    found: Any = cli
    for word in verb.split():
        found = found.get_command(click.Context(found), word)
    return {text for one in found.params for text in one.opts}
