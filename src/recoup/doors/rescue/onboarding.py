"""/onboarding/application: from a draft to a merchant. Source: contract §13."""

from dataclasses import asdict
from typing import Any, Final

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_whole
from recoup.doors.rescue.errors import TABLE
from recoup.doors.rescue.onboarding_view import applicant_of, application_id, application_view, status_of
from recoup.doors.rescue.query import Query
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.onboarding import (
    PAGE_SIZE_MAX,
    ApplicationBody,
    ApplicationQuery,
    Applications,
    ApplicationSite,
    ApplicationStep,
    ApplicationView,
    Contact,
    ConvertedView,
    StepBody,
    Volumes,
)
from recoup.doors.rescue.shapes.partners import Credentials
from recoup.doors.rescue.wire import ErrorTuple
from recoup.flows.merchants import applications
from recoup.flows.merchants.convert_application import convert_application
from recoup.rules.merchants.application import Status
from recoup.rules.merchants.form import Form, SiteForm
from recoup.store.merchants.applications import Application

_STATUSES: Final = {one.lower(): one.value for one in Status if one is not Status.NEW}
_DONE: Final[dict[str, Any]] = {"success": True, "status": "SUCCESS", "status_code": "200"}


async def create(call: Call) -> Reply:
    who = applicant_of(call)
    made = await applications.create_application(call.services.world, who, _form(call))
    return Reply(application_view(applications.with_documents(made)), 201)


async def read(call: Call) -> Reply:
    return Reply(await _read(call))


async def replace(call: Call) -> Reply:
    who = applicant_of(call)
    await applications.change_application(call.services.world, who, application_id(call), _form(call))
    return Reply(await _read(call))


async def list_all(call: Call) -> Reply:
    who, query = applicant_of(call), Query(call.query)
    query.refuse_unknown(("status", "externalId", "limit", "after"))
    limit = query.number("limit", 50, 1, PAGE_SIZE_MAX) or 50
    status = query.choice("status", {"": ""} | _STATUSES, "")
    external_id, after = query.one("externalId", maximum=64), query.guid("after")
    query.raise_if_any()
    rows = await applications.find_applications(
        call.services.world, who, limit + 1, after=after, status=_STATUSES.get(status), external_id=external_id or None
    )
    more = rows[limit - 1].application_id if len(rows) > limit else None
    return Reply(Applications(data=[application_view(row) for row in rows[:limit]], next=more))


async def submit(call: Call) -> Reply:
    who = applicant_of(call)
    row, lacks = await applications.submit_application(call.services.world, who, application_id(call), _note(call))
    if not lacks:
        return Reply(_step(row, "The application waits for the operator's decision."))
    digits, complaints = TABLE["invalid"].digits, [f"The {name} field is required." for name in lacks]
    return Reply(
        ApplicationStep(
            id=row.application_id,
            application_status=status_of(row),
            success=False,
            status="FAILED",
            status_code=digits,
            result=f"The application is not complete: {', '.join(lacks)}.",
            errors=[ErrorTuple(item1=text, item2=digits, item3="invalid", item4=True) for text in complaints],
            custom_properties={"missing": ",".join(lacks)},
        )
    )


async def cancel(call: Call) -> Reply:
    who = applicant_of(call)
    row = await applications.cancel_application(call.services.world, who, application_id(call), _note(call))
    return Reply(_step(row, "The application is cancelled."))


async def convert(call: Call) -> Reply:
    who = applicant_of(call)
    done = await convert_application(call.services.world, who, application_id(call), _note(call))
    row, given = done.application, done.credentials
    keys = Credentials(**asdict(given)) if given is not None else None
    result = "The merchant exists." if keys else "The merchant exists; its credentials were shown when it was made."
    return Reply(
        ConvertedView(
            id=row.application_id,
            application_status=status_of(row),
            result=result,
            mid=row.merchant_id,
            site_ids=list(done.site_ids),
            credentials=keys,
            handover_url=done.handover.url if done.handover else None,
            **_DONE,
        )
    )


async def _read(call: Call) -> ApplicationView:
    who = applicant_of(call)
    return application_view(await applications.read_application(call.services.world, who, application_id(call)))


def _step(row: Application, result: str) -> ApplicationStep:
    return ApplicationStep(id=row.application_id, application_status=status_of(row), result=result, **_DONE)


def _note(call: Call) -> str:
    return read_whole(call.body, StepBody).note or ""


def _form(call: Call) -> Form:
    body = read_whole(call.body, ApplicationBody)
    contact, volumes = body.contact or Contact(), body.volumes or Volumes()
    return Form(
        external_id=body.external_id or "",
        legal_name=body.legal_name or "",
        trading_name=body.trading_name or "",
        country=(body.country or "").upper(),
        registration_number=body.registration_number or "",
        business_category=body.business_category or "",
        contact_name=contact.name or "",
        contact_email=contact.email or "",
        contact_phone=contact.phone or "",
        currency=(volumes.currency or "").upper(),
        monthly_units=volumes.monthly_amount,
        average_units=volumes.average_amount,
        kinds=tuple(dict.fromkeys(body.kinds or ())),
        sites=tuple(_site(site) for site in body.sites or ()),
    )


def _site(site: ApplicationSite) -> SiteForm:
    return SiteForm(
        url=site.url or "",
        name=site.name or "",
        descriptor=site.descriptor or "",
        support=site.support_contact or "",
    )


_PATH: Final = "/v1/onboarding/application"
_GROUP: Final = "Onboarding"
_EXAMPLE: Final[dict[str, Any]] = {
    "legalName": "Brightleaf Tea Ltd", "country": "GB", "registrationNumber": "09876543",
    "businessCategory": "5499", "contact": {"name": "Ana Roe", "email": "ana@brightleaf.example"},
    "volumes": {"currency": "GBP", "monthlyAmount": 4500000, "averageAmount": 2490}, "kinds": ["cit_web", "mit"],
    "sites": [{"url": "https://brightleaf.example", "name": "Brightleaf", "descriptor": "BRIGHTLEAF*TEA"}],
}  # fmt: skip
_TEXT: Final = "Only your own applications; others are not found."


def _operation(method: str, path: str, summary: str, text: str, **more: Any) -> Operation:
    return Operation(method, _PATH + path, summary, text, group=_GROUP, **more)


METHODS: Final = (
    Method(_operation("POST", "", "Create an application", "Creates a draft. It may be empty; complete it with PUT.",
                      body=ApplicationBody, answers={201: ApplicationView}, problems=("conflict",),
                      examples=(Example("a tea shop", _EXAMPLE, 201, {"status": "DRAFT"}),)),
           create, "merchants", partners=True),
    Method(_operation("GET", "/list", "Your applications", _TEXT, query=ApplicationQuery, answers={200: Applications}),
           list_all, "merchants", partners=True),
    Method(_operation("GET", "/{id}", "One application", _TEXT, answers={200: ApplicationView},
                      problems=("not_found",)), read, "merchants", partners=True),
    Method(_operation("PUT", "/{id}", "Replace a draft",
                      "Replaces the whole draft: missing fields become empty. After DRAFT: 409.",
                      body=ApplicationBody, answers={200: ApplicationView},
                      problems=("not_found", "conflict", "wrong_state"),
                      examples=(Example("another name", _EXAMPLE | {"tradingName": "Leaf"}),)),
           replace, "merchants", partners=True),
    Method(_operation("POST", "/{id}/submit", "Submit a draft",
                      "FAILED names every missing field and document; the draft stays unchanged.",
                      body=StepBody, answers={200: ApplicationStep}, problems=("not_found", "wrong_state")),
           submit, "merchants", body_optional=True, partners=True),
    Method(_operation("POST", "/{id}/cancel", "Cancel an application",
                      "Possible in any state until its merchant exists. A repeat gives the same response.",
                      body=StepBody, answers={200: ApplicationStep}, problems=("not_found", "wrong_state")),
           cancel, "merchants", body_optional=True, partners=True),
    Method(_operation("POST", "/{id}/convert", "Convert into a merchant",
                      "Converts an APPROVED application, once; a repeat returns the same merchant.",
                      body=StepBody, answers={200: ConvertedView}, problems=("not_found", "wrong_state", "conflict")),
           convert, "merchants", body_optional=True, partners=True),
)  # fmt: skip
