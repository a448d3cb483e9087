"""Merchants' own accounts at Adyen, Braintree and NMI: connected, charged, rolled; what cannot be
is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from connectors.test_adyen_story import OfAdyen
from connectors.test_braintree_story import OfBraintree
from connectors.test_nmi_story import OfNmi
from tests.rings import each
from tests.routes.flows.test_connect import open_routes, seen
from tests.worlds import Shop, change_world, make_shop, sandbox_world

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.problem import Problem
from recoup.processors.gateways.credential import Stored
from recoup.processors.gateways.kinds import KINDS, secrets_of
from recoup.routes.flows.connect import (
    ChangeRequest,
    ConnectRequest,
    address_of,
    change,
    check,
    connect,
    connectable,
)
from recoup_lab.processors.adyen.account import MERCHANT
from recoup_lab.processors.adyen.server import KEY as ADYEN_KEY
from recoup_lab.processors.adyen.server import SECRET as ADYEN_SECRET
from recoup_lab.processors.braintree.server import ACCOUNTS, PRIVATE, PUBLIC
from recoup_lab.processors.faults import Faults
from recoup_lab.processors.nmi.server import KEY as NMI_KEY
from recoup_lab.processors.nmi.server import SECRET as NMI_SECRET

HMAC = "a" * 64
BY_CURRENCY = " ".join(f"{currency}={id}" for id, currency in ACCOUNTS.items())
VENDORS: dict[str, Any] = {"adyen": OfAdyen, "braintree": OfBraintree, "nmi": OfNmi}
REQUESTS = {
    "adyen": ConnectRequest("adyen", ADYEN_KEY, f"{ADYEN_SECRET} {HMAC}", account=MERCHANT),
    "braintree": ConnectRequest("braintree", f"{PUBLIC}:{PRIVATE}", account=BY_CURRENCY),
    "nmi": ConnectRequest("nmi", NMI_KEY, NMI_SECRET),
}
Story = Callable[[Shop, Any, ConnectRequest], Awaitable[None]]


def run(server: ServerAddress, folder: Path, kind: str, story: Story) -> None:
    async def inside() -> None:
        vendor = VENDORS[kind]()
        await vendor.start(folder, Faults(1))
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            own = shop.world.processors
            opened = open_routes(shop, dict(own))
            url = vendor.standin.url if kind == "adyen" else vendor.standin.address
            await story(shop, vendor, _with(REQUESTS[kind], url=url))
            assert (found := await verify(made[0])).difference is None, found.difference
            await opened.close()
            change_world(made[0], processors=own)
        await vendor.standin.stop()

    asyncio.run(inside())


def _with(request: ConnectRequest, **more: Any) -> ConnectRequest:
    return replace(request, **more)


def hex_of(processor: Any) -> list[str]:
    return [one.hex() for one in processor._secrets]


@pytest.mark.parametrize("kind", list(VENDORS))
def test_connected_and_charged(server: ServerAddress, tmp_path: Path, kind: str) -> None:
    async def story(shop: Shop, vendor: Any, request: ConnectRequest) -> None:
        made = await connect(shop.world, shop.scope, request)
        assert made.state == "connected", made.findings
        assert made.kind == kind
        assert made.account == request.account
        assert (await connect(shop.world, shop.scope, request)).route == made.route
        await seen(shop)
        method = vendor.method(declines=False)
        order_id = await shop.admit(
            pan=None, method=Stored(made.route, method.id, method.customer), currency="USD"
        )
        await shop.advance(timedelta(days=20))
        attempts = await shop.value(
            "SELECT array_agg(state) FROM attempts WHERE order_id = $1", order_id
        )
        assert "declined" not in (attempts or [])
        assert sum(vendor.taken().values()) > 0, attempts
        async with shop.world.db.connection() as connection:
            kept = await connection.fetch("SELECT * FROM card_routes WHERE name = $1", made.route)
            kept += await connection.fetch(
                "SELECT * FROM processor_connections WHERE route = $1", made.route
            )
            kept += await connection.fetch("SELECT * FROM audit_lines")
        for secret in (request.key, *(one for one in request.notice_secret.split())):
            assert secret not in str(kept)

    run(server, tmp_path, kind, story)


def test_a_right_that_is_missing_lets_it_wait_and_an_outage_does_not(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, vendor: Any, request: ConnectRequest) -> None:
        vendor.standin.keys[ADYEN_KEY] = ("/payments",)
        waits = await connect(shop.world, shop.scope, request)
        assert waits.state == "waiting"
        assert any("may not" in one.read[0] for one in waits.findings if not one.ok)
        vendor.standin.keys[ADYEN_KEY] = ()
        assert (await check(shop.world, shop.scope, waits.route)).state == "connected"
        await vendor.standin.stop()
        stays = await check(shop.world, shop.scope, waits.route)
        assert stays.state == "connected"
        assert not all(one.ok for one in stays.findings)

    run(server, tmp_path, "adyen", story)


def test_both_hmac_keys_hold_together_while_the_ones_before_roll_out(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, _: Any, request: ConnectRequest) -> None:
        made = await connect(shop.world, shop.scope, request)
        await seen(shop)
        assert hex_of(shop.world.processors[made.route]) == [ADYEN_SECRET.lower(), HMAC]
        await change(
            shop.world,
            shop.scope,
            made.route,
            ChangeRequest(notice_secret=f"{'b' * 64}, {'c' * 64}"),
        )
        await seen(shop)
        held = hex_of(shop.world.processors[made.route])
        assert held == ["b" * 64, "c" * 64, ADYEN_SECRET.lower(), HMAC]

    run(server, tmp_path, "adyen", story)


def test_a_new_currency_is_added_and_an_old_pair_still_signs(
    server: ServerAddress, tmp_path: Path
) -> None:
    async def story(shop: Shop, _: Any, request: ConnectRequest) -> None:
        made = await connect(shop.world, shop.scope, _with(request, account="EUR=acme_eur"))
        wrong = await change(
            shop.world, shop.scope, made.route, ChangeRequest(account="EUR=acme_usd")
        )
        assert [one.name for one in wrong.findings if not one.ok] == ["account EUR"]
        assert wrong.state == "waiting"
        both = await change(
            shop.world, shop.scope, made.route, ChangeRequest(account="EUR=acme_eur USD=acme_usd")
        )
        assert (both.state, both.account) == ("connected", "EUR=acme_eur USD=acme_usd")
        other = await change(
            shop.world, shop.scope, made.route, ChangeRequest(key="otherpublic:otherprivate")
        )
        assert other.state == "waiting", "the stand-in does not know that pair"
        await seen(shop)
        held = shop.world.processors[made.route]
        assert [one.public for one in held._older] == ["otherpublic", PUBLIC]

    run(server, tmp_path, "braintree", story)


REFUSED: dict[str, tuple[ConnectRequest, str]] = {
    "an Adyen account": (_with(REQUESTS["adyen"], account="my account"), "account"),
    "no Adyen account": (_with(REQUESTS["adyen"], account=""), "account"),
    "an HMAC key": (_with(REQUESTS["adyen"], notice_secret="abc"), "secret"),
    "three HMAC keys": (_with(REQUESTS["adyen"], notice_secret=f"{HMAC} {HMAC} {HMAC}"), "secret"),
    "a live address": (
        _with(REQUESTS["adyen"], url="https://1797-Acme-checkout-live.adyenpayments.com"), "url"
    ),
    "half a pair": (_with(REQUESTS["braintree"], key="standinpublic"), "key"),
    "a pair of three": (_with(REQUESTS["braintree"], key="merchant01:public01:private01"), "key"),
    "no currency": (_with(REQUESTS["braintree"], account="acme"), "account"),
    "another currency": (_with(REQUESTS["braintree"], account="XQZ=acme"), "account"),
    "a short key": (_with(REQUESTS["nmi"], key="short"), "key"),
    "no signing key": (_with(REQUESTS["nmi"], notice_secret=""), "secret"),
    "invoices": (_with(REQUESTS["nmi"], billing="take_over"), "billing"),
    "another kind": (ConnectRequest("paypal", "k" * 20, "s" * 20), "kind"),
    "plain HTTP": (_with(REQUESTS["nmi"], url="http://gateway.example/api"), "url"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_with_the_field_and_without_the_secret(
    server: ServerAddress, tmp_path: Path, name: str
) -> None:
    request, field = REFUSED[name]

    async def inside() -> None:
        async with sandbox_world(server) as made:
            shop = await make_shop(*made)
            with pytest.raises(Problem) as refused:
                await connect(shop.world, shop.scope, request)
            assert refused.value.code == "invalid"
            assert refused.value.field == field
            assert refused.value.cure
            for secret in (request.key, request.notice_secret):
                assert not secret or secret not in f"{refused.value.message} {refused.value.cure}"
            assert await shop.value("SELECT count(*) FROM processor_connections") == 0

    asyncio.run(inside())


@each(
    "prefix", ["", "evil.example/", "x@y", "a b", "1797a841fbb37ca7-Acme.evil", "-checkout", "ab"]
)
def test_a_prefix_is_never_a_host(prefix: str) -> None:
    with pytest.raises(Problem) as refused:
        address_of("adyen", prefix, test=False)
    assert refused.value.field == "prefix"


def test_each_kind_has_an_address_of_its_mode() -> None:
    live = address_of("adyen", "1797a841fbb37ca7-Acme", test=False)
    assert live == "https://1797a841fbb37ca7-Acme-checkout-live.adyenpayments.com"
    for kind in connectable():
        assert address_of(kind, "", test=True) == (KINDS[kind].sandbox_url or KINDS[kind].url)
    assert secrets_of("a,b c") == ("a", "b", "c")
