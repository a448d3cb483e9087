"""The operator looks as somebody of a shop: what is seen, what may be done, who hears of it, and
how it ends."""

import asyncio
import html
import json
import re
from datetime import timedelta

import httpx
import pytest
from tests.rescue.flows.test_challenges import challenged
from tests.staff import As, portal, post, texts, token
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.people.flows.mails import send_impersonation_mails

REASON = "Case 4711: the shop asks why an order waits"
BAND = "IMPERSONATING"


async def choose(olga: httpx.AsyncClient, shop: Shop) -> None:
    assert (
        await post(olga, "/orders", "/merchant", merchant=str(shop.merchant_id))
    ).status_code == 303


async def look(
    olga: httpx.AsyncClient, shop: Shop, name: str = "Ops", *, act: bool = False, **fields: str
) -> httpx.Response:
    """`name`: a member's name, or a role with a small letter."""
    await choose(olga, shop)
    page = (await olga.get("/look-as")).text
    found = re.search(rf'<option value="([^"]*)"[^>]*>{name}(,|<)', page)
    assert found, page
    asked = {"whom": found[1], "reason": REASON, "minutes": "15"} | ({"act": "yes"} if act else {})
    return await post(olga, "/look-as", "/look-as", **(asked | fields))


async def people_sql(shop: Shop, sql: str, *values: object) -> None:
    async with shop.world.people.connection() as connection:
        await connection.execute(sql, *values)


async def log_of(client: httpx.AsyncClient, query: str = "") -> list[dict[str, object]]:
    told: list[dict[str, object]] = json.loads((await client.get(f"/audit.json?{query}")).text)
    return told


def test_it_shows_the_portal_as_they_see_it_and_changes_nothing(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        order_id = await shop.admit()
        assert (await look(olga, shop)).status_code == 303
        page = texts(await olga.get(f"/orders/{order_id}"))
        for said in (BAND, "Ops", "view only", "You are Olga"):
            assert said in page, said
        assert "Impersonate" not in page, "the operator's own pages are gone"
        assert "Bank payouts" not in texts(await olga.get("/approvals"))
        assert (await olga.get("/audit")).status_code == 403, "operations do not see the log"
        refused = await post(olga, f"/orders/{order_id}", f"/orders/{order_id}/cancel")
        assert refused.status_code == 403
        assert "View only: nothing was done." in texts(refused, 403)
        assert BAND in texts(refused, 403), "on pages of errors, too"
        assert "Cancelled" not in texts(await ada.get(f"/orders/{order_id}"))
        for path in ("/invitations", "/partner", "/look-as"):
            answer = await olga.get(path)
            assert answer.status_code == 403, path
        nested = await post(
            olga, "/orders", "/look-as", whom="role:owner", reason=REASON, minutes="15"
        )
        assert nested.status_code == 403
        assert (
            await post(olga, "/orders", "/merchant", merchant=str(shop.merchant_id))
        ).status_code == 403
        assert (await post(olga, "/orders", "/look-as/end")).status_code == 303
        page = texts(await olga.get("/orders"))
        assert BAND not in page
        assert "Approvals" in page

    portal(server, story)


def test_the_owner_reads_it_and_gets_a_mail(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        assert (await look(olga, shop, "analyst", act=True)).status_code == 303
        assert await send_impersonation_mails(shop.world) == 1
        assert await send_impersonation_mails(shop.world) == 0
        async with owner(shop.world) as connection:
            mails = await connection.fetch("SELECT recipient, subject, text FROM mailbox.mails")
        mail = next(one for one in mails if one["recipient"] == "owner@example.test")
        for said in ("Olga, operator staff", "the role Analyst", REASON, "They may act"):
            assert said in mail["text"], said
        assert (await post(olga, "/orders", "/look-as/end")).status_code == 303
        read = texts(await ada.get("/audit?kind=people"))
        assert "started to impersonate somebody" in read
        assert "ended an impersonation" in read
        assert REASON in read
        assert "Olga (the operator)" in read

    portal(server, story)


def test_an_act_is_logged_under_both_names(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        order_id = await shop.admit()
        assert (await look(olga, shop, act=True)).status_code == 303
        assert "actions allowed" in texts(await olga.get("/orders"))
        done = await post(olga, f"/orders/{order_id}", f"/orders/{order_id}/hold", reason="check")
        assert done.status_code == 303
        assert (
            await post(olga, "/switches", "/switches/unknown-sites", unknown="refuse")
        ).status_code == 303
        lines = [
            line
            for line in await log_of(ada)
            if line["action"] in ("order.held", "unknown_sites.changed")
        ]
        assert {line["who"] for line in lines} == {"Olga, operator staff, as Ops"}
        assert len(lines) == 2
        assert "Olga, operator staff, as Ops" in texts(await ada.get(f"/orders/{order_id}"))
        # never, tick or not
        for path, fields in (
            ("/keys", {"kind": "api", "overlap": "keep"}),
            ("/keys/signing", {"which": "shared", "overlap": "0"}),
            (
                "/bank",
                {"holder": "H", "currency": "USD", "routing": "011000015", "account": "12345678"},
            ),
            ("/invitations", {"subject": "merchant", "email": "x@example.test", "role": "owner"}),
            ("/orders/look", {"zone": "Asia/Tokyo", "back": "/orders"}),
            ("/world", {"next": "/orders"}),
        ):
            answer = await post(olga, "/orders", path, **fields)
            assert answer.status_code == 403, path
            assert (
                "cannot be done while you impersonate" in texts(answer, 403)
                or path == "/invitations"
            ), path

    portal(server, story)


def test_its_time_runs_out_also_in_the_middle_of_a_form(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        order_id = await shop.admit()
        assert (await look(olga, shop, act=True)).status_code == 303
        csrf = await token(olga, f"/orders/{order_id}")
        await _age(shop)
        answer = await olga.post(f"/orders/{order_id}/cancel", data={"csrf": csrf})
        assert answer.status_code == 403, "as herself Olga might; this form was another's"
        assert "Your impersonation is over; nothing was done." in texts(answer, 403)
        assert BAND not in texts(await olga.get("/orders"))
        assert "Cancelled" not in texts(await ada.get(f"/orders/{order_id}"))
        read = texts(await ada.get("/audit?kind=people"))
        assert "time was up" in read
        assert (await look(olga, shop)).status_code == 303, "another may begin"

    portal(server, story)


async def _age(shop: Shop) -> None:
    """As the owner of the database: the look began an hour ago."""
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(shop.world.people_dsn)
    try:
        await connection.execute(
            "UPDATE impersonations"
            " SET began_at = began_at - interval '1 hour', expires_at = expires_at - interval '1 "
            "hour'"
        )
    finally:
        await connection.close()


@pytest.mark.parametrize(
    "how", ["by hand elsewhere", "sign-out", "operator no more", "member no more"]
)
def test_it_ends_and_a_form_of_it_does_nothing_any_more(server: ServerAddress, how: str) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        order_id = await shop.admit()
        assert (await look(olga, shop, act=True)).status_code == 303
        csrf = await token(olga, f"/orders/{order_id}")
        if how == "by hand elsewhere":
            assert (await olga.post("/look-as/end", data={"csrf": csrf})).status_code == 303
        elif how == "sign-out":
            assert (await olga.post("/signout", data={"csrf": csrf})).status_code == 303
        elif how == "operator no more":
            await people_sql(shop, "DELETE FROM memberships WHERE subject_kind = 'operator'")
        else:
            await people_sql(
                shop,
                "DELETE FROM memberships m USING users u "
                "WHERE u.user_id = m.user_id AND email = $1",
                "ops@example.test",
            )
        answer = await olga.post(f"/orders/{order_id}/hold", data={"csrf": csrf, "reason": "check"})
        assert answer.status_code in (403, 303), answer.text
        if answer.status_code == 303:
            assert answer.headers["location"].startswith("/signin")
        assert "On hold" not in texts(await ada.get(f"/orders/{order_id}"))
        told = [
            line["facts"]
            for line in await log_of(ada, "kind=people")
            if line["action"] == "look.ended"
        ]
        words = {
            "by hand elsewhere": "by hand",
            "sign-out": "signed out",
            "operator no more": "the operator’s no more",
            "member no more": "a member no more",
        }
        assert told == [{"how": words[how]}]

    portal(server, story)


def test_two_forms_at_once_begin_one(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        await choose(olga, shop)
        csrf = await token(olga, "/look-as")
        data = {"csrf": csrf, "whom": "role:owner", "reason": REASON, "minutes": "60"}
        answers = await asyncio.gather(*(olga.post("/look-as", data=data) for _ in range(6)))
        assert sorted(answer.status_code for answer in answers).count(303) == 1
        async with shop.world.people.connection() as connection:
            assert await connection.fetchval("SELECT count(*) FROM impersonations") == 1

    portal(server, story)


def test_what_was_typed_wrongly_is_named_and_kept(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga = await signed_in("olga")
        for fields, said in (
            ({"reason": "short"}, "Say why, in 10 to 300 characters."),
            ({"reason": f"card {'4242 ' * 4}of a customer"}, "holds a card number"),
            ({"minutes": "600"}, "Choose 15, 30, 60 minutes."),
            ({"whom": "user:nobody"}, "Choose a person or a role."),
            ({"whom": f"user:{shop.merchant_id}"}, "This person is not a member of the merchant."),
        ):
            answer = await look(olga, shop, **fields)
            assert answer.status_code == 400, fields
            assert said in texts(answer, 400)
            if "reason" not in fields:
                assert REASON in html.unescape(answer.text), "what was typed is kept"

    portal(server, story)


def test_nobody_but_the_operators_owner_and_operations_may(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        for name in ("owner", "ops", "pat"):
            client = await signed_in(name)
            assert (await client.get("/look-as")).status_code == 403, name
            asked = {"whom": "role:owner", "reason": REASON, "minutes": "15"}
            assert (await post(client, "/orders", "/look-as", **asked)).status_code == 403, name
            assert 'href="/look-as"' not in (await client.get("/orders")).text
        await people_sql(
            shop, "UPDATE memberships SET role = 'analyst' WHERE subject_kind = 'operator'"
        )
        olga = await signed_in("olga")
        assert (await olga.get("/look-as")).status_code == 403

    portal(server, story)


def test_the_second_person_is_another_person_whomever_they_act_as() -> None:
    from recoup.kernel.problem import Problem  # noqa: PLC0415
    from recoup.terms.rules.settlement import check_second  # noqa: PLC0415

    check_second("user:a by operator:o", "user:b", "It")
    for first, second in (
        ("user:a by operator:o", "user:o"),
        ("operator:o", "user:b by operator:o"),
        ("user:a by operator:o", "user:a"),
        ("user:a", "operator:a"),
    ):
        with pytest.raises(Problem):
            check_second(first, second, "It")


def test_an_hour_is_the_most() -> None:
    from recoup.people.rules.impersonation import MINUTES, check_minutes  # noqa: PLC0415

    assert max(check_minutes(str(minutes)) for minutes in MINUTES) == timedelta(hours=1)


def test_who_only_looks_is_not_led_to_the_customers_own_page(server: ServerAddress) -> None:
    """Whoever opens it pays, or says no."""

    async def story(shop: Shop, signed_in: As) -> None:
        page, link = f"/orders/{(await challenged(shop)).order_id}", 'href="/checkout/'
        for who in ("clerk", "dev", "pia"):
            answer = await (await signed_in(who)).get(page)
            assert "Link for the customer" in answer.text
            assert link not in answer.text, who
        assert link in (await (await signed_in("ops")).get(page)).text
        olga = await signed_in("olga")
        await choose(olga, shop)
        await look(olga, shop)
        assert "Link for the customer" in (await olga.get(page)).text
        assert link not in (await olga.get(page)).text
        await post(olga, page, "/look-as/end")
        await look(olga, shop, act=True)
        assert link in (await olga.get(page)).text

    portal(server, story)


def test_the_mail_is_in_the_owners_language_and_zone(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, ada = await signed_in("olga"), await signed_in("owner")
        for chosen in ({"language": "de"}, {"zone": "Asia/Kolkata"}):
            assert (await post(ada, "/account/time", "/account/time", **chosen)).status_code == 303
        assert (await look(olga, shop, "analyst")).status_code == 303
        await send_impersonation_mails(shop.world)
        async with owner(shop.world) as connection:
            [mail] = await connection.fetch(
                "SELECT subject, text FROM mailbox.mails WHERE recipient LIKE 'owner@%'"
            )
        assert mail["subject"] == "Der Betreiber sieht sich Brightleaf Tea an"
        for said in (
            "mit der Rolle Analyst",
            f"Grund: {REASON}",
            "Asia/Kolkata",
            "Er kann nichts ändern.",
        ):
            assert said in mail["text"], said

    portal(server, story)
