"""`recoup live check`: what keeps live shut, what only warns, and doors that open once it is
mended."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.main.test_certificate import make
from tests.main.test_live import Both, both
from tests.outside.test_mail import smtp
from tests.rings import each

from recoup.bank.gateways import ByHand
from recoup.db.operation.live_marks import set_mark
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor, Scope
from recoup.kit.live_check import LINES, WAIVABLE, CheckLine
from recoup.main import live_opening
from recoup.main.backup.copies import RECORD, Record, write_record
from recoup.main.cli import cli
from recoup.main.live_opening import keys_mark, settings_lines, unwaive, waive
from recoup.main.settings import Settings
from recoup.merchants.flows.country import change_country
from recoup.onboarding.flows.live_check import ACTOR
from recoup.onboarding.flows.make_merchant import NewSite, make_merchant
from recoup.outside.mail.smtp import SmtpMail, SmtpServer
from recoup.people.flows.operators import make_operator, unmake_operator
from recoup.processors.gateways.bank import BankFile, Transfer
from recoup.processors.gateways.bridge import Bridge

LIVE = {"live_processor_url": "https://l.example/", "live_processor_secret": "a" * 32}
SAFE = Settings(host="0.0.0.0", public_url="https://pay.example.com", behind_proxy="10.0.0.0/8")


def _verdicts(settings: Settings, *, embedded: bool = False) -> dict[str, str]:
    return {one.name: one.verdict for one in settings_lines(settings, embedded=embedded)}


@each(
    ("change", "refused"),
    [
        ({}, ""),
        ({"behind_proxy": ""}, "https"),
        ({"public_url": ""}, "address"),
        ({"public_url": "http://pay.example.com"}, "address"),
        ({"loopback_webhooks": "yes"}, "settings"),
        ({"log_level": "debug"}, "settings"),
        ({"drain_seconds": 0}, "settings"),
        (LIVE | {"sandbox_processor_url": "https://l.example/"}, "processors"),
        (LIVE | {"sandbox_processor_secret": "a" * 32}, "processors"),
        (LIVE, ""),
    ],
)
def test_settings_that_no_live_may_have(change: dict[str, Any], refused: str) -> None:
    found = settings_lines(replace(SAFE, **change), embedded=False)
    assert [one.name for one in found if one.verdict == "refuse"] == ([refused] if refused else [])
    assert all(one.cure for one in found if one.verdict == "refuse")


def test_the_embedded_server_is_said_to_be_meant() -> None:
    assert _verdicts(SAFE, embedded=True)["server"] == "refuse"


@each(("ends", "verdict"), [(40, "pass"), (10, "wait"), (2, "refuse")])
def test_a_certificate_near_its_end_or_of_another_name(
    tmp_path: Path, ends: int, verdict: str
) -> None:
    make(tmp_path, ends=timedelta(days=ends), name_of="*.example.com")
    own = replace(
        SAFE,
        behind_proxy="",
        tls_cert=str(tmp_path / "chain.pem"),
        tls_key=str(tmp_path / "key.pem"),
    )
    found = _verdicts(own)
    assert (found["https"], found["address"], found["certificate"]) == ("pass", "pass", verdict)
    assert _verdicts(replace(own, public_url="https://pay.other.example"))["address"] == "refuse"


def test_which_refusals_keep_live_shut() -> None:
    for name, (_, when) in LINES.items():
        line = CheckLine(name, "refuse", "x")
        assert (line.shuts(is_open=False), line.shuts(is_open=True)) == (
            when != "never",
            when == "start",
        )
        assert not line._replace(verdict="waived").shuts(is_open=False)


FIRST = [name for name, (_, when) in LINES.items() if when == "first"]


async def _refusing(here: Both) -> list[str]:
    assert here.live.world.opening is not None
    return [one.name for one in await here.live.world.opening.look() if one.verdict == "refuse"]


def test_live_opens_once_everything_is_mended_and_needs_no_restart(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a first start to a payment, by what each line says;
    then what comes in time only warns."""
    monkeypatch.setattr(live_opening, "EVERY_SECONDS", 0.2)
    monkeypatch.setattr(live_opening, "FRESH_SECONDS", 0.1)
    mended = ("https", "address", "server", "disk")  # of settings, and of this machine

    async def story() -> None:
        async with both(server, tmp_path, waived=mended) as here:
            live, people = here.live.world, here.live.world.people

            async def taken() -> int:
                app_key, secret = "pk_live_nobody", "x" * 40
                given = {"AppKey": app_key, "AppSecret": secret}
                return (await here.client.post("/v1/oauth2/token", json=given)).status_code

            async def becomes(find: Callable[[], Awaitable[object]], wanted: object) -> bool:
                async with asyncio.timeout(30):
                    while await find() != wanted:  # noqa: ASYNC110 - of another task
                        await asyncio.sleep(0.1)
                return True

            async def measured() -> list[str]:
                lines = (await here.client.get("/metrics")).text.splitlines()
                return [
                    one.replace('{world="live"}', "")
                    for one in lines
                    if one.startswith("recoup_live_")
                ]

            async def refusing() -> list[str]:
                return await _refusing(here)

            shut = await here.client.post(
                "/v1/oauth2/token", json={"AppKey": "pk_live_nobody", "AppSecret": "x"}
            )
            assert (shut.status_code, shut.headers["retry-after"]) == (503, "60")
            assert "Live is not open" in shut.text
            assert await here.token(here.made.app_key, here.made.app_secret), "the sandbox goes on"
            assert set(await _refusing(here)) >= {
                "operator",
                "passwords",
                "mail",
                "monitoring",
                "copies",
                "keys",
            }

            assert (await here.client.get("/metrics")).status_code == 200
            await make_operator(live, "olga@pay.test-company.com", "Olga", "test")
            with pytest.raises(Problem, match="never counts in live"):
                await make_operator(live, "ops@x.example", "", "test")
            assert await unmake_operator(live, here.made.operator_user)
            async with people.connection() as connection:
                await connection.execute(
                    "INSERT INTO second_factors (user_id, sealed_secret, since, codes_key, "
                    "codes_at)"
                    " SELECT user_id, 'x', now(), 'x', now() FROM users"
                    " WHERE email = 'olga@pay.test-company.com'"
                )
            await set_mark(live.db.alone, "keys", keys_mark(live), ACTOR, live.clocks.wall())
            (tmp_path / RECORD).write_text(json.dumps({"done": live.clocks.wall().isoformat()}))
            assert await becomes(refusing, ["mail"])
            assert await taken() == 503
            await waive(live, ["mail"], "a person looks every hour", "test")
            assert await becomes(taken, 400), "open, and it says what is wrong with the secret"

            (tmp_path / RECORD).write_text(
                json.dumps({"done": (live.clocks.wall() - timedelta(days=3)).isoformat()})
            )
            await unwaive(live, ["mail"])
            assert await becomes(refusing, ["mail", "copies"])
            assert await taken() == 400, "live that was open stays open, and warns"
            assert await becomes(measured, ["recoup_live_refusals 2.0", "recoup_live_shut 0.0"])
            await unwaive(live, ["https"])
            assert await becomes(taken, 503), "a wrong setting shuts it at once"

    asyncio.run(story())


def test_live_does_not_open_while_nobody_says_where_an_account_is(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        waived = [one for one in WAIVABLE if one != "countries"]
        async with both(server, tmp_path, waived=waived, live_processor_country="") as here:
            world, opening = here.live.world, here.live.world.opening
            assert opening is not None

            async def countries() -> CheckLine:
                opening._looked_at = float("-inf")  # type: ignore[attr-defined]
                return next(one for one in await opening.look() if one.name == "countries")

            found = await countries()
            assert (found.verdict, found.subject, opening.is_shut) == ("refuse", "bridge", True)
            assert "The field country" in str(found.finding)
            assert "live_processor_country" in str(found.cure)
            assert "recoup --live terms country" in str(found.cure)
            site = NewSite(new_id(), "https://a.example", "A", "A*SHOP")
            made = [new_id(), new_id()]
            for merchant_id, country in zip(made, ("DE", None), strict=True):
                await make_merchant(
                    world, merchant_id, "A", (site,), partner_id=None, country=country
                )
            assert (await countries()).verdict == "refuse", "one merchant has none"
            scope = Scope(made[1], Actor("operator", "test"), "test")
            with pytest.raises(Problem) as refused:
                await change_country(world, scope, "EU")
            assert (refused.value.code, refused.value.field) == ("invalid", "country")
            await change_country(world, scope, "fr")
            assert ((await countries()).verdict, opening.is_shut) == ("pass", False)

    asyncio.run(story())


def test_a_route_is_asked_once_an_hour_and_for_each_configuration(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here:
            world, opening = here.live.world, here.live.world.opening
            assert opening is not None

            async def routes() -> CheckLine:
                opening._looked_at = float("-inf")  # type: ignore[attr-defined]
                return next(one for one in await opening.look() if one.name == "routes")

            async with world.db.connection() as connection:
                await connection.execute(
                    "DELETE FROM live_marks WHERE name LIKE 'route %' OR name = 'waived routes'"
                )
            first = await routes()
            assert (first.verdict, first.subject) == ("pass", "bridge")
            assert "Passed at" in str((await routes()).finding)
            other = Bridge(
                "http://127.0.0.1:9", secret="y" * 32, acceptor_id="a", name="bridge", world="live"
            )
            world.processors.fixed["bridge"] = other  # type: ignore[attr-defined]
            assert (await routes()).verdict == "pass"
            for change in (
                "marked_at = marked_at - interval '61 minutes'",
                "marked_at = now(), mark = 'another'",
            ):
                async with world.db.connection() as connection:
                    await connection.execute(
                        f"UPDATE live_marks SET {change} WHERE name = 'route bridge'"
                    )
                assert (await routes()).verdict == "refuse"
            await other.close()

    asyncio.run(story())


def test_a_mail_server_that_is_away_is_named_before_live_opens(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story() -> None:
        async with both(server, tmp_path) as here, smtp() as (port, _):
            world, opening = here.live.world, here.live.world.opening
            assert opening is not None
            await unwaive(world, ["mail"])

            async def mail(port: int) -> CheckLine:
                opening._looked_at = float("-inf")  # type: ignore[attr-defined]
                object.__setattr__(
                    world,
                    "mail",
                    SmtpMail(SmtpServer("127.0.0.1", port, "pay@x.example", tls="none")),
                )
                return next(one for one in await opening.look() if one.name == "mail")

            refused = await mail(9)
            assert (refused.verdict, refused.finding) == (
                "refuse",
                "The mail server takes no mails: ConnectionRefusedError.",
            )
            assert (await mail(port)).verdict == "pass"

    asyncio.run(story())


class Unwritable(ByHand):
    def file(self, transfer: Transfer) -> BankFile:
        raise OSError(28, "No space left on device")


def test_a_worker_whose_bank_file_cannot_be_written_is_named(
    server: ServerAddress, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with both(
            server, tmp_path, waived=[one for one in WAIVABLE if one != "bank"]
        ) as here:
            opening = here.live.world.opening
            assert opening is not None

            async def bank() -> CheckLine:
                opening._looked_at = float("-inf")  # type: ignore[attr-defined]
                return next(one for one in await opening.look() if one.name == "bank")

            assert (await bank()).verdict == "pass"
            object.__setattr__(here.live.world, "bank", Unwritable())
            assert "No bank file can be written" in str((await bank()).finding)

    asyncio.run(story())


def test_the_verb_says_pass_wait_or_refuse_by_its_exit_code(tmp_path: Path) -> None:
    def recoup(*words: str) -> tuple[int, str]:
        ended = CliRunner().invoke(cli, [*words, "--data-dir", str(tmp_path / "data")])
        return ended.exit_code, ended.output

    assert recoup("live", "check")[0] == 2, "of an installation that is not there"
    (tmp_path / "data").mkdir()
    (tmp_path / "data/recoup.toml").symlink_to("recoup.toml")  # nobody reads a loop, not even root
    code, said = recoup("live", "check")
    assert (code, "refuse  start" in said, "cannot be read" in said) == (2, True, True)
    (tmp_path / "data/recoup.toml").unlink()
    (tmp_path / "data").rmdir()
    assert recoup("live", "init", "--embedded")[0] == 0
    code, said = recoup("live", "check")
    assert code == 2
    assert "refuse  https: Calls come in the clear" in said
    assert (
        "waived  server: The database is on the embedded server. Waived: the embedded server is "
        "meant" in said
    )
    lines = json.loads(recoup("live", "check", "--json")[1])
    assert {one["name"] for one in lines} >= set(LINES) - {"routes", "certificate"}
    assert "bridge has no book" not in recoup("recover", "--look")[1], "there is none"
    assert recoup("--live", "sending", "off", "--reason", "a test")[0] == 0
    assert "a test. When it is mended, run `recoup --live sending on`." in recoup("doctor")[1]
    assert "run `recoup --live sending on`." in recoup("live", "check")[1]
    assert recoup("--live", "sending", "on")[0] == 0
    wrong = ["live", "waive", "schema", "--reason", "x", "--data-dir", str(tmp_path / "data")]
    with pytest.raises(Problem, match="no line that can be waived"):
        CliRunner().invoke(cli, wrong, catch_exceptions=False)
    code, said = recoup("live", "init", "--trial")
    assert code == 0
    assert "Waived in `recoup live check`: https" in said
    assert recoup("live", "check")[0] in (0, 1), "a trial opens, and says what it waives"
    copy = tmp_path / "copy.json"
    copy.write_bytes((tmp_path / "data" / "keys" / "keyring.json").read_bytes())
    home, link = tmp_path / "copies", tmp_path / "link.json"
    write_record(tmp_path / "data", Record(str(home)))
    home.mkdir()
    copies = tmp_path / "data" / "copy.json", home / "copy.json"
    for one in copies:
        one.write_bytes(copy.read_bytes())
    link.hardlink_to(tmp_path / "data" / "keys" / "keyring.json")
    for wrong_copy, why in (
        *((one, f"lies in {one.parent}") for one in copies),
        (link, "itself"),
        (home, "directory"),
    ):
        with pytest.raises(Problem, match=why):
            CliRunner().invoke(
                cli, ["keys", "copied", str(wrong_copy), *wrong[-2:]], catch_exceptions=False
            )
    assert recoup("keys", "copied", str(copy)) == (0, f"{copy} holds all keys in use.\n")
