"""/onboarding: what is done, what is next, and going live by two parties."""

import re
from datetime import timedelta

from tests.settling import terms
from tests.staff import As, portal, post, texts
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.terms.rules.fees import Tariff

_DONE = """
UPDATE api_keys SET first_token_at = now() WHERE merchant_id = $1
"""


async def all_done(shop: Shop) -> None:
    """As if every call had been made: the rows that such calls leave. Each light alone is tested at
    the API."""
    order_id = await shop.admit()
    await shop.advance(timedelta(days=20))
    async with owner(shop.world) as connection:
        await connection.execute(_DONE, shop.merchant_id)
        await connection.execute(
            "UPDATE order_heads SET order_type = 'CIT' WHERE merchant_id = $1 AND order_id = $2",
            shop.merchant_id,
            order_id,
        )
        for statement in (
            "INSERT INTO transmissions (merchant_id, transmit_id, external_id, is_declined, "
            "is_mit, units, asset,"
            " received_at, facts) VALUES ($1, $2, 'SO-1', false, false, 1, 'USD', now(), '{}')",
            "INSERT INTO vault SELECT merchant_id, $2, pan_id, magic, scheme, bin, last4, "
            "exp_month, exp_year, kek_id,"
            " wrapped_dek, nonce, ciphertext, created_at FROM vault WHERE merchant_id = $1 LIMIT 1",
            "INSERT INTO modifications (merchant_id, modification_id, order_id, modification_no, "
            "kind, state, units,"
            f" asset, input_mac, business_at, actor) SELECT $1, $2, '{order_id}', 9, 'refund', "
            f"'done', 1, 'USD',"
            " '', now(), 'x'",
            "INSERT INTO endpoints (merchant_id, endpoint_id, url, events, format, created_at)"
            " VALUES ($1, $2, 'https://x.example', '{}', 'rescue', now())",
            "INSERT INTO delivery_tries (merchant_id, try_id, endpoint_id, subject_id, seq, "
            "event_id, try_no, at,"
            " latency_ms, answer, result) SELECT $1, $2, endpoint_id, endpoint_id, 1, endpoint_id, "
            "1, now(), 1, '',"
            " 'delivered' FROM endpoints WHERE merchant_id = $1",
            "INSERT INTO reconciliation_reports VALUES ($1, $2, now(), now() + interval '100 "
            "years', 1, 0, now())",
        ):
            await connection.execute(statement, shop.merchant_id, _v7())
    await shop.admit()


def _v7() -> object:
    from recoup.kernel.ids import new_id

    return new_id()


def test_a_new_shop_reads_what_is_next(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        clerk, pat = await signed_in("clerk"), await signed_in("pat")
        for client in (clerk, pat):
            page = await client.get("/onboarding")
            told = texts(page)
            assert "0 of 8 done" in told
            assert 'curl "http://recoup.test/v1/oauth2/token"' in told
            assert "Still open: Access token obtained, Transaction copied" in told
            assert "Not yet: fees and settlement. The operator sets them." in told
        assert "Ask to go live" not in (await clerk.get("/onboarding")).text
        await shop.transmitted("SO-77")
        told = texts(await clerk.get("/onboarding"))
        assert "1 of 8 done" in told
        assert "SO-77" in told

    portal(server, story)


def test_going_live_is_asked_by_the_owner_and_decided_by_the_operator(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        boss, ops, olga = await signed_in("owner"), await signed_in("ops"), await signed_in("olga")
        on, to = "/onboarding", "/onboarding"
        answer = await post(boss, on, to, do="ask", kind="mit")
        assert "Still missing: A green checklist; Fees and settlement agreed" in texts(answer, 409)
        await all_done(shop)
        await shop.fees(Tariff(290))
        await terms(shop, period="week")
        told = texts(await boss.get(on))
        assert "8 of 8 done" in told, told
        assert "The owner adds it on Bank account and verifies it." in told
        async with owner(shop.world) as connection:
            await connection.execute(
                "INSERT INTO bank_accounts (merchant_id, account_id, asset, scheme, holder, "
                "masked, sealed, deposits,"
                " state, added_by, added_at) VALUES ($1, $2, 'USD', 'us', 'x', 'x', '', '', "
                "'verified', 'user:x',"
                " now())",
                shop.merchant_id,
                _v7(),
            )
        assert (await post(ops, on, to, do="ask", kind="mit")).status_code == 403
        for kinds in ([], ["loans"], ["mit", "loans"]):
            assert (await post(boss, on, to, do="ask", kind=kinds)).status_code == 400
        assert (await post(boss, on, to, do="ask", kind="mit")).status_code == 303
        assert (await post(boss, on, to, do="ask", kind="mit")).status_code == 409
        request = await _open(shop)
        assert (await post(boss, on, to, do="approve", request=request)).status_code == 403
        assert (await post(olga, on, to, do="refuse", request=request)).status_code == 400, (
            "without a note"
        )
        assert (
            await post(olga, on, to, do="refuse", request=request, note="Call us first.")
        ).status_code == 303
        assert "Call us first." in texts(await boss.get(on))
        assert (await post(olga, on, to, do="approve", request=request)).status_code == 409, (
            "it was decided"
        )
        assert (await post(boss, on, to, do="ask", kind=["mit", "cit_web"])).status_code == 303
        request = await _open(shop)
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE merchants SET cit_web = false, cit_callcenter = false, mit = false"
            )
        assert (await post(olga, on, to, do="approve", request=request)).status_code == 409, (
            "what held must hold still"
        )
        async with owner(shop.world) as connection:
            await connection.execute("UPDATE merchants SET mit = true")
        assert (await post(olga, on, to, do="approve", request=request)).status_code == 303
        assert "Approved" in texts(await boss.get(on))
        assert (await post(boss, on, to, do="withdraw", request=request)).status_code == 409
        for wrong in ({"do": "withdraw", "request": "x"}, {"do": "dance"}):
            assert (await post(boss, on, to, **wrong)).status_code in (400, 404)

    portal(server, story)


async def _open(shop: Shop) -> str:
    sql = "SELECT request_id FROM go_live_requests WHERE merchant_id = $1 AND state = 'asked'"
    return str(await shop.value(sql, shop.merchant_id))


def test_a_foreign_question_is_not_found(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        rita, olga = await signed_in("rita"), await signed_in("olga")
        assert "Rival" in re.sub(r"<[^>]*>", " ", (await rita.get("/onboarding")).text)
        answer = await post(olga, "/onboarding", "/onboarding", do="approve", request=str(_v7()))
        assert answer.status_code == 409

    portal(server, story)
