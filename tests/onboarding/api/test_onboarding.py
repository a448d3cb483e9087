"""Applications from a draft to a merchant, by the API (contract §13)."""

import asyncio
import base64
import os
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from tests.door import UNKNOWN, Caller, Door, opened_door
from tests.receiver import receiving
from tests.rescue_shapes import check_refused, fields_of
from tests.worlds import change_world, owner

from recoup.db.server import ServerAddress
from recoup.insight.flows.verify import verify
from recoup.kernel.ids import new_id
from recoup.kernel.problem import Problem
from recoup.kernel.scope import Actor
from recoup.onboarding.flows import application_documents
from recoup.onboarding.flows.applications import Applicant, decide_application
from recoup.onboarding.flows.convert_application import convert_application
from recoup.onboarding.flows.partners import make_partner, make_partner_key
from recoup.onboarding.flows.register import register
from recoup.onboarding.rules.documents import BYTES_MAX
from recoup.rescue.flows.run_due import run_due
from recoup.webhooks.flows.publish import publish_now

PATH = "/v1/onboarding/application"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"
OPERATOR = Applicant(None, Actor("operator", "cli"), "test")
FORM: dict[str, Any] = {
    "externalId": "crm-1",
    "legalName": "Brightleaf Tea Ltd",
    "country": "gb",
    "registrationNumber": "09876543",
    "businessCategory": "5499",
    "contact": {"name": "Ana Roe", "email": "ana@brightleaf.example"},
    "volumes": {"currency": "GBP", "monthlyAmount": 4500000},
    "kinds": ["cit_web", "mit"],
    "sites": [
        {
            "url": "https://brightleaf.example",
            "name": "Leaf",
            "descriptor": "BRIGHTLEAF*TEA",
            "supportContact": "help@brightleaf.example",
        },
        {"url": "https://two.example", "name": "Two", "descriptor": "BRIGHTLEAF*TWO"},
    ],
}


class Partner:
    """Somebody with a partner's key."""

    def __init__(self, door: Door) -> None:
        self.door, self.partner_id = door, new_id()
        door.run(make_partner(door.world, self.partner_id, "Subscriptions Inc"))
        key = door.run(make_partner_key(door.world, self.partner_id))
        self.headers = {"authorization": f"ApiKey {key.app_key}:{key.app_secret}"}

    def call(self, method: str, path: str = "", **more: Any) -> Any:
        return self.door.call(method, PATH + path, headers=self.headers, **more)

    def draft(self, **more: Any) -> str:
        answer = self.call("POST", json=FORM | more)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def attach(self, application: str, file: bytes = PDF, **more: Any) -> Any:
        body = {
            "kind": "registration",
            "name": "extract.pdf",
            "content": base64.b64encode(file).decode(),
        } | more
        return self.call("POST", f"/{application}/documents", json=body)

    def submitted(self, **more: Any) -> str:
        application = self.draft(**more)
        assert self.attach(application).status_code == 201
        assert self.call("POST", f"/{application}/submit").json()["status"] == "SUCCESS"
        return application

    def approved(self, **more: Any) -> str:
        application = self.submitted(**more)
        self.door.run(
            decide_application(self.door.world, OPERATOR, UUID(application), approve=True)
        )
        return application


@pytest.fixture(scope="module")
def door(server: ServerAddress) -> Iterator[Door]:
    """Of its own: a whole world is proved here, again and again."""
    with opened_door(server) as door:
        yield door


@pytest.fixture
def partner(door: Door) -> Partner:
    return Partner(door)


@pytest.fixture
def rival(door: Door) -> Partner:
    return Partner(door)


def test_a_draft_becomes_a_merchant_that_takes_orders(door: Door, partner: Partner) -> None:
    application = partner.draft()
    told = partner.call("GET", f"/{application}").json()
    assert (told["status"], told["country"], told["mid"]) == ("DRAFT", "GB", None)
    assert told["missing"] == ["Documents.registration"]
    assert partner.attach(application).status_code == 201
    answer = partner.call("POST", f"/{application}/submit").json()
    assert (answer["status"], answer["statusCode"], answer["success"]) == ("SUCCESS", "200", True)
    assert answer["applicationStatus"] == "SUBMITTED"
    check_refused(partner.call("POST", f"/{application}/convert"), 409, "wrong_state")
    door.run(
        decide_application(door.world, OPERATOR, UUID(application), approve=True, note="welcome")
    )
    converted = partner.call("POST", f"/{application}/convert").json()
    keys = converted["credentials"]
    body = {"AppKey": keys["appKey"], "AppSecret": keys["appSecret"]}
    token = door.call("POST", "/v1/oauth2/token", json=body).json()["accessToken"]
    sites = door.call("GET", "/v1/sites", headers={"authorization": f"Bearer {token}"}).json()[
        "data"
    ]
    assert sorted(site["id"] for site in sites) == sorted(converted["siteIds"])
    assert [site["supportContact"] for site in sites if site["isDefault"]] == [
        "help@brightleaf.example"
    ]
    again = partner.call("POST", f"/{application}/convert").json()
    assert (again["mid"], again["credentials"], again["status"]) == (
        converted["mid"],
        None,
        "SUCCESS",
    )
    told = partner.call("GET", f"/{application}").json()
    assert (told["status"], told["mid"], told["note"]) == ("CONVERTED", converted["mid"], "welcome")
    merchant = door.sql(
        "SELECT cit_web, cit_callcenter, mit, name, partner_id FROM merchants WHERE merchant_id = "
        "$1",
        UUID(converted["mid"]),
    )[0]
    assert tuple(merchant) == (True, False, True, "Brightleaf Tea Ltd", partner.partner_id)
    own = door.sql(
        "SELECT external_id FROM partner_merchants WHERE merchant_id = $1", UUID(converted["mid"])
    )
    assert own[0][0] == "crm-1"


def test_a_submit_names_all_that_is_missing_and_changes_nothing(
    door: Door, partner: Partner
) -> None:
    application = partner.call("POST", json={"sites": [{"name": "Leaf"}]}).json()["id"]
    with door.nothing_written():
        answer = partner.call("POST", f"/{application}/submit")
    told = answer.json()
    assert (answer.status_code, told["success"], told["status"], told["statusCode"]) == (
        200,
        False,
        "FAILED",
        "400100",
    )
    named = told["customProperties"]["missing"].split(",")
    assert named == [
        "LegalName",
        "Country",
        "RegistrationNumber",
        "BusinessCategory",
        "Contact.Name",
        "Contact.Email",
        "Volumes.Currency",
        "Volumes.MonthlyAmount",
        "Kinds",
        "Sites[0].Url",
        "Sites[0].Descriptor",
        "Documents.registration",
    ]
    assert len(told["errors"]) == len(named)
    assert partner.call("GET", f"/{application}").json()["missing"] == named


def test_an_application_edited_after_submission_says_why_not(door: Door, partner: Partner) -> None:
    application = partner.submitted()
    document = partner.call("GET", f"/{application}/documents").json()["data"][0]["id"]
    with door.nothing_written():
        for answer in (
            partner.call("PUT", f"/{application}", json=FORM),
            partner.attach(application, PDF + b"\n"),
            partner.call("DELETE", f"/{application}/documents/{document}"),
        ):
            check_refused(answer, 409, "wrong_state")
            assert "SUBMITTED" in answer.json()["result"]
            assert "draft" in answer.json()["result"]
        assert (
            partner.call("POST", f"/{application}/submit").json()["status"] == "SUCCESS"
        )  # heard twice


def test_what_is_put_is_the_whole_draft(partner: Partner) -> None:
    application = partner.draft()
    told = partner.call("PUT", f"/{application}", json={"legalName": "Other"}).json()
    assert (told["legalName"], told["country"], told["sites"], told["externalId"]) == (
        "Other",
        "",
        [],
        "",
    )


def test_every_bad_field_is_named(door: Door, partner: Partner) -> None:
    bad = FORM | {
        "country": "XX",
        "businessCategory": "tea",
        "contact": {"email": "ana@"},
        "kinds": ["mit", "loans"],
        "sites": [{"url": "http://x", "descriptor": "A"}],
        "volumes": {"currency": "XXX", "monthlyAmount": 5},
    }
    with door.nothing_written():
        assert set(fields_of(partner.call("POST", json=bad))) == {
            "Country",
            "BusinessCategory",
            "Contact.Email",
            "Kinds",
            "Sites[0].Url",
            "Sites[0].Descriptor",
            "Volumes.Currency",
        }
        wrong = {
            "legalName": 1.5,
            "kinds": "mit",
            "sites": {},
            "volumes": {"monthlyAmount": -1},
            "contact": "x",
        }
        assert set(fields_of(partner.call("POST", json=wrong))) == {
            "LegalName",
            "Kinds",
            "Sites",
            "Volumes.MonthlyAmount",
            "Contact",
        }


def test_an_external_id_names_one_open_application(
    door: Door, partner: Partner, rival: Partner
) -> None:
    first = partner.draft()
    with door.nothing_written():
        check_refused(partner.call("POST", json=FORM), 409, "conflict")
    rival.draft()
    found = partner.call("GET", "/list?externalId=crm-1").json()["data"]
    assert [one["id"] for one in found] == [first]
    partner.call("POST", f"/{first}/cancel")
    second = partner.draft()
    third = partner.draft(externalId="")
    check_refused(partner.call("PUT", f"/{third}", json=FORM), 409, "conflict")
    assert second != first


@pytest.mark.parametrize("name", ["a.pdf", "invoice.exe", "../../x.pdf", "\u202efdp.exe"])
def test_documents_are_sealed_and_known_by_their_bytes(
    door: Door, partner: Partner, name: str
) -> None:
    application, content = partner.draft(), PDF + os.urandom(40) + b"\n%%EOF"
    made = partner.attach(application, content, name=name)
    assert made.status_code == 201
    told = made.json()
    assert told["mediaType"] == "application/pdf"
    assert "/" not in told["name"]
    read = partner.call("GET", f"/{application}/documents/{told['id']}").json()
    assert base64.b64decode(read["content"]) == content
    sealed = door.sql(
        "SELECT sealed FROM application_documents WHERE document_id = $1", UUID(told["id"])
    )[0][0]
    assert content[10:40] not in sealed
    assert b"%PDF" not in sealed
    with door.nothing_written():
        assert partner.attach(application, content).json()["id"] == told["id"]  # the same bytes
    assert partner.call("DELETE", f"/{application}/documents/{told['id']}").status_code == 204
    check_refused(partner.call("GET", f"/{application}/documents/{told['id']}"), 404, "not_found")
    assert partner.call("GET", f"/{application}/documents").json()["data"] == []


def test_documents_of_all_drafts_together_have_a_size(
    partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hundred drafts of twenty documents each were 2.8 GB."""
    first, second = partner.draft(), partner.draft(externalId="")
    assert partner.attach(first).status_code == 201
    monkeypatch.setattr(application_documents, "OWNER_BYTES_MAX", 2 * len(PDF))
    refused = partner.call(
        "POST",
        f"/{second}/documents",
        json={
            "kind": "registration",
            "name": "a.pdf",
            "content": base64.b64encode(PDF + b"\n%%EOF").decode(),
        },
        allow_5xx=True,
    )
    check_refused(refused, 507, "no_space")
    assert partner.attach(second, PDF).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content": base64.b64encode(b"MZ\x90\x00").decode()}, "Content"),
        ({"content": "not base64!"}, "Content"),
        ({"content": ""}, "Content"),
        ({"content": base64.b64encode(PDF).decode()[:-2]}, "Content"),
        ({"content": base64.b64encode(PDF + b"x" * BYTES_MAX).decode()}, "Content"),
        ({"kind": "selfie"}, "Kind"),
        ({"name": "///"}, "Name"),
        ({"name": None}, "Name"),
        ({"kind": 7}, "Kind"),
    ],
)
def test_what_is_no_document_is_refused(
    door: Door, partner: Partner, change: dict[str, Any], field: str
) -> None:
    application = partner.draft()
    with door.nothing_written():
        assert list(fields_of(partner.attach(application, **change))) == [field]


def test_there_is_an_end_to_documents(door: Door, partner: Partner) -> None:
    application = partner.draft()
    for number in range(20):
        assert partner.attach(application, PDF + b"%d\n%%%%EOF" % number).status_code == 201
    with door.nothing_written():
        check_refused(partner.attach(application, PDF + b"more\n%%EOF"), 409, "conflict")


def test_nobody_sees_or_moves_what_is_anothers(
    door: Door, partner: Partner, rival: Partner, shop: Caller
) -> None:
    application = partner.approved()
    document = partner.call("GET", f"/{application}/documents").json()["data"][0]["id"]
    mine = rival.draft()
    calls: list[tuple[str, str, Any]] = [
        ("GET", f"/{application}", None),
        ("PUT", f"/{application}", FORM),
        ("POST", f"/{application}/submit", {}),
        ("POST", f"/{application}/cancel", {}),
        ("POST", f"/{application}/convert", {}),
        ("GET", f"/{application}/documents", None),
        ("GET", f"/{application}/documents/{document}", None),
        ("DELETE", f"/{application}/documents/{document}", None),
        (
            "POST",
            f"/{application}/documents",
            {"kind": "other", "name": "x.pdf", "content": base64.b64encode(PDF).decode()},
        ),
    ]
    with door.nothing_written():
        for method, path, body in calls:
            for headers in (rival.headers, shop.headers):
                for one in (
                    path,
                    path.replace(application, UNKNOWN),
                    path.replace(application, "x"),
                ):
                    answer = door.call(method, PATH + one, headers=headers, json=body)
                    check_refused(answer, 404, "not_found")
        foreign = rival.call("GET", f"/{mine}/documents/{document}")
        check_refused(foreign, 404, "not_found")
        check_refused(rival.call("DELETE", f"/{mine}/documents/{document}"), 404, "not_found")
    assert [one["id"] for one in rival.call("GET", "/list").json()["data"]] == [mine]
    check_refused(door.call("GET", PATH + "/list"), 401, "unauthenticated")


def test_a_merchant_applies_for_another_and_its_owners_own_it(door: Door, shop: Caller) -> None:
    made = shop.post("/onboarding/application", FORM).json()["id"]
    content = base64.b64encode(PDF).decode()
    shop.post(
        f"/onboarding/application/{made}/documents",
        {"kind": "registration", "name": "x", "content": content},
    )
    shop.post(f"/onboarding/application/{made}/submit")
    door.run(decide_application(door.world, OPERATOR, UUID(made), approve=True))
    told = shop.post(f"/onboarding/application/{made}/convert").json()
    partner_id = door.sql(
        "SELECT partner_id FROM merchants WHERE merchant_id = $1", UUID(told["mid"])
    )[0][0]
    assert partner_id is None


def test_a_list_goes_on_where_it_ended(partner: Partner) -> None:
    made = [partner.draft(externalId=str(n)) for n in range(5)]
    partner.call("POST", f"/{made[0]}/cancel")
    seen, after = [], ""
    while True:
        page = partner.call("GET", f"/list?limit=2{after}").json()
        seen += [one["id"] for one in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == made[::-1]
    assert [one["id"] for one in partner.call("GET", "/list?status=cancelled").json()["data"]] == [
        made[0]
    ]
    assert set(fields_of(partner.call("GET", "/list?status=open&limit=0&after=x&order=up"))) == {
        "Status",
        "Limit",
        "After",
        "Query",
    }


@pytest.mark.parametrize("how", ["draft", "submitted", "approved"])
def test_cancelling_is_possible_in_any_state_and_twice(partner: Partner, how: str) -> None:
    make: Callable[[], str] = getattr(partner, how)
    application = make()
    for _ in range(2):
        answer = partner.call(
            "POST", f"/{application}/cancel", json={"note": "changed our mind"}
        ).json()
        assert (answer["status"], answer["applicationStatus"]) == ("SUCCESS", "CANCELLED")
    for path in ("submit", "convert"):
        check_refused(partner.call("POST", f"/{application}/{path}"), 409, "wrong_state")


def test_a_decline_says_why_and_only_the_operator_decides(door: Door, partner: Partner) -> None:
    application = partner.submitted()
    theirs = Applicant(("partner", partner.partner_id), Actor("api", "ppk"), "test")
    for who, more, code in (
        (theirs, {"approve": True}, "forbidden"),
        (OPERATOR, {"approve": False}, "invalid"),
        (OPERATOR, {"approve": False, "reason": "other"}, "invalid"),
    ):
        with pytest.raises(Problem) as caught, door.nothing_written():
            door.run(
                decide_application(
                    door.world,
                    who,
                    UUID(application),
                    **more,  # type: ignore[arg-type]
                )
            )
        assert caught.value.code == code
    door.run(
        decide_application(
            door.world, OPERATOR, UUID(application), approve=False, reason="risk", note="too new"
        )
    )
    told = partner.call("GET", f"/{application}").json()
    assert (told["status"], told["reason"], told["note"]) == ("DECLINED", "risk", "too new")
    with pytest.raises(Problem):
        door.run(decide_application(door.world, OPERATOR, UUID(application), approve=True))
    check_refused(partner.call("POST", f"/{application}/convert"), 409, "wrong_state")


def test_each_step_is_told_once_with_the_merchant_to_be(door: Door, partner: Partner) -> None:
    application = partner.approved()
    partner.call("POST", f"/{application}/convert")
    rows = door.sql(
        "SELECT event, seq, body, merchant_id FROM outbox WHERE subject_id = $1 ORDER BY seq",
        UUID(application),
    )
    assert [row["event"] for row in rows] == [
        "application.submitted",
        "application.approved",
        "application.converted",
    ]
    log = door.sql(
        "SELECT seq, happening, dst FROM application_log WHERE application_id = $1 ORDER BY seq",
        UUID(application),
    )
    assert [row["happening"] for row in log] == [
        "created",
        "document_added",
        "submitted",
        "approved",
        "converted",
    ]
    assert {row["seq"] for row in rows} <= {row["seq"] for row in log}
    told = partner.call("GET", f"/{application}").json()
    assert {str(row["merchant_id"]) for row in rows} == {told["mid"]}
    assert "ana@brightleaf.example" not in "".join(str(row["body"]) for row in rows)


def test_a_partner_hears_of_its_applications_by_webhook_and_feed(
    door: Door, partner: Partner, rival: Partner
) -> None:
    """Before there is a merchant, and of those that never become one; a rival hears nothing."""
    names = [
        f"application.{word}"
        for word in ("submitted", "approved", "declined", "cancelled", "converted")
    ]
    with receiving(door) as hooks, receiving(door) as others:
        for one, where in ((partner, hooks), (rival, others)):
            made = door.call(
                "POST",
                "/v1/partner/webhooks",
                headers=one.headers,
                json={"url": where.url(), "events": names},
            )
            assert made.status_code == 201, made.text
        first, second = partner.approved(), partner.submitted(externalId="crm-2")
        door.run(
            decide_application(door.world, OPERATOR, UUID(second), approve=False, reason="risk")
        )
        partner.call("POST", f"/{first}/convert")
        mids = [
            row[0]
            for row in door.sql(
                "SELECT merchant_id FROM applications WHERE owner_id = $1", partner.partner_id
            )
        ]
        for mid in mids:
            door.run(publish_now(door.world, door.deliveries, mid))
        assert sorted(hooks.events) == sorted(
            [
                "application.submitted",
                "application.approved",
                "application.converted",
                "application.submitted",
                "application.declined",
            ]
        )
        assert [one.event for one in hooks.got if one.data["ApplicationId"] == second] == [
            "application.submitted",
            "application.declined",
        ]
        assert {one.data["Mid"] for one in hooks.got} == {str(mid) for mid in mids}
        assert others.got == []
    feed = door.call("GET", "/v1/events", headers=partner.headers).json()
    assert sorted(one["Event"] for one in feed["data"]) == sorted(hooks.events)
    assert [one["Number"] for one in feed["data"]] == [1, 2, 3, 4, 5]
    assert door.call("GET", "/v1/events", headers=rival.headers).json()["data"] == []


@pytest.mark.parametrize(
    "end", ["draft", "submitted", "cancelled", "declined", "approved", "converted"]
)
def test_an_application_proves_clean_at_each_step(door: Door, partner: Partner, end: str) -> None:
    """Its events stand under the merchant that it is to become, which does not exist until it is
    converted."""
    made = door.call(
        "POST",
        "/v1/partner/webhooks",
        headers=partner.headers,
        json={"url": "http://127.0.0.1:9/hook", "events": ["application.submitted"]},
    )
    assert made.status_code == 201, made.text
    begin = {"draft": partner.draft, "cancelled": partner.submitted, "declined": partner.submitted}
    application = begin.get(
        end, partner.approved if end in ("approved", "converted") else partner.submitted
    )()
    if end == "cancelled":
        partner.call("POST", f"/{application}/cancel")
    if end == "declined":
        door.run(
            decide_application(
                door.world, OPERATOR, UUID(application), approve=False, reason="other", note="No"
            )
        )
    if end == "converted":
        door.run(convert_application(door.world, OPERATOR, UUID(application)))
    [mid] = door.sql(
        "SELECT merchant_id FROM applications WHERE application_id = $1", UUID(application)
    )[0]
    for _ in range(2):
        proved = door.run(verify(door.world))
        assert proved.difference is None, proved.difference
        door.run(publish_now(door.world, door.deliveries, mid))


def test_an_order_of_a_merchant_to_be_is_found(door: Door, partner: Partner) -> None:
    application = partner.submitted()

    async def run(sql: str) -> None:
        async with owner(door.world) as connection:
            await connection.execute("SET session_replication_role = replica")
            await connection.execute(sql, UUID(application))

    merchant = "FROM applications WHERE application_id = $1"
    door.run(run(f"INSERT INTO wallets SELECT merchant_id, 'USDT', now() {merchant}"))
    found = door.run(verify(door.world)).difference
    door.run(run(f"DELETE FROM wallets WHERE merchant_id = (SELECT merchant_id {merchant})"))
    assert found is not None
    assert found.field == "merchant of rows in wallets"


def test_of_many_conversions_at_once_one_makes_the_merchant(door: Door, partner: Partner) -> None:
    application = partner.approved()
    who = Applicant(("partner", partner.partner_id), Actor("api", "ppk"), "test")

    async def race() -> list[Any]:
        return await asyncio.gather(
            *(convert_application(door.world, who, UUID(application)) for _ in range(6))
        )

    before = door.counts()
    done = door.run(race())
    after = door.counts()
    assert len({one.application.merchant_id for one in done}) == 1
    assert len([one for one in done if one.credentials is not None]) == 1
    assert len({frozenset(one.site_ids) for one in done}) == 1
    for table, more in (("merchants", 1), ("sites", 2), ("api_keys", 1), ("partner_merchants", 1)):
        assert after[table] - before[table] == more, table


def test_of_submit_and_cancel_at_once_the_log_tells_one_story(door: Door, partner: Partner) -> None:
    application = partner.draft()
    partner.attach(application)

    async def race() -> None:
        calls = [
            door.client.post(f"{PATH}/{application}/{word}", headers=partner.headers)
            for word in ("submit", "cancel", "submit", "cancel")
        ]
        await asyncio.gather(*calls)

    door.run(race())
    log = door.sql(
        "SELECT src, dst FROM application_log WHERE application_id = $1 ORDER BY seq",
        UUID(application),
    )
    assert all(log[n]["src"] == log[n - 1]["dst"] for n in range(1, len(log)))
    assert log[-1]["dst"] == "CANCELLED"


def test_two_documents_at_once_are_both_there(door: Door, partner: Partner) -> None:
    application = partner.draft()
    bodies = [
        {
            "kind": "other",
            "name": f"{n}.pdf",
            "content": base64.b64encode(PDF + b"%d\n%%%%EOF" % n).decode(),
        }
        for n in range(5)
    ]

    async def race() -> None:
        await asyncio.gather(
            *(
                door.client.post(
                    f"{PATH}/{application}/documents", headers=partner.headers, json=body
                )
                for body in bodies
            )
        )

    door.run(race())
    assert len(partner.call("GET", f"/{application}/documents").json()["data"]) == 5


def test_a_partner_has_no_more_merchants_than_it_may(door: Door, partner: Partner) -> None:
    made = [partner.approved(externalId=f"m{n}") for n in range(2)]
    door.sql("UPDATE partners SET merchants_max = 1 WHERE partner_id = $1", partner.partner_id)
    assert partner.call("POST", f"/{made[0]}/convert").status_code == 200
    with door.nothing_written():
        check_refused(partner.call("POST", f"/{made[1]}/convert"), 409, "conflict")


def test_an_external_id_that_another_merchant_has_is_a_conflict(
    door: Door, partner: Partner
) -> None:
    first = partner.approved()
    assert partner.call("POST", f"/{first}/convert").status_code == 200
    door.sql(
        "UPDATE applications SET external_id = '', form = form || '{\"external_id\": \"\"}' WHERE "
        "application_id = $1",
        UUID(first),
    )
    second = partner.approved()
    with door.nothing_written():
        check_refused(partner.call("POST", f"/{second}/convert"), 409, "conflict")


def test_a_paused_partner_reads_and_writes_nothing(door: Door, partner: Partner) -> None:
    application = partner.draft()
    door.sql("UPDATE partners SET state = 'paused' WHERE partner_id = $1", partner.partner_id)
    assert partner.call("GET", f"/{application}").status_code == 200
    check_refused(partner.call("POST", f"/{application}/submit"), 403, "forbidden")


def test_the_people_database_hears_of_the_merchant_by_due_work(
    door: Door, partner: Partner, shop: Caller
) -> None:
    """Whatever dies after the merchant's transaction: the worker tells the other database."""
    application = partner.approved()
    mid = UUID(partner.call("POST", f"/{application}/convert").json()["mid"])
    people = door.world.people

    async def known() -> list[Any]:
        async with people.connection() as connection:
            sql = "SELECT partner_id, name FROM merchant_worlds WHERE merchant_id = $1"
            return [tuple(row) for row in await connection.fetch(sql, mid)]

    assert door.run(known()) == []
    change_world(door.world, people_database=None)  # out of reach: the work stays due
    door.run(run_due(door.world, door.orders, merchant_id=mid))
    change_world(door.world, people_database=people)
    door.sql("UPDATE due_work SET lease_until = NULL WHERE merchant_id = $1", mid)
    door.run(run_due(door.world, door.orders, merchant_id=mid))
    assert door.run(known()) == [(partner.partner_id, "Brightleaf Tea Ltd")]
    door.run(register(door.world, mid))
    assert len(door.run(known())) == 1


def test_no_document_nor_contact_stands_anywhere_in_the_clear(door: Door, partner: Partner) -> None:
    application = partner.draft(contact={"name": "Zebedee Quux", "email": "zq@example.test"})
    partner.attach(application, PDF + b"SECRETPAGE\n%%EOF")
    partner.call("POST", f"/{application}/submit")

    async def kept() -> list[str]:
        async with owner(door.world) as connection:
            found = []
            for table in ("application_log", "outbox", "application_documents"):
                rows = await connection.fetch(f"SELECT t::text AS text FROM {table} t")
                found += [row["text"] for row in rows]
            return found

    everything = "\n".join(door.run(kept()))
    assert "SECRETPAGE" not in everything
    assert "Zebedee" not in everything
    assert b"SECRETPAGE".hex() not in everything
