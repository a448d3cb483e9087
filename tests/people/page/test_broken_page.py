"""A page that breaks on our side: whoever waits gets its number; the log what broke and where, and
nothing it held."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.log_lines import plain_logs
from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.main.logs import start_logs
from recoup.merchants.flows.merchant_cache import Merchants
from recoup.people.page import partner_visit as partner
from recoup.people.page import signin
from recoup.people.page.account import profile

HELD = "erika@example.test paid 45.90"


@pytest.fixture(autouse=True)
def usual_logs() -> Iterator[None]:
    yield
    plain_logs()


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError(HELD)


@pytest.mark.parametrize(
    ("who", "path", "where", "name"),
    [
        ("owner", "/mailbox", Merchants, "get"),
        ("pat", "/partner", partner, "read_partner"),
        ("owner", "/account", profile, "account_lines"),
        ("", "/signin", signin, "takes_sign_ups"),
    ],
    ids=["merchant", "partner", "account", "nobody yet"],
)
def test_the_page_has_its_number_and_the_log_the_place(
    server: ServerAddress,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    who: str,
    path: str,
    where: object,
    name: str,
) -> None:
    async def story(shop: Shop, as_: As) -> None:
        client = await as_(who)
        assert (await client.get(path)).status_code == 200
        monkeypatch.setattr(where, name, broken)
        start_logs("error")
        said = texts(await client.get(path), 500)
        (line,) = [json.loads(one) for one in capsys.readouterr().err.splitlines()]
        assert line["event"] == "page failed"
        assert f"Something went wrong on our side. Its request id is {line['request']}." in said
        assert any(one.endswith(" broken") for one in line["where"])
        assert HELD not in said + json.dumps(line)

    portal(server, story)
