"""Applications to become a merchant. Source: contract §13 (paths, statuses, envelope); the fields
are ours."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta

from recoup.keys.api.partners_shapes import Credentials
from recoup.kit.api.body import rule
from recoup.kit.api.field_rules import names, reference, up_to
from recoup.kit.api.wire import (
    AfterId,
    Cents,
    Envelope,
    Moment,
    NextId,
    Shape,
    Text32,
    Text64,
    Text128,
    Text512,
)
from recoup.kit.edge.field_names import UnreadFields
from recoup.onboarding.rules.documents import BYTES_MAX
from recoup.onboarding.rules.form import KINDS, SITES_MAX

PAGE_SIZE_MAX = 200
ApplicationStatus = Literal["DRAFT", "SUBMITTED", "APPROVED", "DECLINED", "CANCELLED", "CONVERTED"]
Category = Annotated[
    str, Meta(max_length=4, description="Merchant category code of ISO 18245, four digits.")
]
Country = Annotated[str, Meta(max_length=2, description="ISO 3166: US, DE.")]
ExternalId = Annotated[
    Text64,
    Meta(description="Your own id; unique among your open applications.", extra=rule(reference)),
]
Kind = Literal["registration", "identity", "bank", "processing", "other"]


class Contact(Shape):
    """Contact for the operator's questions."""

    name: Text128 | None = None
    email: Annotated[str, Meta(max_length=254)] | None = None
    phone: Text32 | None = None


class Volumes(Shape):
    """Expected sales."""

    currency: Annotated[str, Meta(max_length=3, description="ISO 4217.")] | None = None
    monthly_amount: Cents | None = None
    average_amount: Cents | None = None


class ApplicationSite(Shape):
    """A site of the merchant to be; the first is the default."""

    url: Annotated[Text512, Meta(description="https address or host name.")] | None = None
    name: Text128 | None = None
    descriptor: Annotated[str, Meta(max_length=22, description="Statement descriptor.")] | None = (
        None
    )
    support_contact: Text128 | None = None


class ApplicationBody(Shape):
    """A draft may leave anything out; what is there must be well formed. PUT replaces all of it."""

    external_id: ExternalId | None = None
    legal_name: Text128 | None = None
    trading_name: (
        Annotated[Text128, Meta(description="If it differs from the legal name.")] | None
    ) = None
    country: Country | None = None
    registration_number: Text64 | None = None
    business_category: Category | None = None
    contact: Contact | None = None
    volumes: Volumes | None = None
    kinds: (
        Annotated[
            list[str],
            Meta(
                description="Requested kinds: `cit_web`, `cit_callcenter`, `mit`.",
                extra=rule(names(f"must be a list of {', '.join(KINDS)}", len(KINDS))),
            ),
        ]
        | None
    ) = None
    sites: Annotated[list[ApplicationSite], Meta(max_length=SITES_MAX)] | None = None


class StepBody(Shape):
    """May be left out."""

    note: Text512 | None = None
    """Stored in the application's log."""


class DocumentBody(Shape):
    """A document: PDF, PNG or JPEG, told by its bytes."""

    kind: Annotated[Kind, Meta(extra=rule(up_to(32)))]
    name: Annotated[str, Meta(min_length=1, max_length=256)]
    """The file's name."""
    content: Annotated[
        bytes,
        Meta(
            min_length=1,
            max_length=BYTES_MAX,
            description=f"Base64 of at most {BYTES_MAX >> 10} KiB.",
        ),
    ]


class Document(Shape):
    """What is told of a document."""

    id: UUID
    kind: str
    name: str
    media_type: str
    """Detected from the content."""
    bytes: int
    sha256: str
    added_date: Moment
    warnings: UnreadFields = UNSET


class DocumentContent(Document):
    """With its content."""

    content: str
    """Base64."""


class Documents(Shape):
    """Of one application, in the order of their coming."""

    data: list[Document]
    success: bool = True


class ApplicationView(Shape):
    """An application."""

    id: UUID
    status: ApplicationStatus
    external_id: str
    legal_name: str
    trading_name: str
    country: str
    registration_number: str
    business_category: str
    contact: Contact
    volumes: Volumes
    kinds: list[str]
    sites: list[ApplicationSite]
    documents: list[Document]
    missing: list[str]
    """Missing fields and documents of a draft."""
    reason: str | None
    """Why it was declined."""
    note: str | None
    """Note of the operator."""
    mid: UUID | None
    """The merchant, once it exists."""
    created_date: Moment
    changed_date: Moment
    submitted_date: Moment | None
    decided_date: Moment | None
    success: bool = True
    warnings: UnreadFields = UNSET


class ApplicationQuery(Shape):
    """Newest first."""

    status: ApplicationStatus | None = None
    external_id: Text64 | None = None
    limit: Annotated[int, Meta(ge=1, le=PAGE_SIZE_MAX)] = 50
    after: AfterId = None


class Applications(Shape):
    """A page of your applications."""

    data: list[ApplicationView]
    next: NextId = None
    success: bool = True


class ApplicationStep(Envelope):
    """`status` SUCCESS, or FAILED: then `errors` names everything that is missing. `statusCode` 200
    or six digits."""

    id: UUID
    application_status: ApplicationStatus


class ConvertedView(ApplicationStep):
    """The merchant that it became. `credentials` come with the first answer only."""

    mid: UUID
    site_ids: list[UUID]
    credentials: Credentials | None
    handover_url: str | None
    """A page that shows them once, until it is opened."""
