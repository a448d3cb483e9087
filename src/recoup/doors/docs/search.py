"""What the search looks through: one entry for each operation, error, event and section of a guide."""

from collections.abc import Iterator, Sequence

from recoup.doors.docs.fields import Field
from recoup.doors.docs.reference import Reference, Shown
from recoup.doors.docs.site import Site

TEXT_MAX = 6_000
# title, page's title, address, text
Entry = tuple[str, str, str, str]


def entries(site: Site) -> list[Entry]:
    found: list[Entry] = []
    for reference in site.references.values():
        found += _of_reference(reference)
    for guide in site.guides.values():
        for section in guide.page.sections:
            address = f"/docs/{guide.name}" + (f"#{section.anchor}" if section.anchor else "")
            found.append((section.title or guide.page.title, guide.label, address, section.text[:TEXT_MAX]))
    if "webhooks" in site.guides:
        events = (*site.events, *site.stable_events)
        found += [(one.name, "Webhooks", f"/docs/webhooks#{one.anchor}", one.meaning) for one in events]
    return found


def _of_reference(reference: Reference) -> Iterator[Entry]:
    dialect = reference.dialect
    page = f"/docs/{dialect.name}"
    for several in reference.groups.values():
        for one in several:
            yield one.operation.summary, dialect.title, f"{page}#{one.anchor}", _words(one)
    for row in dialect.error_table:
        yield row.wire_code, f"{dialect.title}: errors", f"{page}#errors", f"{row.status} {row.code} {row.meaning}"


def _words(one: Shown) -> str:
    answers = [field for answer in one.answers for field in answer.fields]
    fields = _flat([*one.path_fields, *one.query_fields, *one.body_fields, *answers])
    head = f"{one.operation.method} {one.operation.path} {one.operation.text}"
    words = dict.fromkeys(text for field in fields for text in (field.name, field.meaning, *field.choices) if text)
    return " ".join([head, *words])[:TEXT_MAX]


def _flat(fields: Sequence[Field]) -> Iterator[Field]:
    for field in fields:
        yield field
        yield from _flat(field.inside)
