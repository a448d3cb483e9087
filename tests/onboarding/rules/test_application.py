"""The life of an application by walks of any kind, its form, and documents by their bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.onboarding.rules.application import ENDED, STEPS, Status, step
from recoup.onboarding.rules.documents import (
    BYTES_MAX,
    NAME_MAX,
    download_name,
    file_name,
    media_type,
)
from recoup.onboarding.rules.form import Form, SiteForm, complaints, missing

HAPPENINGS = sorted({one.happening for one in STEPS})
WALKS = st.lists(st.sampled_from(HAPPENINGS), max_size=30)
WHOLE = Form(
    legal_name="Tea Ltd",
    country="GB",
    registration_number="1",
    business_category="5499",
    contact_name="Ana",
    contact_email="ana@example.test",
    currency="GBP",
    monthly_units=1,
    kinds=("mit",),
    sites=(SiteForm("https://tea.example", "Tea", "TEASHOP"),),
)
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"


@given(WALKS)
def test_any_walk_keeps_what_the_contract_says(walk: list[str]) -> None:
    status, seen = Status.DRAFT, [Status.DRAFT]
    for happening in walk:
        before = status
        try:
            move = step(status, happening)
        except Problem:
            continue  # what each refusal says is held below
        if move is None:
            continue
        assert before not in ENDED, "an end is an end"
        if happening in ("changed", "document_added", "document_removed"):
            assert before is Status.DRAFT, "editable only as a draft"
        status = move.dst
        seen.append(status)
    if status is Status.CONVERTED:
        assert [one for i, one in enumerate(seen) if i == 0 or one is not seen[i - 1]] == [
            Status.DRAFT,
            Status.SUBMITTED,
            Status.APPROVED,
            Status.CONVERTED,
        ]


@given(WALKS, st.sampled_from(HAPPENINGS))
def test_what_moves_the_status_may_be_heard_twice(walk: list[str], last: str) -> None:
    status = Status.DRAFT
    for happening in [*walk, last]:
        try:
            move = step(status, happening)
        except Problem:
            continue
        if move is not None and move.dst is not status:
            status = move.dst
            assert step(status, happening) is None


@each("status", list(Status))
@each("happening", HAPPENINGS)
def test_a_move_that_cannot_be_says_what_to_do(status: Status, happening: str) -> None:
    if (
        any(one.happening == happening and status in (one.src, one.dst) for one in STEPS)
        and happening != "created"
    ):
        step(status, happening)
    elif status is not Status.NEW:
        with pytest.raises(Problem) as caught:
            step(status, happening)
        assert caught.value.code == "wrong_state"
        assert caught.value.cure


def test_cancelling_is_possible_until_the_merchant_exists() -> None:
    for status in Status:
        if status in (Status.NEW, Status.CONVERTED):
            with pytest.raises(Problem):
                step(status, "cancelled")
        else:
            move = step(status, "cancelled")
            assert (move.dst if move else status) is Status.CANCELLED


def test_every_event_has_a_shape_and_every_step_a_source_that_can_be_reached() -> None:
    from recoup.orders.rules.events import CATALOGUE

    reached = {Status.NEW}
    for _ in Status:
        reached |= {one.dst for one in STEPS if one.src in reached}
    assert reached == set(Status)
    assert {one.event for one in STEPS if one.event} == {
        name for name in CATALOGUE if name.startswith("application.")
    }


def test_all_that_is_missing_is_named_at_once() -> None:
    assert missing(WHOLE, frozenset({"registration"})) == []
    assert missing(Form(sites=(SiteForm(url="https://a.example"), SiteForm())), frozenset()) == [
        "LegalName",
        "Country",
        "RegistrationNumber",
        "BusinessCategory",
        "Contact.Name",
        "Contact.Email",
        "Volumes.Currency",
        "Volumes.MonthlyAmount",
        "Kinds",
        "Sites[0].Name",
        "Sites[0].Descriptor",
        "Sites[1].Url",
        "Sites[1].Name",
        "Sites[1].Descriptor",
        "Documents.registration",
    ]


def test_an_empty_draft_is_well_formed_and_a_bad_one_is_told_whole() -> None:
    assert complaints(Form()) == {}
    assert complaints(WHOLE) == {}
    bad = Form(
        country="XX",
        business_category="54a9",
        contact_email="ana@",
        currency="",
        average_units=3,
        kinds=("mit", "x"),
        sites=(
            SiteForm("http://a.example", "", "AB"),
            SiteForm("b.example", "", ""),
            SiteForm("https://www.b.example/x", "", ""),
        ),
    )
    assert set(complaints(bad)) == {
        "Country",
        "BusinessCategory",
        "Contact.Email",
        "Volumes.Currency",
        "Kinds",
        "Sites[0].Url",
        "Sites[0].Descriptor",
        "Sites[2].Url",
    }


@pytest.mark.parametrize(
    ("content", "told"), [(PDF, "application/pdf"), (PNG, "image/png"), (JPEG, "image/jpeg")]
)
def test_a_document_is_what_its_bytes_are(content: bytes, told: str) -> None:
    assert media_type(content) == told


@each(
    "content",
    [
        b"",
        b"MZ\x90",
        b"<svg onload=alert(1)>",
        b"%PDF-1.7 cut off",
        PNG[:12],
        b"GIF89a",
        b"PK\x03\x04",
        b"x" * 2000 + PDF,
        b"<script>" + PDF,
        JPEG + b"x" * BYTES_MAX,
    ],
)
def test_anything_else_is_no_document(content: bytes) -> None:
    with pytest.raises(Problem) as caught:
        media_type(content)
    assert caught.value.field == "Content"


@given(st.text(max_size=300))
def test_a_name_is_safe_or_refused(given_name: str) -> None:
    try:
        name = file_name(given_name)
    except Problem:
        return  # nothing of it is left
    assert 0 < len(name) <= NAME_MAX
    assert not set(name) & set('/\\:*?"<>|\r\n\x00')
    assert name.isprintable()
    assert not name.startswith(".")
    assert file_name(name) == name


def test_a_name_keeps_its_end() -> None:
    assert file_name("C:\\Users\\ana\\extract.pdf") == "extract.pdf"
    assert file_name("../../etc/passwd") == "passwd"
    assert file_name("a" * 300 + ".pdf").endswith(".pdf")


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("trade licence.pdf", "application/pdf", "trade licence.pdf"),
        ("x.hta", "application/pdf", "x.hta.pdf"),
        ("Photo.JPEG", "image/jpeg", "Photo.JPEG"),
        ("a.html", "image/png", "a.html.png"),
        ("Übersicht.txt", "text/plain", "_bersicht.txt"),
    ],
)
def test_a_file_is_handed_out_under_the_ending_of_what_it_is(
    name: str, kind: str, told: str
) -> None:
    """An applicant's a.hta, which began like a PDF, was given to the operator under that name."""
    assert download_name(name, kind) == told
