"""The audit log's page: what stands in it, who reads it, how it is narrowed,
paged and taken out."""

import csv
import io
import json
import re
from datetime import timedelta

import httpx
from tests.shop import plain
from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.audit.rules import ACTIONS, NOUNS
from recoup.audit.store import OF_MERCHANT, ORDERS
from recoup.db.migrate import schema_sql
from recoup.db.server import ServerAddress
from recoup.desk.page.audit_words import OTHERS, SECTIONS
from recoup.kernel.scope import Scope
from recoup.onboarding.rules.application import STEPS
from recoup.orders.rules.lifecycle import FACTS
from recoup.orders.rules.lifecycle import STEPS as ORDER_STEPS
from recoup.people.rules.account_words import HAPPENINGS
from recoup.switches.flows.campaigns import set_policy

# What the machine, the processor or the payer does to an order, or what follows from an act that
# has its own line.
_MACHINES = frozenset(
    [
        "advanced",
        "amount_changed",
        "billing_stopped",
        "invoice_credited",
        "invoice_gone",
        "invoice_uncollectible",
        "invoice_voided",
        "subscription_cancelled",
        "subscription_paused",
        "approved_late",
        "attempt_approved",
        "attempt_declined",
        "attempt_not_sent",
        "attempt_sent",
        "attempt_unknown",
        "attempt_withheld",
        "authorised",
        "began",
        "broke",
        "payer_redirected",
        "payer_refused",
        "capture_delayed",
        "capture_refused",
        "capture_ended",
        "capture_failed",
        "capture_window_ended",
        "part_captured",
        "part_collected",
        "part_owed_back",
        "parts_kept",
        "refund_due_again",
        "refund_failed",
        "reversal_due_again",
        "reversal_failed",
        "captured",
        "challenge_answered",
        "challenge_failed",
        "challenge_offered",
        "challenge_passed",
        "challenge_refused",
        "challenge_timed_out",
        "challenge_tried",
        "challenged",
        "charge_planned",
        "charged",
        "collected",
        "declined",
        "dispute_answer_delayed",
        "dispute_answer_refused",
        "dispute_answered",
        "dispute_continued",
        "dispute_inquiry",
        "dispute_lost",
        "dispute_reversed",
        "early_warning",
        "dispute_opened",
        "dispute_warned",
        "dispute_won",
        "expired",
        "inquiry_closed",
        "mended",
        "mandate_renewed",
        "mandate_revoked",
        "merchant_attempt",
        "paid_elsewhere",
        "paid_late",
        "paid_twice",
        "received",
        "refund_delayed",
        "refund_netted",
        "refund_of_bad_debt",
        "refund_request_expired",
        "refund_sent",
        "refund_stuck",
        "reversal_delayed",
        "reversal_netted",
        "reversal_owed_again",
        "reversal_refused",
        "reversal_stuck",
        "settled",
        "settlement_delayed",
        "settlement_due",
        "settlement_stuck",
        "started",
        "uncollected",
        "void_delayed",
        "void_owed",
        "void_stuck",
        "voided",
        "warned",
        "came_back",
        "overpaid",
        "taken_back",
        "unexplained",
        "unseen",
        "wrong_token",
        "wrong_token_swept",
    ]
)  # noqa: SIM905 - read as a list


async def _acts(shop: Shop, ada: httpx.AsyncClient) -> str:
    """Several kinds of acts; answers the order's id."""
    order_id = await shop.admit()
    assert (await post(ada, f"/orders/{order_id}", f"/orders/{order_id}/cancel")).status_code == 303
    assert (
        await post(
            ada,
            "/switches",
            "/switches",
            flip=f"merchant:{shop.merchant_id}:mit:off",
            why="a pause",
        )
    ).status_code == 303
    assert (
        await post(ada, "/switches", "/switches/unknown-sites", unknown="refuse")
    ).status_code == 303
    assert (
        await post(
            ada,
            "/invitations",
            "/invitations",
            subject="merchant",
            email="new@example.test",
            role="analyst",
        )
    ).status_code == 303
    return str(order_id)


def test_the_owner_reads_who_did_what_to_which_object(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ada = await signed_in("owner")
        order_id = await _acts(shop, ada)
        page = await ada.get("/audit")
        read = texts(page)
        for said in (
            "cancelled an order",
            "switched an order type off",
            "invited somebody",
            "changed the handling of unknown sites",
        ):
            assert said in read, said
        assert "Owner" in read
        assert "a pause" in read
        assert re.search(r"policy\s+use_default\s+→\s+changed\s+to\s+refuse", read), "old and new"
        assert f'href="/orders/{order_id}"' in page.text
        assert "new@example.test" not in page.text, "an e-mail address is nobody's in this log"
        # each line once, newest first
        told = json.loads((await ada.get("/audit.json")).text)
        moments = [line["at"] for line in told]
        assert moments == sorted(moments, reverse=True)
        assert {"order.cancelled", "switch.off", "people.invited", "unknown_sites.changed"} <= {
            line["action"] for line in told
        }
        assert all(line["requestId"] for line in told)

    portal(server, story)


def test_it_is_narrowed_by_person_kind_object_and_days_and_the_address_says_so(
    server: ServerAddress,
) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ada, dev = await signed_in("owner"), await signed_in("dev")
        order_id = await _acts(shop, ada)
        assert (await post(dev, "/keys", "/keys", kind="api", overlap="keep")).status_code == 200

        async def actions(query: str) -> set[str]:
            return {
                line["action"] for line in json.loads((await ada.get(f"/audit.json?{query}")).text)
            }

        people = re.findall(
            r'<option value="([0-9a-f-]{36})"[^>]*>(\w+)<', (await ada.get("/audit")).text
        )
        names = {name: user_id for user_id, name in people}
        assert {"Owner", "Dev", "Ops", "Clerk"} <= set(names)
        assert await actions(f"who={names['Dev']}") == {"key.made", "account.signed_in"}
        assert "key.made" not in await actions(f"who={names['Owner']}")
        assert await actions("kind=people") == {"people.invited", "account.signed_in"}
        assert await actions("kind=settings&kind=orders") == {
            "switch.off",
            "unknown_sites.changed",
            "order.cancelled",
        }
        assert await actions(f"object={order_id}") == {"order.cancelled"}
        assert await actions("object=no-such-thing") == set()
        today = shop.world.clocks.wall().date()
        day = timedelta(days=1)
        assert "key.made" in await actions(f"from={today - day}&to={today + day}&kind=keys")
        assert await actions(f"to={today - 2 * day}&kind=keys") == set()
        assert "key.made" in await actions(f"from={today - day}&zone=Asia%2FTokyo&kind=keys")
        # a phone's keypad has no dash
        digits = f"from={today - day:%Y%m%d}&to={today + day:%Y%m%d}&kind=keys"
        assert "key.made" in await actions(digits)
        assert f'value="{today - day}"' in (await ada.get(f"/audit?{digits}")).text
        page = texts(await ada.get("/audit?from=yesterday-ish&zone=Nowhere%2FNever&kind=keys"))
        assert "Not understood: yesterday-ish, Nowhere/Never" in page
        assert "created a key" not in page, "what could not be read must not show everything"
        assert "created a key" in texts(await ada.get("/audit?zone=Nowhere%2FNever&kind=keys"))
        assert "created a key" not in texts(await ada.get("/audit?kind=keyz"))
        assert (await ada.get("/audit.csv?kind=keyz")).status_code == 400
        for odd in (
            "before=%00",
            "before=2026_x",
            "object=%00%27",
            "who=%27--",
            "before=2026-01-01T00:00:00Z_é",
        ):
            assert (await ada.get(f"/audit?{odd}")).status_code == 200, odd

    portal(server, story)


def test_pages_have_each_line_once_also_when_lines_come_meanwhile(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ada = await signed_in("owner")
        scope = Scope(shop.merchant_id, shop.scope.actor, "many")
        for number in range(120):
            await set_policy(shop.world, scope, ("refuse", "use_default")[number % 2])
        seen, link = [], "/audit?kind=settings"
        for page_no in range(5):
            page = (await ada.get(link)).text
            seen += re.findall(r'<time datetime="[^"]*" title="[^"]*">.*?policy</span>', page, re.S)
            if page_no == 0:
                await set_policy(shop.world, scope, "refuse")
            more = re.search(r'rel="next" href="([^"]*)"', page)
            if more is None:
                break
            link = more[1].replace("&amp;", "&")
        assert len(seen) == 120

    portal(server, story)


def test_files_are_the_list_and_are_themselves_in_the_log(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        ada = await signed_in("owner")
        await _acts(shop, ada)
        taken = await ada.get("/audit.csv?zone=Europe/Berlin")
        assert "attachment" in taken.headers["content-disposition"]
        assert "Europe-Berlin" in taken.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(plain(taken))))
        assert any(row["Act"] == "switch.off" and "a pause" in row["Changes"] for row in rows)
        assert all(re.search(r"\+0[12]:00$", row["When"]) for row in rows), "the zone's times"
        again = json.loads((await ada.get("/audit.json")).text)
        assert sum(line["action"] == "file.taken" for line in again) == 2, (
            "this one, and the one before"
        )
        assert (await ada.get("/audit.xml")).status_code == 404

    portal(server, story)


def test_only_owners_and_the_operator_read_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await _acts(shop, await signed_in("owner"))
        for name in ("ops", "clerk", "dev"):
            client = await signed_in(name)
            for path in ("/audit", "/audit.csv"):
                answer = await client.get(path)
                assert answer.status_code == 403, (name, path)
                assert "cancelled an order" not in answer.text
            assert 'href="/audit"' not in (await client.get("/orders")).text
        assert "switched an order type off" in texts(await (await signed_in("olga")).get("/audit"))
        # a partner's owner: what the partner's own people and keys did
        pat, pia = await signed_in("pat"), await signed_in("pia")
        assert "switched an order type off" not in texts(await pat.get("/audit"))
        assert "Actions of your partner’s members" in texts(await pat.get("/audit"))
        made = await post(pat, "/partner/keys", "/partner/keys", overlap="0")
        assert made.status_code == 200
        assert "created a partner key" in texts(await pat.get("/partner/audit"))
        assert "created a partner key" not in texts(
            await (await signed_in("rita")).get("/partner/audit")
        )
        assert (await pia.get("/partner/audit")).status_code == 403
        assert (await pia.get("/audit")).status_code == 403

    portal(server, story)


def test_sign_ins_and_failed_ones_of_the_shops_people_are_in_it(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        await signed_in("dev")
        nobody = await signed_in("")
        for email in ("dev@example.test", "rita@example.test", "no-such-person@example.test"):
            wrong = await nobody.post("/signin", data={"email": email, "password": "not this one"})
            assert wrong.status_code == 401
        ada = await signed_in("owner")
        told = [
            line
            for line in json.loads((await ada.get("/audit.json?kind=people")).text)
            if line["action"].startswith("account.")
        ]
        assert {(line["who"], line["action"]) for line in told} == {
            ("Owner", "account.signed_in"),
            ("Dev", "account.signed_in"),
            ("somebody", "account.sign_in_failed"),
        }
        failed = [line for line in told if line["action"] == "account.sign_in_failed"]
        assert [line["facts"]["with the e-mail of"] for line in failed] == ["Dev"], (
            "of this shop's people only"
        )
        assert all(line["from"] == "127.0.0.0/24" and line["requestId"] for line in told)
        async with shop.world.people.connection() as people:
            assert await people.fetchval("SELECT count(*) FROM failed_sign_ins") == 3, (
                "unknown ones take as long"
            )

    portal(server, story)


def test_every_happening_has_words() -> None:
    assert {f"account.{name}" for name in HAPPENINGS} <= set(OTHERS)
    assert {one.section for one in NOUNS.values()} == set(SECTIONS)
    assert {action.partition(".")[0] for action in (*OTHERS, *ACTIONS)} <= set(NOUNS), (
        "a kind that no filter finds"
    )
    sql = " ".join(source.sql for source in OF_MERCHANT)
    for happening in re.findall(
        r"'([a-z_]+)'", sql.partition("happening IN (")[2].partition(")")[0]
    ):
        assert f"order.{happening}" in OTHERS, happening
    for step in STEPS:
        assert f"application.{step.happening}" in OTHERS, step.happening


def test_every_happening_of_an_order_is_an_act_or_the_machines() -> None:
    sql = ORDERS.sql.partition("happening IN (")[2].partition(")")[0]
    acts = set(re.findall(r"'([a-z_]+)'", sql)) | {"planned", "held"}
    every = {step.happening for step in ORDER_STEPS} | {fact.happening for fact in FACTS.values()}
    assert acts | _MACHINES == every, acts ^ every ^ _MACHINES
    assert not acts & _MACHINES


def test_the_index_of_acts_is_what_the_log_asks_for() -> None:
    schema = schema_sql("world").partition("CREATE INDEX order_log_acts")[2].partition(";")[0]
    index, asked = (
        " ".join(text.split())
        for text in (schema.partition("WHERE")[2], ORDERS.sql.partition("AND\n")[2])
    )
    assert index == asked
