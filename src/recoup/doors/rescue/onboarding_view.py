"""Who applies, and how an application and its documents are shown."""

from typing import Any, cast
from uuid import UUID

from recoup.doors.rescue.resource import Call
from recoup.doors.rescue.shapes.onboarding import (
    ApplicationSite,
    ApplicationStatus,
    ApplicationView,
    Contact,
    Document,
    Volumes,
)
from recoup.doors.rescue.wire import iso_or_null
from recoup.flows.merchants.applications import Applicant, FullApplication, form_of, lacking
from recoup.kernel.time import iso
from recoup.rules.merchants.application import Status
from recoup.store.merchants.applications import Application
from recoup.store.merchants.applications import Document as StoredDocument

LIST = "See GET /v1/onboarding/application/list."


def applicant_of(call: Call) -> Applicant:
    """A partner, or a merchant."""
    caller = call.caller
    assert caller is not None
    if caller.partner_id is not None:
        return Applicant(("partner", caller.partner_id), caller.actor, call.request_id)
    return Applicant(("merchant", caller.merchant_id), caller.actor, call.request_id)


def application_id(call: Call) -> UUID:
    return call.object_id(noun="application", cure=LIST)


def application_view(row: FullApplication) -> ApplicationView:
    form = form_of(row)
    return ApplicationView(
        id=row.application_id,
        status=status_of(row),
        external_id=form.external_id,
        legal_name=form.legal_name,
        trading_name=form.trading_name,
        country=form.country,
        registration_number=form.registration_number,
        business_category=form.business_category,
        contact=Contact(name=form.contact_name, email=form.contact_email, phone=form.contact_phone),
        volumes=Volumes(
            currency=form.currency or None, monthly_amount=form.monthly_units, average_amount=form.average_units
        ),
        kinds=list(form.kinds),
        sites=[
            ApplicationSite(url=s.url, name=s.name, descriptor=s.descriptor, support_contact=s.support)
            for s in form.sites
        ],
        documents=[document_view(one) for one in row.documents],
        missing=list(lacking(row)),
        reason=row.reason or None,
        note=row.note or None,
        mid=row.merchant_id if row.status == Status.CONVERTED else None,
        created_date=iso(row.created_at),
        changed_date=iso(row.changed_at),
        submitted_date=iso_or_null(row.submitted_at),
        decided_date=iso_or_null(row.decided_at),
    )


def status_of(application: Application) -> ApplicationStatus:
    return cast(ApplicationStatus, application.status.value)


def document_view(row: StoredDocument) -> Document:
    return Document(**document_members(row))


def document_members(row: StoredDocument) -> dict[str, Any]:
    return {
        "id": row.document_id,
        "kind": row.kind,
        "name": row.name,
        "media_type": row.media_type,
        "bytes": row.bytes,
        "sha256": row.sha256,
        "added_date": iso(row.added_at),
    }
