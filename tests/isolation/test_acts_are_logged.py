"""Every form of the portal leaves a line in the audit log, and every file that is taken: found by
the request's id.

A new form fails here until it is done below, or stands among those that change nothing that anybody
asks after.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import httpx
import pytest
from tests.door import FUNDS, transmit_body
from tests.isolation.ground import Ground, opened_ground
from tests.isolation.table import TABLE
from tests.staff import payout_review, review_form

from recoup.audit.store import AuditFilter, AuditLine
from recoup.db.server import ServerAddress
from recoup.kernel.ids import new_id
from recoup.people.flows.audit import read_audit
from recoup.people.flows.sessions import read_session
from recoup.people.page.endpoint import COOKIE

# Forms that leave no line, and why.
SILENT: Final[Mapping[str, str]] = {
    "/merchant": "chooses what this person looks at",
    "/world": "the same",
    "/orders/look": "how this person likes their lists",
    "/account/time": "the same",
    "/account/notifications": "what this person is told",
    "/notifications/read": "the same",
    "/notifications/{notification_id}": "the same",
    "/uplift/compute": "computes figures, as the worker does",
}
# Forms whose act needs a state that the ground has not; which test does it instead, by the same
# flow and its line.
ELSEWHERE: Final[Mapping[str, str]] = {
    "/orders/{order_id}/capture": "order.captured, of a hold",
    "/orders/{order_id}/dealt-with": "order.dealt_with, of one that was paid twice: "
    "test_order_by_hand.py",
    "/orders/{order_id}/give-back": "order.reversal_owed, of late money",
    "/orders/{order_id}/settled-by-hand": "the same",
    "/orders/{order_id}/keep": "the same",
    "/settlement-addresses/payouts/{id}": "stablecoin_payout.approved and .refused",
    "/orders/{order_id}/refund-address": "refund_address.named, of an order on a chain: "
    "test_custody.py",
    "/orders/{order_id}/chain/sweep": "chain.swept, of an order on a chain: test_strays.py",
    "/orders/{order_id}/settle-again": "order.settlement_replaced, of a stuck one",
    "/cards": "card_join.proposed, of two prints: tests/desk/page/test_cards.py",
    "/onboarding": "go_live.asked, once all conditions hold",
    "/disputes/notices": "notice.tried, of one that fits nothing",
    "/account/password": "account.password_changed: it asks for a password, and ends the other "
    "sessions",
    "/account/sessions": "account.session_ended: of a second session",
    "/account/second-factor/begin": "nothing changes before the first code",
    "/account/second-factor/withdraw": "the same",
    "/account/second-factor/confirm": "account.second_factor_on",
    "/account/second-factor/codes": "account.recovery_codes_made",
    "/account/second-factor/off": "the same, off",
    "/invitations/second-factor": "account.rule_made: tests/people/page/test_second_factor.py",
    "/invitations/members/{user_id}/second-factor": "account.second_factor_removed: the same",
    **dict.fromkeys(
        ("/processors/off", "/processors/on"),
        "route.off and .on: tests/routes/page/test_processors.py",
    ),
    **dict.fromkeys(
        ("/operator/sending-off", "/operator/sending-on"),
        "sending.off and .on: tests/desk/page/test_operator.py",
    ),
    "/connections/check": "nothing changes but what was found",
    **dict.fromkeys(
        ("/connections", "/connections/change", "/connections/disconnect"),
        "processor.connected, .changed and .disconnected: tests/routes/page/test_connections.py",
    ),
    "/exports": "export.asked: tests/desk/flows/test_exports.py",
    "/exports/{export_id}/cancel": "the same; nothing was taken",
    "/orders/bulk/{act_id}/stop": "bulk.begun has its begin; each order's log what was done",
    **dict.fromkeys(
        (
            "/partner/webhooks",
            "/partner/webhooks/{endpoint_id}",
            "/partner/webhooks/{endpoint_id}/delete",
            "/partner/webhooks/{endpoint_id}/rotate",
            "/partner/webhooks/{endpoint_id}/state",
            "/partner/webhooks/{endpoint_id}/test",
        ),
        "partner.webhook_…, by the same flows as /webhooks",
    ),
    "/look-as": "look.began: tests/people/page/test_impersonation.py",
    "/look-as/end": "look.ended: the same",
}
_PDF: Final = b"%PDF-1.7\n9\n%%EOF"


@pytest.fixture(scope="module")
def mine(server: ServerAddress) -> Iterator[Ground]:
    with opened_ground(server) as made:
        yield made


class _Walk:
    """Sends forms and finds their lines. `done`: paths as routes name them."""

    def __init__(self, ground: Ground) -> None:
        self.ground, self.a = ground, ground.a
        self.done: dict[str, set[str]] = {}
        self.missing: list[str] = []

    def who(self, name: str) -> tuple[str, str]:
        return self.ground.operator if name == "operator" else self.a.sessions[name]

    def send(self, who: str, path: str, files: Any = None, **data: Any) -> httpx.Response:
        cookie, _ = self.who(who)
        headers = {"cookie": f"{COOKIE}={cookie}", "accept": "text/html"}
        session = self.ground.run(
            read_session(self.ground.door.world, cookie)
        )  # a form is of where it was begun
        csrf = session.csrf if session is not None else ""
        return self.ground.call(
            "POST", path, data={"csrf": csrf, **data}, headers=headers, files=files
        )

    def page(self, who: str, path: str) -> httpx.Response:
        cookie, _ = self.who(who)
        return self.ground.call(
            "GET", path, headers={"cookie": f"{COOKIE}={cookie}", "accept": "text/html"}
        )

    def lines(self, request_id: str) -> set[str]:
        found: list[AuditLine] = []
        for subject in (("merchant", self.a.mid), ("partner", self.a.partner.partner_id)):
            found += self.ground.run(
                read_audit(self.ground.door.world, subject, AuditFilter(), 400)
            )
        return {line.action for line in found if line.request_id == request_id}

    def act(
        self,
        template: str,
        wanted: str,
        who: str = "owner",
        files: Any = None,
        *,
        refused: bool = False,
        path: str = "",
        **data: Any,
    ) -> httpx.Response:
        """Raises: AssertionError when the form is not taken; remembers when `wanted` is not in the
        log."""
        path = path or template
        answer = self.send(who, path, files, **data)
        assert answer.status_code < 400 or refused, (
            f"{path}: {answer.status_code} {answer.text[-1500:]}"
        )
        told = self.lines(answer.headers["x-request-id"])
        self.done.setdefault(template, set()).update(told)
        if wanted not in told:
            where = answer.headers.get("location", "")
            self.missing.append(
                f"{template}: {wanted} is not among {sorted(told)}: {answer.status_code} {where}"
            )
        return answer


def test_every_form_leaves_a_line(mine: Ground) -> None:
    walk = _Walk(mine)
    assert walk.send("operator", "/merchant", merchant=str(mine.a.mid)).status_code == 303
    for part in (
        _orders,
        _views,
        _customers,
        _settings,
        _webhooks,
        _files,
        _disputes_and_refunds,
        _money,
        _cards,
        _people,
        _partner,
    ):
        part(walk)
    assert not walk.missing, "\n".join(walk.missing)
    forms = {
        path
        for (method, path), line in TABLE.items()
        if method == "POST" and line.whose in ("owner", "operator", "seat")
    }
    left = forms - set(walk.done) - set(SILENT) - set(ELSEWHERE)
    assert not left, f"forms that nobody walked: {sorted(left)}"
    assert not (set(SILENT) | set(ELSEWHERE)) - forms, "forms that are gone"


def _orders(walk: _Walk) -> None:
    caller, site = walk.a.caller, walk.a.ids["site"]
    fresh = {
        "paymentMethod__cardNumber": FUNDS,
        "siteId": site,
        "payer__email": f"walk@{walk.a.mark}.example",
    }
    order, other = (caller.admit(orderId=f"walk-{n}", **fresh) for n in range(2))
    caller.advance(minutes=2)
    for doing, wanted, data in (
        ("hold", "held", {"reason": "check"}),
        ("release", "released", {}),
        ("stop", "retries_stopped", {}),
        ("resume", "retries_resumed", {}),
        ("retry", "planned", {}),
        ("cancel", "cancelled", {}),
    ):
        walk.act(
            f"/orders/{{order_id}}/{doing}",
            f"order.{wanted}",
            path=f"/orders/{order}/{doing}",
            **data,
        )
    walk.act("/orders/bulk", "order.cancelled", do="cancel", sure="yes", order=other)
    walk.act(
        "/orders/{order_id}/notes",
        "order.noted",
        path=f"/orders/{order}/notes",
        note="noted",
        key="1" * 32,
    )
    paid = walk.a.ids["paid"]
    walk.act(
        "/orders/{order_id}/refund",
        "order.refund_owed",
        path=f"/orders/{paid}/refund",
        amount="0.01",
        key=str(new_id()),
    )
    asked, waits = walk.a.ids["asked"], walk.a.ids["asked_order"]
    walk.act(
        "/approvals/refunds/{request_id}",
        "order.refund_request_refused",
        path=f"/approvals/refunds/{asked}",
        decision="refuse",
        reason="walk",
    )
    walk.act(
        "/orders/{order_id}/refund",
        "order.refund_asked",
        "operations",
        path=f"/orders/{waits}/refund",
        amount="1.00",
        key="7" * 32,
    )
    one = "SELECT request_id FROM refund_requests WHERE merchant_id = $1 AND state = 'waiting'"
    path = f"/orders/{waits}/refunds/{walk.ground.door.sql(one, walk.a.mid)[0][0]}"
    _, fields = review_form(walk.page("owner", path))
    walk.act(
        "/orders/{order_id}/refunds/{request_id}",
        "order.refund_owed",
        path=path,
        decision="approve",
        seen=fields["seen"],
    )
    walk.act(
        "/orders/{order_id}/reveal", "order.revealed", "operations", path=f"/orders/{waits}/reveal"
    )
    walk.act(
        "/orders/{order_id}/dispute",
        "dispute.simulated",
        path=f"/orders/{paid}/dispute",
        kind="service",
        amount="1.00",
    )
    walk.act(
        "/orders/{order_id}/block",
        "block.made",
        path=f"/orders/{order}/block",
        kind="customer",
        reason="other",
    )
    walk.act(
        "/orders/{order_id}/unblock",
        "block.lifted",
        path=f"/orders/{order}/unblock",
        block=_block(walk),
    )


def _views(walk: _Walk) -> None:
    """One that only its maker sees leaves none."""
    made = walk.act(
        "/orders/views", "view.shared", name="Walked", back="/orders?status=7", share="yes"
    )
    view = made.headers["location"].partition("view=")[2].partition("&")[0]
    for what, wanted in (
        ("unshare", "unshared"),
        ("share", "shared"),
        ("rename", "changed"),
        ("delete", "deleted"),
    ):
        walk.act(
            "/orders/views/{view_id}",
            f"view.{wanted}",
            path=f"/orders/views/{view}",
            do=what,
            name="Walked on",
            back="/orders?status=7",
        )


def _block(walk: _Walk) -> str:
    sql = "SELECT block_id FROM blocks WHERE merchant_id = $1 AND lifted_at IS NULL"
    return str(walk.ground.door.sql(sql, walk.a.mid)[0][0])


def _customers(walk: _Walk) -> None:
    payer = walk.a.ids["customer"]
    walk.act(
        "/customers/{payer_id}/block",
        "block.made",
        path=f"/customers/{payer}/block",
        reason="other",
    )
    walk.act("/customers/unblock", "block.lifted", block=_block(walk))
    walk.act(
        "/customers/{payer_id}/reveal",
        "customer.revealed",
        "operations",
        path=f"/customers/{payer}/reveal",
    )
    walk.act("/customers/{payer_id}/export", "customer.exported", path=f"/customers/{payer}/export")
    walk.act(
        "/customers/{payer_id}/erase",
        "customer.erased",
        path=f"/customers/{payer}/erase",
        confirm=f"ana@{walk.a.mark}.example",
    )


def _settings(walk: _Walk) -> None:
    site, spare = walk.a.ids["site"], walk.a.ids["spare_campaign"]
    walk.act("/switches", "switch.off", flip=f"site:{site}:cit_web:off", why="walk")
    walk.act(
        "/engine",
        "arms.changed",
        site=site,
        mode="shadow",
        share="20",
        holdout="10",
        explore="10",
        explore_max="",
    )
    walk.act(
        "/engine/risk", "risk.changed", risk_mode="share", share="20", holdout="10", margin="30"
    )
    walk.act("/engine/cards", "order.card_updates", cards="yes")
    terms = {"least_share": "30", "count_max": "2", "at_expiry": "keep"}
    walk.act("/engine/parts", "order.parts", parts="yes", enabled="yes", **terms)
    walk.act("/uplift/return", "engine.return_set", on_harm="on")
    walk.act("/backtests", "backtest.asked", decider="retry-1", days="180")
    walk.act("/policy", "policy.set", site=site, act="save", reason="walk", **{"tries.soft": "2"})
    walk.act("/policy", "policy.set", site=site, act="save", reason="walk", **{"tries.soft": "1"})
    walk.act("/policy/back", "policy.set", site=site, version="1", reason="walk")
    walk.act("/engine/stop", "engine.stopped", act="stop", why="walk")
    walk.act("/switches/test", "webhook.tested", site=site, kind="mit")
    walk.act("/switches/unknown-sites", "unknown_sites.changed", unknown="refuse")
    walk.act("/switches/country", "country.changed", country="FR")
    walk.act("/switches/campaigns", "campaign.made", site=site, key="page")
    one = "/switches/campaigns/{campaign_id}"
    walk.act(one, "campaign.changed", path=f"/switches/campaigns/{spare}", key="changed")
    walk.act(f"{one}/retire", "campaign.retired", path=f"/switches/campaigns/{spare}/retire")
    walk.act("/roles/limits", "limits.changed", role="operations", currency="EUR", day_max="500")
    walk.act("/roles/sight", "sight.changed", role="analyst", sight="reveal")
    walk.act("/mailbox", "notices.changed", kind="refund", on="0")
    walk.act("/developers/clock", "clock.moved", key=str(new_id()), by="1h")
    walk.act(
        "/developers/decline",
        "decline.simulated",
        key=str(new_id()),
        scheme="visa",
        code="51",
        kind="mit_managed",
        answer="approves",
        amount="45.90",
    )
    walk.act("/keys", "key.made", kind="tokenization", overlap="keep")
    sql = (
        "SELECT environment_key FROM tokenization_keys WHERE merchant_id = $1 ORDER BY "
        "created_at DESC"
    )
    key = walk.ground.door.sql(sql, walk.a.mid)[0][0]
    walk.act(
        "/keys/end",
        "key.ended",
        kind="tokenization",
        print=hashlib.sha256(key.encode()).hexdigest(),
        sure="yes",
    )
    walk.act(
        "/keys/name",
        "key.named",
        kind="tokenization",
        print=hashlib.sha256(key.encode()).hexdigest(),
        name="N",
    )
    sql = (
        "UPDATE api_keys SET requested = '{payouts:write}' WHERE merchant_id = $1 RETURNING app_key"
    )
    print_ = hashlib.sha256(walk.ground.door.sql(sql, walk.a.mid)[0][0].encode()).hexdigest()
    walk.act("/keys/decide", "key.decided", print=print_, decision="refuse")
    walk.act("/keys/signing", "webhook_key.replaced", which="stablecoin", overlap="24")


def _webhooks(walk: _Walk) -> None:
    hook, one = walk.a.ids["endpoint"], "/webhooks/{endpoint_id}"
    wanted = {
        "url": "https://hooks.example.com/walk?secret=s3cr3t",
        "format": "rescue",
        "events": "order.completed",
    }
    walk.act("/webhooks", "webhook.made", **wanted)
    mark = re.search(r'name="of" value="([^"]*)"', walk.page("owner", f"/webhooks/{hook}").text)
    assert mark
    walk.act(f"{one}/test", "webhook.tested", path=f"/webhooks/{hook}/test")
    _delivered(walk)
    walk.act(
        f"{one}/replay",
        "webhook.replayed",
        path=f"/webhooks/{hook}/replay",
        key="2" * 32,
        count="1",
        **{"from": "1", "to": "2"},
    )
    walk.act(
        f"{one}/rotate",
        "webhook_key.replaced",
        path=f"/webhooks/{hook}/rotate",
        of=mark[1],
        overlap="24",
    )
    walk.act(
        one,
        "webhook.changed",
        path=f"/webhooks/{hook}",
        **(wanted | {"url": "https://hooks.example.com/other"}),
    )
    walk.act(f"{one}/state", "webhook.changed", path=f"/webhooks/{hook}/state", switch="off")
    walk.act(
        f"{one}/delete", "webhook.deleted", path=f"/webhooks/{walk.a.ids['spare_endpoint']}/delete"
    )


def _delivered(walk: _Walk) -> None:
    """A try of a real event is sent again."""
    hook = walk.a.ids["endpoint"]
    door = walk.ground.door
    sql = (
        "SELECT try_id FROM delivery_tries WHERE endpoint_id = $1::uuid AND sample IS NULL "
        "ORDER BY try_id LIMIT 1"
    )
    found = door.sql(sql, hook)
    if not found:
        walk.a.caller.advance(minutes=1)
        found = door.sql(sql, hook)
    assert found, "no event was tried at this endpoint"
    walk.act(
        "/webhooks/{endpoint_id}/deliveries/{try_id}/redeliver",
        "webhook.redelivered",
        path=f"/webhooks/{hook}/deliveries/{found[0][0]}/redeliver",
        key="3" * 32,
    )


def _files(walk: _Walk) -> None:
    rows = json.dumps([transmit_body(walk.a.caller, orderId="walk-upload")]).encode()
    answer = walk.act(
        "/uploads",
        "upload.sent",
        files={"file": ("transmit_walk.json", rows, "application/json")},
        kind="transmit",
    )
    upload = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    walk.act("/uploads/{upload_id}/stop", "upload.stopped", path=f"/uploads/{upload}/stop")
    past = b"orderId,at,amount,currency,approved\nwalk,2024-03-02T06:00:00Z,100,USD,true\n"
    answer = walk.act(
        "/imports", "import.sent", files={"file": ("past.csv", past, "text/csv")}, act="import"
    )
    made = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    walk.act("/imports/{import_id}/stop", "import.stopped", path=f"/imports/{made}/stop")
    walk.act("/imports/{import_id}/prove", "backtest.asked", path=f"/imports/{made}/prove")
    statement = b"id,reference,type,amount,currency,date\n,walk,fee,9.99,USD,2026-11-06\n"
    walk.act(
        "/reconciliation/files",
        "statement.compared",
        files={"file": ("w.csv", statement, "text/csv")},
        kind="processor",
    )
    run = walk.a.ids["run"]
    walk.act(
        "/reconciliation/files/{run_id}/book",
        "statement.booked",
        "operator",
        path=f"/reconciliation/files/{run}/book",
        which="all",
        note="noted",
    )
    paper = walk.a.ids["application"]
    walk.act("/applications", "application.created")
    one = "/applications/{application_id}"
    walk.act(one, "application.changed", path=f"/applications/{paper}", do="save")
    walk.act(
        f"{one}/documents",
        "application.document_added",
        path=f"/applications/{paper}/documents",
        kind="other",
        files={"file": ("w.pdf", _PDF, "application/pdf")},
    )
    document = f"/applications/{paper}/documents/{walk.a.ids['document']}/remove"
    walk.act(
        f"{one}/documents/{{document_id}}/remove", "application.document_removed", path=document
    )


def _disputes_and_refunds(walk: _Walk) -> None:
    dispute, one = walk.a.ids["dispute"], "/disputes/{dispute_id}"
    walk.act(f"{one}/notes", "dispute.noted", path=f"/disputes/{dispute}/notes", note="noted")
    walk.act(
        f"{one}/files",
        "dispute.file_added",
        path=f"/disputes/{dispute}/files",
        files={"file": ("w.pdf", _PDF, "application/pdf")},
    )
    walk.act(
        f"{one}/answer",
        "order.dispute_answer_owed",
        path=f"/disputes/{dispute}/answer",
        answer="contest",
    )
    walk.act(
        f"{one}/decide",
        "dispute.simulated",
        "operator",
        path=f"/disputes/{dispute}/decide",
        decided="won",
    )
    refund = walk.a.ids["refund"]
    path = f"/refunds/{refund}"
    _, fields = review_form(walk.page("owner", path))
    walk.act(
        "/refunds/{modification_id}",
        "order.refund_retried",
        path=path,
        action="again",
        seen=fields["seen"],
    )


def _money(walk: _Walk) -> None:
    ids = walk.a.ids
    _, fields = review_form(walk.page("operator", payout_review(ids["payout"])))
    walk.act(
        "/approvals/payouts",
        "payout.approved",
        "operator",
        payout=ids["payout"],
        seen=fields["seen"],
    )
    walk.a.caller.advance(minutes=1)
    walk.act(
        "/approvals/payouts/{id}/outcome",
        "payout.returned",
        "operator",
        path=f"/approvals/payouts/{ids['payout']}/outcome",
        outcome="returned",
        reason="closed",
    )
    walk.act(
        "/settlements/{batch_id}/pay-again",
        "payout.asked_again",
        path=f"/settlements/{ids['settlement']}/pay-again",
    )
    account = {
        "holder": "Brightleaf Tea LLC",
        "currency": "USD",
        "routing": "021000021",
        "account": "9876543210",
    }
    for template, wanted, who, data in (
        (
            "/bank/{account_id}/prove",
            "bank_account.not_proved",
            "owner",
            {"first": "0.00", "second": "0.00"},
        ),
        ("/bank/{account_id}/withdraw", "bank_account.refused", "owner", {}),
        (
            "/approvals/accounts/{id}",
            "bank_account.refused",
            "operator",
            {"decision": "refuse", "reason": "walk"},
        ),
    ):
        if wanted == "bank_account.not_proved" or who == "operator":
            walk.act("/bank", "bank_account.entered", **account)
        sql = (
            "SELECT account_id FROM bank_accounts WHERE merchant_id = $1 AND state = 'added' "
            "ORDER BY account_id DESC"
        )
        added = str(walk.ground.door.sql(sql, walk.a.mid)[0][0])
        path = re.sub(r"\{\w+\}", added, template)
        walk.act(
            template, wanted, who, path=path, refused=wanted == "bank_account.not_proved", **data
        )
    wallet = "/settlement-addresses"
    walk.act(
        f"{wallet}/tolerance",
        "settlement_address.tolerance",
        path=f"{wallet}/tolerance",
        tolerance="0.5",
    )
    for last, wanted, who in (
        ("withdraw", "settlement_address.withdrawn", "owner"),
        ("approve", "settlement_address.approved", "operator"),
    ):
        walk.act(wallet, "settlement_address.entered", kind="evm", address=f"0x{'1' * 40}")
        sql = (
            "SELECT address_id FROM settlement_addresses WHERE merchant_id = $1 ORDER BY set_at "
            "DESC LIMIT 1"
        )
        entered = str(walk.ground.door.sql(sql, walk.a.mid)[0][0])
        walk.act(f"{wallet}/{{id}}/{last}", wanted, who, path=f"{wallet}/{entered}/{last}")
    walk.act(
        "/approvals/adjustments",
        "adjustment.made",
        "operator",
        currency="USD",
        amount="1.00",
        direction="from",
        key=str(new_id()),
        note="noted",
    )
    walk.act(
        "/approvals/adjustments/{id}",
        "adjustment.refused",
        "operator",
        path=f"/approvals/adjustments/{ids['adjustment']}",
        decision="refuse",
    )


def _cards(walk: _Walk) -> None:
    """Two prints that are one card: proposed by somebody else."""
    walk.act(
        "/cards/{id}",
        "card_join.joined",
        "operator",
        path=f"/cards/{walk.a.ids['card_join']}",
        decision="join",
    )


def _people(walk: _Walk) -> None:
    ids = walk.a.ids
    walk.act(
        "/invitations",
        "people.invited",
        subject="merchant",
        email="walk@example.com",
        role="analyst",
    )
    walk.act("/account/name", "account.renamed", name="Zed Owner")
    walk.act(
        "/invitations/{invitation_id}/revoke",
        "people.revoked",
        path=f"/invitations/{ids['invitation']}/revoke",
        subject="merchant",
    )
    walk.act(
        "/invitations/members/{user_id}/end",
        "people.ended",
        path=f"/invitations/members/{ids['member']}/end",
        subject="merchant",
    )


def _partner(walk: _Walk) -> None:
    owner, mid = "partner owner", walk.a.ids["mid"]
    walk.act("/partner/switches", "switch.off", owner, mid=mid, mit="off")
    walk.act(
        "/partner/merchants",
        "partner.merchant_made",
        owner,
        key=str(new_id()),
        name="N",
        site_name="N",
        site_url="https://n.example.com",
        descriptor="NEWSHOPPING",
    )
    walk.act(
        "/partner/merchants/{mid}",
        "partner.merchant_changed",
        owner,
        path=f"/partner/merchants/{mid}",
        state="paused",
    )
    walk.act(
        "/partner/merchants/{mid}/keys",
        "partner.merchant_keys_made",
        owner,
        path=f"/partner/merchants/{mid}/keys",
        overlap="24",
    )
    for tries in ("2", "1"):
        walk.act(
            "/partner/policy",
            "partner.policy_set",
            owner,
            act="save",
            reason="walk",
            **{"tries.soft": tries},
        )
    walk.act("/partner/policy/back", "partner.policy_set", owner, version="1", reason="walk")
    walk.act("/partner/keys", "partner.key_made", owner, overlap="24")
    print_ = hashlib.sha256(walk.a.partner.key.app_key.encode()).hexdigest()
    sql = (
        "UPDATE partner_keys SET requested = '{webhooks:write}' WHERE app_key = $1 RETURNING key_id"
    )
    assert walk.ground.door.sql(sql, walk.a.partner.key.app_key)
    walk.act("/partner/keys/decide", "partner.key_decided", owner, print=print_, decision="refuse")
    walk.act(
        "/partner/keys/name",
        "partner.key_named",
        owner,
        print=print_,
        name="N",
    )


def test_every_file_that_is_taken_leaves_a_line(mine: Ground) -> None:
    walk, ids = _Walk(mine), mine.a.ids
    batch = f"/settlements/{ids['settlement']}"
    for path in (
        "/orders/export.csv?q=ana",
        "/reconciliation/report.csv",
        "/reports/sites.csv",
        "/audit.csv",
        f"{batch}/lines.csv",
        f"{batch}/lines.xlsx",
        f"{batch}/file",
        f"/uploads/{ids['upload']}/answers",
        f"/imports/{ids['import']}/lines.csv",
        f"/imports/{ids['import']}/attempts.jsonl",
    ):
        answer = walk.page("owner", path)
        assert answer.status_code == 200, path
        assert walk.lines(answer.headers["x-request-id"]) == {"file.taken"}, path


def test_no_line_holds_anybodys_data_or_a_secret(mine: Ground) -> None:
    """After all these acts: nothing of the payers, no address of a mail, no secret, no whole
    address of a webhook."""
    rows = mine.door.sql("SELECT l::text AS line FROM audit_lines l")
    assert len(rows) > 30
    told = "\n".join(row["line"] for row in rows)
    keys = mine.a.caller.shop.keys
    for secret in (
        keys.app_secret,
        keys.stablecoin_secret,
        "s3cr3t",
        "/walk",
        "@",
        "9876543210",
        "sk_test",
    ):
        assert secret not in re.sub(r'"?user:[^ ,"]*', "", told), secret
