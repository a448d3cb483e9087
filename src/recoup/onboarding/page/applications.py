"""/applications: the list, and one application with its form, documents, decision and end."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.responses import Response

from recoup.kernel.frozen import frozen
from recoup.kernel.money import EXPONENTS, UNITS_MAX, to_text
from recoup.kernel.problem import Problem, Sentence, invalid, joined
from recoup.kit import typed_amounts
from recoup.kit.lists.paging import cut
from recoup.kit.world import World
from recoup.onboarding.flows import application_documents, applications
from recoup.onboarding.flows.applications import Applicant, FullApplication
from recoup.onboarding.flows.convert_application import convert_application, waiting_credentials
from recoup.onboarding.rules.application import DECLINE_REASONS
from recoup.onboarding.rules.documents import BYTES_MAX, download_name
from recoup.onboarding.rules.form import DOCUMENTS, KINDS, SITES_MAX, Form, SiteForm
from recoup.onboarding.store.applications import log_of
from recoup.people.page.any_visit import AnyVisit
from recoup.people.page.endpoint import id_in_path, redirect
from recoup.people.page.file_form import file_form
from recoup.people.page.form_shape import Names, Text, read_again
from recoup.people.page.menu import Entry, for_operator, not_operator
from recoup.people.page.pages import Answer, Values, attachment, but, either, nothing, taken
from recoup.people.page.portal_visit import Visit, names_for
from recoup.people.page.rights import anybody
from recoup.people.page.words import State

_TEXTS: Final = (
    "external_id", "legal_name", "trading_name", "country", "registration_number",
    "business_category",
    "contact_name", "contact_email", "contact_phone", "currency",
)  # fmt: skip
_SITE: Final = {"url": 512, "name": 128, "descriptor": 22, "support": 128}
_SITE_FIELDS: Final = re.compile(rf"site_({'|'.join(_SITE)})_[0-9]{{1,2}}")


def _line(most: int) -> Text:
    return Text(most, strip=True, printable=True)


@frozen
class ApplicationFields:
    """Application fields as they were typed. `monthly`, `average`: amounts in `currency`; `kind`:
    of orders; `sites`: the texts of each, under `site_`, the field and the site's number."""

    external_id: Annotated[str, _line(64)]
    legal_name: Annotated[str, _line(128)]
    trading_name: Annotated[str, _line(128)]
    country: Annotated[str, _line(2)]
    registration_number: Annotated[str, _line(64)]
    business_category: Annotated[str, _line(4)]
    contact_name: Annotated[str, _line(128)]
    contact_email: Annotated[str, _line(254)]
    contact_phone: Annotated[str, _line(32)]
    currency: Annotated[str, _line(3)]
    monthly: Annotated[str, Text(30, strip=True)]
    average: Annotated[str, Text(30, strip=True)]
    kind: tuple[str, ...]
    sites: Annotated[Mapping[str, str], Names(_SITE_FIELDS.fullmatch), _line(max(_SITE.values()))]


def read_fields(fields: ApplicationFields) -> Form:
    """Raises: Problem(invalid) for an amount that is none; the flow checks everything else."""
    texts = {name: getattr(fields, name) for name in _TEXTS}
    texts["country"], texts["currency"] = texts["country"].upper(), texts["currency"].upper()
    sites = []
    for number in range(SITES_MAX):
        site = {
            name: fields.sites.get(f"site_{name}_{number}", "")[:most]
            for name, most in _SITE.items()
        }
        if any(site.values()):
            sites.append(SiteForm(**site))
    return Form(
        **texts,
        monthly_units=_units(fields.monthly, "monthly", texts["currency"]),
        average_units=_units(fields.average, "average", texts["currency"]),
        kinds=tuple(kind for kind in KINDS if kind in fields.kind),
        sites=tuple(sites),
    )


def shown_fields(form: Form) -> dict[str, Any]:
    """The contents of the page's fields; one empty site more than there are."""
    return {
        **{name: getattr(form, name) for name in _TEXTS},
        "kinds": form.kinds,
        "monthly": _amount(form.monthly_units, form.currency),
        "average": _amount(form.average_units, form.currency),
        "sites": [*form.sites, SiteForm()][:SITES_MAX],
    }


def _units(text: str, name: str, currency: str) -> int | None:
    if not text:
        return None
    if currency not in EXPONENTS:
        raise invalid("An amount needs a currency like USD.", "Volumes.Currency")
    units = typed_amounts.units(text, currency, name)
    if not 0 <= units <= UNITS_MAX:
        raise invalid("The amount is too large or too small.", name)
    return units


def _amount(units: int | None, currency: str) -> str:
    return "" if units is None or currency not in EXPONENTS else to_text(units, EXPONENTS[currency])


@frozen
class ApplicationAccess:
    """`may_apply`: begin, edit, submit, cancel and convert. `may_decide`: the operator."""

    who: Applicant
    may_apply: bool
    may_decide: bool


def access_of(visit: AnyVisit) -> ApplicationAccess:
    scope, session = visit.scope, visit.session
    by = scope.actor, scope.request_id, scope.role
    if session.is_operator:
        return ApplicationAccess(Applicant(None, *by), False, True)
    if session.seat:
        return ApplicationAccess(
            Applicant(("partner", session.seat.partner_id), *by), session.seat.may("apply"), False
        )
    assert isinstance(visit, Visit), "without a seat there is a merchant"
    return ApplicationAccess(
        Applicant(("merchant", visit.merchant_id), *by), session.may("apply"), False
    )


def only_applicants(access: ApplicationAccess) -> None:
    """Raises: Problem(forbidden)."""
    if not access.may_apply:
        raise Problem(
            "forbidden",
            "Your role may view applications, but not submit them; nothing was done.",
            "Ask an owner.",
        )


STATES: Final = {
    "DRAFT": State("Draft", "off", "draft", "It can be edited and is not yet submitted."),
    "SUBMITTED": State("Submitted", "hold", "onhold", "The operator decides."),
    "APPROVED": State("Approved", "run", "processing", "The merchant can be created."),
    "DECLINED": State(
        "Declined", "prob", "problem", "The operator declined it; the reason is shown below."
    ),
    "CANCELLED": State("Cancelled", "off", "cancelled", "This is final."),
    "CONVERTED": State("Merchant", "ok", "completed", "The merchant exists."),
}
HAPPENINGS: Final = {
    "created": "Started", "changed": "Edited", "document_added": "Document added",
    "document_removed": "Document removed",
    "submitted": "Submitted", "approved": "Approved", "declined": "Declined",
    "cancelled": "Cancelled",
    "converted": "Merchant created",
}  # fmt: skip
# The wire's name of a field -> its label on the page.
_LABELS: Final = {
    "LegalName": "Legal name", "Country": "Country", "RegistrationNumber": "Registration number",
    "BusinessCategory": "Merchant category code", "Contact.Name": "Contact: name",
    "Contact.Email": "Contact: e-mail",
    "Volumes.Currency": "Expected sales: currency",
    "Volumes.MonthlyAmount": "Expected sales: per month",
    "Kinds": "Order types", "Sites": "A site",
}  # fmt: skip
_OF_SITE: Final = {"Url": "address", "Name": "name", "Descriptor": "descriptor"}


def label_of(name: str) -> str:
    """The page's label of a field, or of a document, that the wire calls `name`."""
    kind, _, inner = name.partition(".")
    if kind == "Documents":
        return Sentence("document: {0}", DOCUMENTS[inner])
    if kind.startswith("Sites["):
        return Sentence("Site {0}: {1}", int(kind[6:-1]) + 1, _OF_SITE[inner])
    return _LABELS[name]


SIZE: Final = 25
LOG_MAX: Final = 200


_id: Final = id_in_path(
    "application_id",
    Problem("not_found", "There is no such application.", "Choose it from the list."),
)


_document_id: Final = id_in_path(
    "document_id",
    Problem("not_found", "There is no such document.", "Reload the application."),
)


@either.page(
    "/applications",
    "onboarding/applications.html",
    menu=(
        Entry("Operator", 3, "Applications", "draft", sees=for_operator),
        Entry("Settings", 8, "Applications", "draft", sees=not_operator),
    ),
)
async def applications_page(visit: AnyVisit, *, after: UUID | None, status: str) -> Values:
    access, known = access_of(visit), _known(status.upper())
    rows, last = cut(
        await applications.find_applications(
            visit.world, access.who, SIZE + 1, after=after, status=known or None
        ),
        SIZE,
    )
    return dict(
        rows=[(row, applications.form_of(row)) for row in rows],
        access=access,
        status=known,
        first=after is None,
        next=last and last.application_id,
    )


def _known(status: str) -> str:
    """A state that none is in, for one that is none."""
    return status if status in STATES or not status else "UNKNOWN"


def _apply(visit: AnyVisit) -> None:
    """Raises: Problem(forbidden)."""
    only_applicants(access_of(visit))


@applications_page.post(may=_apply, shows=nothing)
async def begin(visit: AnyVisit) -> Answer:
    made = await applications.create_application(visit.world, access_of(visit).who, Form())
    return redirect(f"/applications/{made.application_id}")


@either.page("/applications/{application_id}", "onboarding/applications_application.html")
async def application(visit: AnyVisit) -> Values:
    world, application_id, access = visit.world, _id(visit), access_of(visit)
    row = await applications.read_application(world, access.who, application_id)
    log = await log_of(visit.world.db.reader, application_id, LOG_MAX)
    editable = row.status == "DRAFT" and access.may_apply
    return dict(
        row=row,
        form=applications.form_of(row),
        access=access,
        typed=shown_fields(_typed(visit) or applications.form_of(row)),
        editable=editable,
        lacks=list(map(label_of, applications.lacking(row))),
        reasons=DECLINE_REASONS,
        log=log,
        kilobytes=BYTES_MAX >> 10,
        people=await names_for(visit.portal, [line.actor for line in log]),
        credentials=await _link(world, access, row),
    )


@frozen
class ApplicationForm(ApplicationFields):
    """`do`: save, submit, cancel, convert, approve or decline, the button that was pressed;
    `reason`, `note`: of a decision."""

    do: str
    reason: str
    note: str


@application.post(may=anybody, shape=ApplicationForm, shows=but("forbidden"))
async def act(visit: AnyVisit, form: ApplicationForm) -> None:
    access, doing = access_of(visit), form.do
    world, application_id = visit.world, _id(visit)
    if doing in ("approve", "decline"):
        _only_operator(access)
    elif not (access.may_decide and doing in ("cancel", "convert")):
        only_applicants(access)
    if doing in ("save", "submit"):
        await applications.change_application(world, access.who, application_id, read_fields(form))
    if doing in ("approve", "decline"):
        await applications.decide_application(
            world,
            access.who,
            application_id,
            approve=doing == "approve",
            reason=form.reason,
            note=form.note,
        )
        return
    await _step(world, access, application_id, doing)


def _only_operator(access: ApplicationAccess) -> None:
    """Raises: Problem(forbidden)."""
    if not access.may_decide:
        raise Problem(
            "forbidden", "Only the operator can decide on applications.", "Wait for the decision."
        )


async def _step(world: World, access: ApplicationAccess, application_id: UUID, doing: str) -> None:
    if doing == "submit":
        _, lacks = await applications.submit_application(world, access.who, application_id)
        if lacks:
            raise Problem(
                "invalid",
                Sentence("Still missing: {0}.", joined(map(label_of, lacks), "; ")),
                "Your entries were saved; fill in these fields.",
            )
    elif doing == "cancel":
        await applications.cancel_application(world, access.who, application_id)
    elif doing == "convert":
        await convert_application(world, access.who, application_id)
    elif doing != "save":
        raise Problem("malformed", "This action does not exist on this page.")


@application.post("/applications/{application_id}/documents", may=_apply, reads=file_form)
async def add_document(
    visit: AnyVisit,
    *,
    file: Annotated[UploadFile, invalid("No file was chosen.", "file")],
    kind: str,
) -> Answer:
    """`kind`: of `DOCUMENTS`."""
    name, content = file.filename or "", await file.read(BYTES_MAX + 1)
    await application_documents.attach_document(
        visit.world, access_of(visit).who, _id(visit), kind, name, content
    )
    return redirect(f"/applications/{_id(visit)}#documents")


@application.post("/applications/{application_id}/documents/{document_id}/remove", may=_apply)
async def remove_document(visit: AnyVisit) -> Answer:
    await application_documents.remove_document(
        visit.world, access_of(visit).who, _id(visit), _document_id(visit)
    )
    return redirect(f"/applications/{_id(visit)}#documents")


@either.page("/applications/{application_id}/documents/{document_id}")
async def document_file(visit: AnyVisit) -> Response:
    """The document as its bytes say, never shown inside a page of ours."""
    row, content = await application_documents.read_document(
        visit.world, access_of(visit).who, _id(visit), _document_id(visit)
    )
    await taken(visit, "document of an application", _id(visit), kind=row.kind)
    return attachment(content, download_name(row.name, row.media_type), row.media_type)


def _typed(visit: AnyVisit) -> Form | None:
    """The content of the form that was refused, if it can be read."""
    typed = read_again(ApplicationForm, visit.typed)
    if typed.do not in ("save", "submit"):
        return None
    try:
        return read_fields(typed)
    except Problem:
        return None


async def _link(world: World, access: ApplicationAccess, row: FullApplication) -> str | None:
    """The link that shows the new merchant's credentials once; None when somebody has looked, or
    may not."""
    if row.status != "CONVERTED" or not access.may_apply:
        return None
    waiting = await waiting_credentials(world, row.merchant_id)
    return waiting.url if waiting else None
