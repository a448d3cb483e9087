"""The desk of disputes as a browser without a script uses it,
over a sandbox world with its issuer."""

import asyncio
import re
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from tests.disputes.flows.test_compelling_evidence import IP, bought, later
from tests.disputes.flows.test_disputes import a_shop, disputed, notice_of, paid, sent, the_dispute
from tests.people.page.test_portal import HOME, field, sign_in
from tests.shop import PASSWORD
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.disputes.flows.monitoring import watch_monitoring
from recoup.disputes.store import disputes as reads
from recoup.insight.flows.watch_rates import watch_rates
from recoup.main.portal import routes
from recoup.people.flows.make_user import Membership, make_user, register_merchant

Tell = Callable[[Shop, Callable[[str], Awaitable[httpx.AsyncClient]]], Awaitable[None]]
MAYA, ANN, OLGA = "maya@example.test", "ann@example.test", "op@example.test"


def story(server: ServerAddress, tell: Tell) -> None:
    async def inside() -> None:
        async with a_shop(server) as shop:
            await register_merchant(shop.world, shop.merchant_id, "Brightleaf Tea", None)
            for email, name, member in (
                (MAYA, "Maya Okafor", Membership("merchant", shop.merchant_id, "operations")),
                (ANN, "Ann Lyst", Membership("merchant", shop.merchant_id, "analyst")),
                (OLGA, "Olga Operator", Membership("operator", uuid.UUID(int=0), "operations")),
            ):
                await make_user(shop.world, email, name, PASSWORD, [member])
            transport: Any = httpx.ASGITransport(
                app=Starlette(routes=routes(shop.world, shop.orders))
            )
            clients: list[httpx.AsyncClient] = []

            async def as_(email: str) -> httpx.AsyncClient:
                client = httpx.AsyncClient(transport=transport, base_url=HOME)
                clients.append(client)
                await sign_in(client, email)
                return client

            try:
                await tell(shop, as_)
            finally:
                for client in clients:
                    await client.aclose()

    asyncio.run(inside())


def said(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text))


async def post(client: httpx.AsyncClient, page: str, path: str, **form: str) -> httpx.Response:
    csrf = field((await client.get(page)).text, "csrf")
    return await client.post(path, data={"csrf": csrf} | form)


def test_a_dispute_from_its_opening_to_its_end(server: ServerAddress) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya, olga = await as_(MAYA), await as_(OLGA)
        order_id = await paid(shop)
        page = f"/orders/{order_id}"
        assert "Dispute" in (await maya.get(page)).text
        answer = await post(maya, page, f"{page}/dispute", kind="service", amount="20.00")
        assert answer.headers["location"] == f"{page}#disputes"
        text = (await maya.get(page)).text
        assert "Chargeback" in text
        assert "Dispute 1 of 20.00 USD" in text
        assert "Processor sandbox" in text
        assert "processor:" not in text
        assert "25.90 USD can still be refunded" in text
        desk = (await maya.get("/disputes")).text
        found = re.search(r'href="(/disputes/[0-9a-f-]{36})"', desk)
        assert found
        assert "in 13 days" in desk
        here = found[1]
        text = (await maya.get(here)).text
        assert "network transaction" in text, "what we know is suggested"
        assert "#contest" not in text, "nothing is noted yet"
        for note in ("Delivered on Monday.", "<script>alert(1)</script> https://post.example/1"):
            assert (await post(maya, here, f"{here}/notes", note=note)).status_code == 303
        text = (await maya.get(here)).text
        assert "Maya Okafor" in text
        assert "&lt;script&gt;" in text
        assert (await post(maya, here, f"{here}/answer", answer="contest")).status_code == 303
        assert "on its way" in (await maya.get(here)).text
        await shop.run_due()
        assert "Answered" in (await maya.get(here)).text
        assert (await post(maya, here, f"{here}/decide", decided="won")).status_code == 403
        assert "Decide for you" in (await olga.get(here)).text
        assert (await post(olga, here, f"{here}/decide", decided="won")).status_code == 303
        text = (await maya.get(here)).text
        assert "Dispute 1 won: 20.00 USD came back" in text
        assert here in (await maya.get("/disputes?view=won&kind=service")).text
        assert here not in (await maya.get("/disputes?view=won&kind=fraud")).text
        assert (await shop.order(order_id))["status"] == 7

    story(server, tell)


def test_who_accepts_a_dispute_reads_whose_it_is_and_is_not_asked_for_evidence_afterwards(
    server: ServerAddress,
) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya, order_id = await as_(MAYA), await paid(shop)
        await disputed(shop, order_id, kind="fraud")
        here = f"/disputes/{(await the_dispute(shop, order_id))['dispute_id']}"
        assert (
            await post(maya, here, f"{here}/notes", note="Delivered on Monday.")
        ).status_code == 303
        page = (await maya.get(here)).text
        for dialog in ("contest", "accept"):
            asked = said(
                re.findall(rf'<dialog class="dialog" id="{dialog}".*?</dialog>', page, re.S)[0]
            )
            assert (
                f"Order {(await shop.order(order_id))['external_id']} Customer A••• R•••, p•••@•••"
                in asked
            )
            assert "Card Mastercard ••••" in asked
        assert "If you win" not in page
        assert "come back to the operator, who bears the loss otherwise" in page
        assert (await post(maya, here, f"{here}/answer", answer="accept")).status_code == 303
        for _ in range(2):
            page = (await maya.get(here)).text
            assert "add your evidence first" not in page
            assert 'name="note"' not in page
            assert 'name="file"' not in page
            await shop.run_due()
        assert (await the_dispute(shop, order_id))["state"] == "accepted"

    story(server, tell)


def test_what_cannot_be_done_is_said(server: ServerAddress) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya, ann = await as_(MAYA), await as_(ANN)
        order_id = await paid(shop)
        await disputed(shop, order_id)
        here = f"/disputes/{(await the_dispute(shop, order_id))['dispute_id']}"
        for client, path, form, status, words in (
            (maya, "notes", {"note": " "}, 400, "1 to 4000 characters"),
            (maya, "notes", {"note": "x" * 4001}, 400, "1 to 4000 characters"),
            (maya, "answer", {"answer": "contest"}, 400, "no evidence yet"),
            (maya, "answer", {"answer": "perhaps"}, 400, "with contest or accept"),
            (ann, "notes", {"note": "hello"}, 403, "may not answer disputes"),
            (ann, "answer", {"answer": "accept"}, 403, "may not answer disputes"),
            (ann, "decide", {"decided": "won"}, 403, "Only the operator"),
        ):
            answer = await post(client, "/disputes", f"{here}/{path}", **form)
            assert (answer.status_code, words in answer.text) == (status, True), (path, form)
        order = f"/orders/{order_id}"
        for kind, amount, status in (
            ("service", "x", 400),
            ("gift", "", 400),
            ("service", "9999", 409),
        ):
            answer = await post(maya, order, f"{order}/dispute", kind=kind, amount=amount)
            assert (answer.status_code, "Timeline" in answer.text) == (status, True), (
                "said on the order's page"
            )
        assert (await maya.post(f"{here}/answer", data={"answer": "accept"})).status_code == 403
        for path in (f"/disputes/{uuid.uuid4()}", "/disputes/nonsense"):
            assert (await maya.get(path)).status_code == 404
        assert (await maya.get("/disputes?view=x&kind=y&from=-1")).status_code == 200
        assert (await the_dispute(shop, order_id))["state"] == "open"
        await shop.advance(timedelta(days=15))
        answer = await post(maya, "/disputes", f"{here}/answer", answer="accept")
        assert (answer.status_code, "cannot be answered" in answer.text) == (409, True)

    story(server, tell)


def test_notices_that_fit_no_charge_are_the_operators(server: ServerAddress) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya, olga = await as_(MAYA), await as_(OLGA)
        order_id = await paid(shop)
        await sent(shop, await notice_of(shop, order_id, noticeId="n-lie", amount=999_999))
        assert "fit no charge" not in (await maya.get("/disputes")).text
        text = (await olga.get("/disputes")).text
        assert "More than the charge has left" in text
        again = await post(
            olga, "/disputes", "/disputes/notices", route="sandbox", notice="n-lie", what="again"
        )
        assert (again.status_code, "still matches no charge" in again.text) == (409, True)
        refused = await post(
            maya, "/disputes", "/disputes/notices", route="sandbox", notice="n-lie", what="done"
        )
        assert refused.status_code == 403
        assert (
            await post(
                olga, "/disputes", "/disputes/notices", route="sandbox", notice="n-lie", what="done"
            )
        ).status_code == 303
        assert "fit no charge" not in (await olga.get("/disputes")).text

    story(server, tell)


def test_the_desk_counts_as_far_as_it_says(
    server: ServerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Disputes of years are not counted for each look at the desk."""
    monkeypatch.setattr(reads, "COUNTED_MAX", 2)

    async def tell(shop: Shop, as_: Any) -> None:
        maya = await as_(MAYA)
        for number, said in enumerate(("1", "2", "2+"), 1):
            await disputed(shop, await paid(shop))
            page = re.sub(
                r"\s+", " ", re.sub(r"<[^>]*>", " ", (await maya.get("/disputes?view=all")).text)
            )
            assert f"Open {said} Answered" in page, number
            assert f"All {said} " in page, number

    story(server, tell)


async def handed_in(
    client: httpx.AsyncClient, dispute_id: Any, name: str, content: bytes
) -> httpx.Response:
    page = f"/disputes/{dispute_id}"
    csrf = field((await client.get(page)).text, "csrf")
    return await client.post(
        f"{page}/files", data={"csrf": csrf}, files={"file": (name, content, "text/html")}
    )


def test_evidence_is_handed_in_as_files_and_never_shown_inside_a_page(
    server: ServerAddress,
) -> None:
    """What a browser or a name calls a file is only words."""

    async def tell(shop: Shop, as_: Any) -> None:
        async with owner(shop.world) as connection:
            await connection.execute(
                'UPDATE merchants SET sight = sight || \'{"operations": "shown"}\''
            )
        await asyncio.sleep(1.1)  # until the portal reads a merchant's settings again
        maya, ann, olga = await as_(MAYA), await as_(ANN), await as_(OLGA)
        order_id = await paid(shop)
        await disputed(shop, order_id)
        dispute_id = (await the_dispute(shop, order_id))["dispute_id"]
        page = f"/disputes/{dispute_id}"
        card = " ".join(("4111", "1111", "1111", "1111"))
        for content, why in (
            (b"MZ\x90\0", "nor plain text"),
            (b"", "is empty"),
            (card.encode(), "a card number"),
        ):
            refused = await handed_in(maya, dispute_id, "x.pdf", content)
            assert refused.status_code == 400
            assert why in refused.text
        assert (await handed_in(ann, dispute_id, "x.txt", b"delivered")).status_code == 403
        made = await handed_in(maya, dispute_id, 'a"b<script>.html', b"<script>alert(1)</script>")
        assert made.headers["location"] == f"{page}#evidence"
        seen = (await maya.get(page)).text
        assert "<script>alert" not in seen
        assert 'href="#contest"' in seen, "a file alone is evidence"
        link = re.search(rf'href="({page}/files/[^"]+)"', seen)
        assert link
        file = await maya.get(link[1])
        assert file.content == b"<script>alert(1)</script>"
        assert file.headers["content-type"] == "text/plain; charset=utf-8"
        assert file.headers["content-disposition"].startswith("attachment; filename=")
        assert file.headers["x-content-type-options"] == "nosniff"
        assert (await olga.get(link[1])).status_code == 200
        assert link[1] not in (await ann.get(page)).text
        assert (await ann.get(link[1])).status_code == 403, (
            "who sees customers only in part opens no file"
        )
        assert (await maya.get(f"{page}/files/{uuid.uuid4()}")).status_code == 404
        for n in range(4):
            assert (await handed_in(maya, dispute_id, "x.txt", b"proof %d" % n)).status_code == 303
        assert "at most 5 files" in (await handed_in(maya, dispute_id, "x.txt", b"one more")).text

    story(server, tell)


def test_a_case_shows_which_earlier_payments_answer_it(server: ServerAddress) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya = await as_(MAYA)
        first, second = await bought(shop), await bought(shop)
        await later(shop, 125)
        third = await bought(shop)
        await disputed(shop, third)
        case = await the_dispute(shop, third)
        here = f"/disputes/{case['dispute_id']}"
        text = (await maya.get(here)).text
        assert all(f"/orders/{one}" in text for one in (first, second))
        assert "part of the answer" in text
        assert "IP address" in text
        assert "Customer account" in text
        assert IP not in text
        assert "125 days before" in text
        assert "#contest" in text, "it is evidence by itself"
        await disputed(shop, first)
        text = (await maya.get(here)).text
        assert "does not qualify" in text
        assert "It was disputed itself." in text
        assert "It counts, but a second one is missing." in text
        assert "<code>customerIp</code>" in text

    story(server, tell)


def test_a_merchant_sees_where_it_stands_in_the_networks_programmes(server: ServerAddress) -> None:
    async def tell(shop: Shop, as_: Any) -> None:
        maya = await as_(MAYA)
        assert "Nothing counted yet" in (await maya.get("/monitoring")).text
        order_id = await bought(shop)
        await disputed(shop, order_id)
        await watch_rates(shop.world)
        await watch_monitoring(shop.world)
        text = (await maya.get("/monitoring")).text
        for said in ("Visa VAMP excessive", "1,500, 1.50 %", "100.00 %", "Below", "Counted"):
            assert said in text, said

    story(server, tell)
