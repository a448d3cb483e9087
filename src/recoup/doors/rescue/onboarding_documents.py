"""/onboarding/application/{id}/documents: what shows that a business is what it says. Source: contract §13."""

import base64
from typing import Any, Final
from uuid import UUID

from recoup.doors.edge.described import Example, Operation
from recoup.doors.edge.resource import Reply
from recoup.doors.rescue.body import read_whole
from recoup.doors.rescue.onboarding_view import applicant_of, application_id, document_members, document_view
from recoup.doors.rescue.resource import Call, Method
from recoup.doors.rescue.shapes.onboarding import Document, DocumentBody, DocumentContent, Documents
from recoup.flows.merchants import application_documents


async def attach(call: Call) -> Reply:
    who, body = applicant_of(call), read_whole(call.body, DocumentBody)
    made = await application_documents.attach_document(
        call.services.world, who, application_id(call), body.kind, body.name, body.content
    )
    return Reply(document_view(made), 201)


async def list_all(call: Call) -> Reply:
    found = await application_documents.list_documents(call.services.world, applicant_of(call), application_id(call))
    return Reply(Documents(data=[document_view(row) for row in found]))


async def read(call: Call) -> Reply:
    row, content = await application_documents.read_document(
        call.services.world, applicant_of(call), application_id(call), _document_id(call)
    )
    return Reply(DocumentContent(**document_members(row), content=base64.b64encode(content).decode()))


async def delete(call: Call) -> Reply:
    who = applicant_of(call)
    await application_documents.remove_document(call.services.world, who, application_id(call), _document_id(call))
    return Reply(None, 204)


def _document_id(call: Call) -> UUID:
    return call.object_id("document", noun="document", cure="See GET /v1/onboarding/application/{id}/documents.")


# The smallest image there is: one grey pixel.
_PIXEL: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
_PATH: Final = "/v1/onboarding/application/{id}/documents"
_GROUP: Final = "Onboarding"
_DRAFT: Final = "Possible while the application is a draft."


def _operation(method: str, path: str, summary: str, text: str, **more: Any) -> Operation:
    return Operation(method, _PATH + path, summary, text, group=_GROUP, **more)


METHODS: Final = (
    Method(_operation("POST", "", "Add a document", f"{_DRAFT} A repeated upload returns the existing one.",
                      body=DocumentBody, answers={201: Document},
                      problems=("not_found", "wrong_state", "conflict", "no_space"),
                      examples=(Example("an image", {"kind": "registration", "name": "extract.png", "content": _PIXEL},
                                        201, {"mediaType": "image/png"}),)), attach, "merchants", partners=True),
    Method(_operation("GET", "", "Documents of an application", "Without their content.", answers={200: Documents},
                      problems=("not_found",)), list_all, "merchants", partners=True),
    Method(_operation("GET", "/{document}", "One document", "With its content.", answers={200: DocumentContent},
                      problems=("not_found",)), read, "merchants", partners=True),
    Method(_operation("DELETE", "/{document}", "Remove a document", f"{_DRAFT} The content is deleted.",
                      answers={204: None}, problems=("not_found", "wrong_state")), delete, "merchants", partners=True),
)  # fmt: skip
