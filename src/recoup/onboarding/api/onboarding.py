"""/onboarding/application: from a draft to a merchant. Source: contract §13."""

import base64
from dataclasses import asdict
from typing import Any, Final, cast
from uuid import UUID

from recoup.keys.api.partners_shapes import Credentials
from recoup.keys.api.v1_resource import Api, Call
from recoup.kit.api.body import read_whole
from recoup.kit.api.errors import TABLE
from recoup.kit.api.wire import ErrorTuple
from recoup.kit.edge.incoming import BODY_BYTES_MAX
from recoup.kit.lists.paging import page_of
from recoup.onboarding.api.onboarding_shapes import (
    ApplicationBody,
    ApplicationQuery,
    Applications,
    ApplicationSite,
    ApplicationStatus,
    ApplicationStep,
    ApplicationView,
    Contact,
    ConvertedView,
    Document,
    DocumentBody,
    DocumentContent,
    Documents,
    StepBody,
    Volumes,
)
from recoup.onboarding.flows import application_documents, applications
from recoup.onboarding.flows.applications import Applicant, FullApplication, form_of, lacking
from recoup.onboarding.flows.convert_application import convert_application
from recoup.onboarding.rules.application import Status
from recoup.onboarding.rules.form import Form, SiteForm
from recoup.onboarding.store.applications import Application

LIST = "See GET /v1/onboarding/application/list."


def applicant_of(call: Call) -> Applicant:
    """A partner, or a merchant."""
    caller = call.caller
    assert caller
    if caller.partner_id:
        return Applicant(("partner", caller.partner_id), caller.actor, call.request_id)
    return Applicant(("merchant", caller.merchant_id), caller.actor, call.request_id)


def application_id(call: Call) -> UUID:
    return call.object_id(noun="application", cure=LIST)


def application_view(row: FullApplication) -> ApplicationView:
    form = form_of(row)
    return ApplicationView.of(
        form,
        row,
        id=row.application_id,
        status=status_of(row),
        contact=Contact(name=form.contact_name, email=form.contact_email, phone=form.contact_phone),
        volumes=Volumes(
            currency=form.currency or None,
            monthly_amount=form.monthly_units,
            average_amount=form.average_units,
        ),
        kinds=list(form.kinds),
        sites=[
            ApplicationSite(
                url=s.url, name=s.name, descriptor=s.descriptor, support_contact=s.support
            )
            for s in form.sites
        ],
        documents=[Document.of(document, id=document.document_id) for document in row.documents],
        missing=list(lacking(row)),
        reason=row.reason or None,
        note=row.note or None,
        mid=row.merchant_id if row.status == Status.CONVERTED else None,
    )


def status_of(application: Application) -> ApplicationStatus:
    return cast(ApplicationStatus, application.status.value)


_DONE: Final[dict[str, Any]] = {"success": True, "status": "SUCCESS", "status_code": "200"}


_PATH: Final = "/v1/onboarding/application"
_EXAMPLE: Final[dict[str, Any]] = {
    "legalName": "Brightleaf Tea Ltd", "country": "GB", "registrationNumber": "09876543",
    "businessCategory": "5499", "contact": {"name": "Ana Roe", "email": "ana@brightleaf.example"},
    "volumes": {"currency": "GBP", "monthlyAmount": 4500000, "averageAmount": 2490},
    "kinds": ["cit_web", "mit"],
    "sites": [{"url": "https://brightleaf.example", "name": "Brightleaf",
    "descriptor": "BRIGHTLEAF*TEA"}],
}  # fmt: skip
_TEXT: Final = "Only your own applications; others are not found."
# The smallest image there is: one grey pixel.
_PIXEL: Final = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
_DOCUMENT_PATH: Final = "/v1/onboarding/application/{id}/documents"
_DRAFT: Final = "Possible while the application is a draft."
api: Final = Api(group="Onboarding", scope="merchants", partners=True, lenient=True)


@api(f"POST {_PATH}", status=201, body=ApplicationBody, problems=("conflict",))
@api.example("a tea shop", _EXAMPLE, {"status": "DRAFT"})
async def create(call: Call) -> ApplicationView:
    """Create an application. Creates a draft. It may be empty; complete it with PUT."""
    made = await applications.create_application(
        call.services.world, applicant_of(call), _form(call)
    )
    return application_view(applications.with_documents(made))


@api(f"GET {_PATH}/list", text=_TEXT, query=ApplicationQuery)
async def list_all(call: Call) -> Applications:
    """Your applications."""
    who, query = applicant_of(call), call.parameters(ApplicationQuery, "limit")
    rows = await applications.find_applications(
        call.services.world,
        who,
        query.limit + 1,
        after=query.after,
        status=query.status,
        external_id=query.external_id,
    )
    return page_of(
        Applications, rows, query.limit, application_view, lambda row: row.application_id
    )


@api(f"GET {_PATH}/{{id}}", text=_TEXT, problems=("not_found",))
async def read(call: Call) -> ApplicationView:
    """One application."""
    return await _read(call)


@api(f"PUT {_PATH}/{{id}}", body=ApplicationBody, problems=("not_found", "conflict", "wrong_state"))
@api.example("another name", _EXAMPLE | {"tradingName": "Leaf"})
async def replace(call: Call) -> ApplicationView:
    """Replace a draft. Replaces the whole draft: missing fields become empty. After DRAFT: 409."""
    who = applicant_of(call)
    await applications.change_application(
        call.services.world, who, application_id(call), _form(call)
    )
    return await _read(call)


@api(
    f"POST {_PATH}/{{id}}/submit",
    body=StepBody,
    problems=("not_found", "wrong_state"),
    body_optional=True,
)
async def submit(call: Call) -> ApplicationStep:
    """Submit a draft. FAILED names every missing field and document; the draft stays unchanged."""
    who = applicant_of(call)
    row, lacks = await applications.submit_application(
        call.services.world, who, application_id(call), _note(call)
    )
    if not lacks:
        return _step(row, "The application waits for the operator's decision.")
    digits, complaints = (
        TABLE["invalid"].digits,
        [f"The {name} field is required." for name in lacks],
    )
    return ApplicationStep(
        id=row.application_id,
        application_status=status_of(row),
        success=False,
        status="FAILED",
        status_code=digits,
        result=f"The application is not complete: {', '.join(lacks)}.",
        errors=[
            ErrorTuple(item1=text, item2=digits, item3="invalid", item4=True) for text in complaints
        ],
        custom_properties={"missing": ",".join(lacks)},
    )


@api(
    f"POST {_PATH}/{{id}}/cancel",
    body=StepBody,
    problems=("not_found", "wrong_state"),
    body_optional=True,
)
async def cancel(call: Call) -> ApplicationStep:
    """Cancel an application. Possible in any state until its merchant exists. A repeat gives the
    same response."""
    who = applicant_of(call)
    row = await applications.cancel_application(
        call.services.world, who, application_id(call), _note(call)
    )
    return _step(row, "The application is cancelled.")


@api(
    f"POST {_PATH}/{{id}}/convert",
    body=StepBody,
    problems=("not_found", "wrong_state", "conflict"),
    body_optional=True,
    scope="keys",
)
async def convert(call: Call) -> ConvertedView:
    """Convert into a merchant. Converts an APPROVED application, once; a repeat returns the same
    merchant."""
    who = applicant_of(call)
    done = await convert_application(call.services.world, who, application_id(call), _note(call))
    row, given = done.application, done.credentials
    keys = Credentials(**asdict(given)) if given else None
    result = (
        "The merchant exists."
        if keys
        else "The merchant exists; its credentials were shown when it was made."
    )
    return ConvertedView(
        id=row.application_id,
        application_status=status_of(row),
        result=result,
        mid=row.merchant_id,
        site_ids=list(done.site_ids),
        credentials=keys,
        handover_url=done.handover.url if done.handover else None,
        **_DONE,
    )


async def _read(call: Call) -> ApplicationView:
    who = applicant_of(call)
    return application_view(
        await applications.read_application(call.services.world, who, application_id(call))
    )


def _step(row: Application, result: str) -> ApplicationStep:
    return ApplicationStep(
        id=row.application_id, application_status=status_of(row), result=result, **_DONE
    )


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


@api(
    f"POST {_DOCUMENT_PATH}",
    status=201,
    text=f"{_DRAFT} A repeated upload returns the existing one.",
    body=DocumentBody,
    chars_max=BODY_BYTES_MAX,
    problems=("not_found", "wrong_state", "conflict", "no_space"),
)
@api.example(
    "an image",
    {"kind": "registration", "name": "extract.png", "content": _PIXEL},
    {"mediaType": "image/png"},
)
async def attach(call: Call) -> Document:
    """Add a document."""
    who, body = applicant_of(call), read_whole(call.body, DocumentBody)
    made = await application_documents.attach_document(
        call.services.world, who, application_id(call), body.kind, body.name, body.content
    )
    return Document.of(made, id=made.document_id)


@api(f"GET {_DOCUMENT_PATH}", problems=("not_found",))
async def list_documents(call: Call) -> Documents:
    """Documents of an application. Without their content."""
    documents = await application_documents.list_documents(
        call.services.world, applicant_of(call), application_id(call)
    )
    return Documents(data=[Document.of(row, id=row.document_id) for row in documents])


@api(f"GET {_DOCUMENT_PATH}/{{document}}", problems=("not_found",))
async def read_document(call: Call) -> DocumentContent:
    """One document. With its content."""
    row, content = await application_documents.read_document(
        call.services.world, applicant_of(call), application_id(call), _document_id(call)
    )
    return DocumentContent.of(row, id=row.document_id, content=base64.b64encode(content).decode())


@api(
    f"DELETE {_DOCUMENT_PATH}/{{document}}",
    text=f"{_DRAFT} The content is deleted.",
    problems=("not_found", "wrong_state"),
)
async def delete(call: Call) -> None:
    """Remove a document."""
    who = applicant_of(call)
    await application_documents.remove_document(
        call.services.world, who, application_id(call), _document_id(call)
    )


def _document_id(call: Call) -> UUID:
    return call.object_id(
        "document", noun="document", cure="See GET /v1/onboarding/application/{id}/documents."
    )
