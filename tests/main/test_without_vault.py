"""An installation whose key file has no keys of cards: the merchant stays with SAQ A, and nothing
else is missing."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from click.testing import CliRunner
from tests.databases import empty
from tests.door import listening
from tests.main.test_live import payment
from tests.rescue.api.test_bad_input import real_looking

from recoup.db.server import ServerAddress
from recoup.desk.flows.persons import erase_all, find_all_by_name
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.keys.flows.key_checks import check_keys
from recoup.kit.upkeep import beat
from recoup.main.app import make_app
from recoup.main.bootstrap import Bootstrap, bootstrap
from recoup.main.cli import cli
from recoup.main.databases import Databases, has_live, prepare
from recoup.main.demo.demo import EXAMPLES
from recoup.main.demo.example import Line, by_methods, read_example
from recoup.main.demo.play import play
from recoup.main.doctor_verb import look_at
from recoup.main.keys_verb import rotate_keys
from recoup.main.rekey import drop_vault, go_over, states_of
from recoup.main.settings import Settings
from recoup.main.worlds import Running, open_worlds
from recoup.networks.allow_list import APPROVE_CARDS
from recoup.networks.magic import script_card
from recoup.outside.keys.files import FILE_NAME, RETIRED, load_or_create

CARD = script_card("visa", "51", 1)
Story = Callable[["Ground"], Awaitable[None]]


class Ground:
    def __init__(self, sandbox: Running, settings: Settings, databases: Databases) -> None:
        self.sandbox, self.settings, self.databases = sandbox, settings, databases

    @property
    def world(self) -> Any:
        return self.sandbox.world

    async def value(self, sql: str, *given: Any) -> Any:
        async with self.world.db.connection() as connection:
            return await connection.fetchval(sql, *given)


async def new_databases(server: ServerAddress) -> Databases:
    """Without a live world, which `prepare` can make."""
    mark = uuid4().hex[:10]
    people, sandbox = [await empty(server, kind, f"{kind}_{mark}") for kind in ("people", "world")]
    return Databases(people, sandbox, server.dsn("postgres"), None, server.dsn(f"live_{mark}"))


def run(server: ServerAddress, folder: Path, story: Story, **more: Any) -> None:
    async def inside() -> None:
        databases = await new_databases(server)
        await prepare(databases)
        load_or_create(folder / "keys", vault=False)
        settings = replace(Settings(data_dir=folder, connections=4), **more)
        async with open_worlds(settings, databases) as (sandbox, _):
            await story(Ground(sandbox, settings, databases))

    asyncio.run(inside())


def purposes(folder: Path) -> set[str]:
    return set(json.loads((folder / "keys" / FILE_NAME).read_text()))


class Client:
    """Of the bootstrap's merchant, over HTTP."""

    def __init__(self, http: httpx.AsyncClient, made: Bootstrap, token: str) -> None:
        self.http, self.made, self.token = http, made, token

    async def evaluate(self, method: dict[str, Any]) -> httpx.Response:
        body = payment(self.made.mid, self.made.site_id, CARD, is_mit=True, days=20)
        body["paymentMethod"] = method
        return await self.http.post(
            "/v1/evaluate", json=body, headers={"authorization": f"Bearer {self.token}"}
        )


async def client_of(stack: AsyncExitStack, ground: Ground) -> Client:
    made = await bootstrap(ground.world, ground.settings.url)
    app = make_app(ground.settings, ground.databases)
    port = await stack.enter_async_context(listening(app, "on"))  # type: ignore[arg-type]
    http = await stack.enter_async_context(
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
    )
    keys = {"AppKey": made.app_key, "AppSecret": made.app_secret}
    return Client(
        http, made, (await http.post("/v1/oauth2/token", json=keys)).json()["accessToken"]
    )


def test_numbers_are_refused_with_the_cure_and_methods_are_rescued(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(ground: Ground) -> None:
        async with AsyncExitStack() as stack:
            client = await client_of(stack, ground)
            for number in (CARD, APPROVE_CARDS[0], real_looking("453955", 16)):
                answer = await client.evaluate(
                    {"cardNumber": number, "expirationMonth": 12, "expirationYear": 2040}
                )
                assert answer.status_code == 400, answer.text
                assert "PaymentMethod.CardNumber" in answer.text
                assert "Send paymentMethod with processor and id" in answer.text
                assert number not in answer.text
            card = {
                "first_name": "Ana",
                "last_name": "Roe",
                "number": CARD,
                "month": "12",
                "year": "2040",
            }
            answer = await client.http.post(
                "/v1/tokenize",
                params={"environment": client.made.tokenization_key, "mid": client.made.mid},
                json={"payment_method": {"credit_card": card}},
                headers={"authorization": f"Bearer {client.token}"},
            )
            assert answer.status_code == 400, answer.text
            assert "processor and id" in answer.text
            answer = await client.evaluate(
                {"processor": "sandbox", "id": "pm_card_visa_51_01", "customer": "cus_ana"}
            )
            assert answer.status_code == 200, answer.text
            order_id = UUID(answer.json()["orderId"])
            scope = Scope(UUID(client.made.mid), Actor("operator", "test"), "test")
            email = await ground.value("SELECT email FROM payers")
            known = await find_all_by_name(ground.world, scope.merchant_id, email)
            assert (await erase_all(ground.world, scope, email, known)).orders == 1
            assert (
                await ground.value("SELECT count(*) FROM stored_methods WHERE reference <> ''") == 0
            )
            assert (
                await ground.value("SELECT count(*) FROM orders WHERE order_id = $1", order_id) == 1
            )
        assert await ground.value("SELECT count(*) FROM vault WHERE ciphertext IS NOT NULL") == 0
        assert await ground.value("SELECT count(*) FROM card_prints") == 0
        assert (found := await verify(ground.world)).difference is None, found.difference

    run(server, tmp_path, story)
    assert purposes(tmp_path) == {"seal", "token", "mac", "secret"}


def test_keys_rotate_and_the_doctor_finds_nothing(server: ServerAddress, tmp_path: Path) -> None:
    async def story(ground: Ground) -> None:
        await bootstrap(ground.world, ground.settings.url)
        await rotate_keys([ground.world], 0)
        assert {one.purpose for one in await states_of([ground.world])} == {
            "seal",
            "token",
            "mac",
            "secret",
        }
        assert {one.needed for one in await states_of([ground.world]) if one.state == "old"} == {0}
        await go_over(ground.world)
        await check_keys(ground.world.db, ground.world.keys.checks(), "here")
        await beat(ground.world)
        assert all([line.ok async for line in look_at(ground.world)])

    run(server, tmp_path, story)
    assert purposes(tmp_path) == {"seal", "token", "mac", "secret"}


def test_examples_are_played_by_methods(server: ServerAddress, tmp_path: Path) -> None:
    async def story(ground: Ground) -> None:
        async with AsyncExitStack() as stack:
            client = await client_of(stack, ground)
            lines = [one for one in _evaluates() if one.order in _KINDS.values()]
            base_url = str(client.http.base_url)
            keys = client.made.to_dict() | {"mid": client.made.mid}
            played = await play(lines, base_url, keys, stored=True)
            assert not played.complaints
            assert played.tokens == 0
            assert sum(played.answers["evaluate"].values()) == len(_KINDS)

    run(server, tmp_path, story)


def _evaluates() -> list[Line]:
    lines = [one for one in read_example(EXAMPLES / "day.jsonl") if one.do == "evaluate"]
    return [
        replace(one, body={k: v for k, v in one.body.items() if k != "siteUrl"}) for one in lines
    ]


_KINDS: dict[str, str] = {}
for _one in _evaluates():
    if (
        isinstance(_number := _one.body["paymentMethod"].get("cardNumber"), dict)
        and "$token" in _number
    ):
        _KINDS.setdefault(next(iter(_number["$token"])), _one.order)


def test_every_example_has_a_method() -> None:
    for one in _evaluates():
        assert "$token" not in json.dumps(by_methods(one.body))
    assert {"script", "counting", "codes", "faults"} <= _KINDS.keys()


def test_a_route_that_takes_cards_is_refused_at_start(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def never(_: Ground) -> None:
        raise AssertionError("it started")

    with pytest.raises(Problem) as refused:
        run(
            server,
            tmp_path,
            never,
            sandbox_processor_url="http://127.0.0.1:1",
            sandbox_processor_secret="s" * 40,
        )
    assert refused.value.field == "routes"
    assert "takes card numbers" in refused.value.message
    assert "\n" not in f"{refused.value.message} {refused.value.cure}"


def test_half_a_vault_is_refused(tmp_path: Path) -> None:
    load_or_create(tmp_path)
    file = tmp_path / FILE_NAME
    half = json.loads(file.read_text())
    del half["print"]
    file.write_text(json.dumps(half))
    with pytest.raises(Problem, match="cannot be read"):
        load_or_create(tmp_path)


def test_a_vault_that_nothing_needs_is_left_and_one_with_cards_stays(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def inside() -> None:
        databases = await new_databases(server)
        await prepare(databases)
        settings = Settings(data_dir=tmp_path, connections=4)
        async with open_worlds(settings, databases) as (sandbox, _):
            await bootstrap(sandbox.world, settings.url)
            before = json.loads((tmp_path / "keys" / FILE_NAME).read_text())
            await drop_vault([sandbox.world], keep=True)
            assert not sandbox.world.keys.has_vault
            assert json.loads((tmp_path / "keys" / RETIRED).read_text()).keys() == {"card", "print"}
        async with open_worlds(settings, databases) as (sandbox, _):
            assert not sandbox.world.keys.has_vault, "it starts again"
        (tmp_path / "keys" / FILE_NAME).write_text(json.dumps(before))
        async with open_worlds(settings, databases) as (sandbox, _), AsyncExitStack() as stack:
            assert sandbox.world.keys.has_vault, "and takes the keys up again"
            client = await client_of(stack, Ground(sandbox, settings, databases))
            answer = await client.evaluate(
                {"cardNumber": CARD, "expirationMonth": 12, "expirationYear": 2040}
            )
            assert answer.status_code == 200, answer.text
            with pytest.raises(Problem) as refused:
                await drop_vault([sandbox.world], keep=True)
            assert refused.value.code == "conflict"
            assert sandbox.world.keys.has_vault

    asyncio.run(inside())


def test_live_init_writes_such_a_file(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases = asyncio.run(new_databases(server))
    for name in ("people", "sandbox", "live"):
        monkeypatch.setenv(f"RECOUP_{name.upper()}_DATABASE_URL", getattr(databases, name))
    assert not asyncio.run(has_live(databases))
    asyncio.run(prepare(databases, live=True))
    assert asyncio.run(has_live(databases))
    words = ["live", "init", "--without-vault", "--data-dir", str(tmp_path)]
    for _ in range(2):
        answer = CliRunner().invoke(cli, words)
        assert answer.exit_code == 0, answer.output
        assert "without a vault" in answer.output
        assert purposes(tmp_path) == {"seal", "token", "mac", "secret"}
        assert not (tmp_path / "keys" / RETIRED).exists(), "no key of a vault was ever used"
