"""Applications in the portal: a partner applies, the operator decides, the merchant is there."""

import re

import httpx
from tests.staff import As, portal, post, texts, token
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.onboarding.flows.register import register

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"
FIELDS: dict[str, object] = {
    "legal_name": "Brightleaf Tea Ltd",
    "country": "gb",
    "registration_number": "09876543",
    "business_category": "5499",
    "contact_name": "Ana <b>Roe</b>",
    "contact_email": "ana@brightleaf.example",
    "currency": "GBP",
    "monthly": "45,000.50",
    "kind": ["mit", "cit_web"],
    "external_id": "crm-1",
    "site_url_0": "https://leaf2.example",
    "site_name_0": "Leaf",
    "site_descriptor_0": "BRIGHTLEAF*TEA",
}


async def begun(client: httpx.AsyncClient) -> str:
    answer = await post(client, "/applications", "/applications")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def attached(
    client: httpx.AsyncClient, here: str, content: bytes = PDF, name: str = "x.pdf"
) -> httpx.Response:
    data = {"csrf": await token(client, here), "kind": "registration"}
    return await client.post(
        f"{here}/documents", data=data, files={"file": (name, content, "text/html")}
    )


async def submitted(client: httpx.AsyncClient, **more: object) -> str:
    here = await begun(client)
    assert (await attached(client, here)).status_code == 303
    answer = await post(client, here, here, do="submit", **(FIELDS | more))
    assert answer.status_code == 303, texts(answer, 400)
    return here


def test_a_partner_applies_and_gets_its_merchant(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, olga, rita = await signed_in("pat"), await signed_in("olga"), await signed_in("rita")
        here = await begun(pat)
        answer = await post(pat, here, here, do="submit", legal_name="Brightleaf Tea Ltd")
        assert "Still missing: Country; Registration number; Merchant category code" in texts(
            answer, 400
        )
        assert "document: Extract from the commercial register" in texts(answer, 400)
        assert "Brightleaf Tea Ltd" in (await pat.get(here)).text, "it was saved"
        assert (await attached(pat, here)).status_code == 303
        answer = await post(pat, here, here, do="submit", **FIELDS)
        assert answer.status_code == 303, texts(answer, 400)
        page = await pat.get(here)
        assert "Submitted" in texts(page)
        assert "45000.50 GBP" in texts(page)
        assert "<b>Roe" not in page.text
        document = re.search(rf"{here}/documents/[0-9a-f-]+", page.text)
        assert document
        file = await olga.get(document[0])
        assert (file.content, file.headers["content-type"]) == (PDF, "application/pdf")
        assert file.headers["content-disposition"] == 'attachment; filename="x.pdf"'
        assert (
            (await rita.get(document[0])).status_code == (await rita.get(here)).status_code == 404
        )
        assert "Brightleaf Tea Ltd" in texts(await olga.get("/applications?status=submitted"))
        assert "Brightleaf Tea Ltd" not in texts(await rita.get("/applications"))
        answer = await post(pat, here, here, do="approve")
        assert answer.status_code == 403
        answer = await post(olga, here, here, do="approve", note="Welcome")
        assert answer.status_code == 303, answer.text
        answer = await post(pat, here, here, do="convert")
        assert answer.status_code == 303, answer.text
        page = await pat.get(here)
        assert "The merchant exists" in texts(page)
        assert re.search(r'href="http://recoup.test/handover/[^"]{64}"', page.text)
        assert "/handover/" not in (await olga.get(here)).text, (
            "the operator needs no credentials of merchants"
        )
        mid = re.search(r"<code>([0-9a-f-]{36})</code>", page.text)
        assert mid
        merchant = await shop.value(
            "SELECT merchant_id FROM merchants WHERE merchant_id = $1::text::uuid", mid[1]
        )
        await register(shop.world, merchant)
        assert "Brightleaf Tea Ltd" in (await pat.get("/orders")).text

    portal(server, story)


def test_a_merchants_people_apply_by_their_roles(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        owner, clerk, dev, ops = [
            await signed_in(name) for name in ("owner", "clerk", "dev", "ops")
        ]
        here = await submitted(owner)
        for client in (clerk, dev):
            assert "Brightleaf Tea Ltd" in texts(await client.get("/applications"))
            assert "New application" not in (await client.get("/applications")).text
            for to, fields in (
                ("/applications", {}),
                (here, {"do": "cancel"}),
                (here, {"do": "save"}),
            ):
                answer = await post(client, "/applications", to, **fields)
                assert answer.status_code == 403, (to, fields)
        answer = await post(ops, here, here, do="save", **FIELDS)
        assert "The application is SUBMITTED and cannot be changed" in texts(answer, 409)
        assert (await attached(ops, here, PDF + b"2\n%%EOF")).status_code == 409
        assert (await post(ops, here, here, do="cancel")).status_code == 303
        assert "Cancelled" in texts(await owner.get(here))

    portal(server, story)


def test_a_decline_is_read_by_who_applied(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, olga = await signed_in("pat"), await signed_in("olga")
        here = await submitted(pat)
        assert "Give a reason for declining" in texts(
            await post(olga, here, here, do="decline"), 400
        )
        assert (
            await post(olga, here, here, do="decline", reason="risk", note="Too new.")
        ).status_code == 303
        told = texts(await pat.get(here))
        assert "Declined: The risk is more than the operator takes." in told
        assert "Too new." in told
        assert (await post(olga, here, here, do="approve")).status_code == 409

    portal(server, story)


def test_a_paused_partners_people_look_and_change_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat = await signed_in("pat")
        here = await begun(pat)
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE partners SET state = 'paused'")
        assert (await pat.get(here)).status_code == 200
        assert (await post(pat, "/applications", "/applications")).status_code == 403
        for doing in ("save", "submit", "cancel"):
            assert "This partner is paused" in texts(await post(pat, here, here, do=doing), 403)
        assert (await attached(pat, here)).status_code == 403

    portal(server, story)


def test_bad_forms_are_told_and_lose_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        pat, pia = await signed_in("pat"), await signed_in("pia")
        here = await begun(pat)
        answer = await post(
            pat,
            here,
            here,
            do="save",
            legal_name="Kept Ltd",
            country="zz",
            contact_email="x",
            monthly="5",
            currency="GBP",
        )
        told = texts(answer, 400)
        assert "ISO 3166" in told
        assert "no e-mail address" in told
        assert "Kept Ltd" in answer.text
        assert (
            await post(pat, here, here, do="save", monthly="many", currency="GBP")
        ).status_code == 400
        assert (await post(pat, here, here, do="explode")).status_code == 400
        for content, name in (
            (b"MZ", "a.pdf"),
            (b"", "a.pdf"),
            (PDF + b"x" * (700 << 10), "a.pdf"),
        ):
            assert (await attached(pat, here, content, name)).status_code == 400
        assert (
            await pat.post(f"{here}/documents", data={"csrf": "x"}, files={"file": ("a", PDF)})
        ).status_code == 403
        assert (await pat.post(here, data={"csrf": "x", "do": "cancel"})).status_code == 403
        for path in ("/applications/x", "/applications/" + "0" * 32, f"{here}/documents/x"):
            assert (await pat.get(path)).status_code == 404
        assert (await post(pia, "/applications", here, do="cancel")).status_code == 403, (
            "an analyst looks"
        )
        nobody = await signed_in("")
        assert (await nobody.get(here)).headers["location"].startswith("/signin?next=")

    portal(server, story)
