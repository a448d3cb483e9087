"""The desk of disputes: open ones by deadline, the rest newest first; and the notices that fit no
charge."""

from typing import Annotated, Final, Literal
from uuid import UUID

from starlette.datastructures import UploadFile
from starlette.responses import Response

from recoup.desk.page.order.dispute_words import reason_words
from recoup.desk.page.order.facts import customer
from recoup.desk.page.order.page import find, order
from recoup.desk.page.order.timeline import ERASED, in_received_codes, moments
from recoup.desk.page.order.within import back_to
from recoup.disputes.flows.answer import NOTE_MAX, NOTES_MAX, answer_dispute, note_evidence
from recoup.disputes.flows.compelling import compelling_of
from recoup.disputes.flows.files import add_file, read_file
from recoup.disputes.flows.receive import in_words, take_off, try_notice_again
from recoup.disputes.flows.sandbox import dispute_on_demand
from recoup.disputes.rules import BYTES_MAX, COUNT_MAX
from recoup.disputes.store import disputes as store
from recoup.kernel.money import EXPONENTS, money
from recoup.kernel.problem import Figure, Problem, Sentence, invalid
from recoup.kit import typed_amounts
from recoup.kit.lists.paging import cut
from recoup.kit.personal import SHOWN
from recoup.networks.compelling_evidence import Element, Unfit
from recoup.networks.disputes import UNDECIDED
from recoup.onboarding.rules.documents import download_name
from recoup.orders.store.order_page import OrderPage
from recoup.people.page.endpoint import id_in_path, redirect
from recoup.people.page.file_form import file_form
from recoup.people.page.form_shape import RowNo, Text, among, read_again
from recoup.people.page.menu import Entry
from recoup.people.page.pages import Answer, Values, attachment, but, member, nothing, shown, taken
from recoup.people.page.personal import read_as_seen
from recoup.people.page.portal_visit import Visit, named
from recoup.people.page.rights import operator, role
from recoup.people.page.templates import full
from recoup.people.page.words import DISPUTE_KINDS, DISPUTE_STAGES, DISPUTE_STATES
from recoup.rescue.flows.locked import Orders

NOBODY: Final = UUID(int=0)
OFFSET_MAX: Final = 100_000
OTHERS_SHOWN: Final = 10
ELEMENT_WORDS: Final[dict[Element, str]] = {
    "ip": "IP address",
    "device": "Device",
    "account": "Customer account",
    "address": "Delivery address",
}
UNFIT_WORDS: Final[dict[Unfit, str]] = {
    "too_recent": "It is less than 120 days older than the disputed payment.",
    "too_old": "It is more than 364 days older than the disputed payment.",
    "disputed": "It was disputed itself.",
    "reported": "It was reported as fraud.",
    "refunded": "It was refunded in full.",
    "not_alike": "It has too little in common with the disputed payment.",
    "alone": "It counts, but a second one is missing.",
    "not_needed": "It counts, but two others are used.",
}
VIEWS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "open": ("Open", ("open",)),
    "answered": ("Answered", ("answered",)),
    "won": ("Won", ("won",)),
    "lost": ("Lost", ("lost", "accepted", "expired")),
    "all": ("All", ()),
}


@member.page(
    "/disputes",
    "desk/disputes.html",
    menu=Entry("Queues", 4, "Disputes", "chargeback", counts="disputes"),
)
async def disputes(
    visit: Visit,
    *,
    view: Annotated[str, among(VIEWS)] = "open",
    kind: str,
    from_: RowNo = 0,
) -> Values:
    chosen = kind if not kind or kind in DISPUTE_KINDS else "unknown"  # which no dispute is
    offset = min(from_, OFFSET_MAX)
    states = VIEWS[view][1]
    rows = await store.list_disputes(
        visit.world.db.reader,
        visit.merchant_id,
        states=states,
        kind=chosen or None,
        offset=offset,
        limit=store.LISTED_MAX + 1,
        clear=visit.pii_access == SHOWN,
    )
    numbers = await store.counts(visit.world.db.reader, visit.merchant_id, DISPUTE_STATES)
    notices = await _unmatched(visit) if visit.is_operator else []
    views = [
        (name, word, [numbers[state] for state in of or numbers], name == view)
        for name, (word, of) in VIEWS.items()
    ]
    shown, last = cut(rows, store.LISTED_MAX)
    return dict(
        rows=shown,
        views=views,
        most=store.COUNTED_MAX,
        view=view,
        kind=chosen or None,
        begin=offset,
        more=last is not None,
        step=store.LISTED_MAX,
        notices=notices,
        in_words=in_words,
    )


async def _unmatched(visit: Visit) -> list[store.NoticeRow]:
    """Of the merchant and of nobody, whose are in the first cell."""
    world, first = visit.world, visit.world.every[0]
    if first is world:
        return await store.unmatched(world.db.reader, [visit.merchant_id, NOBODY])
    own = await store.unmatched(world.db.reader, [visit.merchant_id])
    return [*own, *await store.unmatched(first.db.reader, [NOBODY])]


@disputes.post("/disputes/notices", may=operator("process notices"), shows=nothing)
async def notice_again(visit: Visit, *, route: str, notice: str, nobody: bool, what: str) -> Answer:
    """The operator has it tried once more, or has dealt with it. A processor's notice by its
    `route` and id; `nobody`: it is of no merchant so far. `what`: again or done."""
    world, merchant_id = visit.world, NOBODY if nobody else visit.merchant_id
    key = (visit.operator_scope, merchant_id, route, notice)
    if what == "done":
        await take_off(world, *key)
    elif await try_notice_again(world, visit.portal.get(Orders), *key) == "unmatched":
        message = "It still matches no charge."
        return shown(Problem("wrong_state", message, cure="Ask the processor what it is about."))
    return redirect("/disputes")


def suggested(page: OrderPage, dispute: store.DisputeRow) -> list[str]:
    asset = page.order.asset
    texts: list[str] = []
    for refund in page.modifications:
        if refund.kind in ("refund", "reversal") and refund.state == "done":
            amount, reference = (
                Figure(money(refund.units, asset)),
                refund.reference or refund.modification_id,
            )
            texts.append(
                Sentence(
                    "{0} {1} were refunded to the cardholder, requested on {2}, reference {3}.",
                    amount,
                    asset,
                    full(refund.business_at),
                    reference,
                )
            )
    charge = next((a for a in page.attempts if a.attempt_id == dispute.attempt_id), None)
    if charge is not None:
        amount, network = Figure(money(charge.units, asset)), charge.network_transaction_id or "-"
        texts.append(
            Sentence(
                "Charged {0} {1} on {2}, approved with code {3}, network transaction {4}, "
                "statement text {5}.",
                amount,
                asset,
                full(charge.sent_at or charge.due_at),
                charge.scheme_code or "00",
                network,
                page.order.descriptor,
            )
        )
    passed = next((line for line in page.log if line.happening == "challenge_passed"), None)
    if passed is not None:
        texts.append(
            Sentence("The cardholder passed the bank's check on {0}.", full(passed.business_at))
        )
    return texts


ANSWER: Final = role("dispute", "answer disputes")
FILE_TYPES: Final = {
    "application/pdf": "PDF",
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "text/plain": "text",
}


_UNDECIDED: Final = invalid("A dispute is won or lost.", "decided", "Use one of the buttons.")
_NO_KIND: Final = invalid(
    "A dispute is about fraud, service or processing.", "kind", "Choose one of them."
)


dispute_id_of: Final = id_in_path(
    "dispute_id",
    Problem("not_found", "There is no such dispute.", cure="Choose it from the list of disputes."),
)


@member.page("/disputes/{dispute_id}", "desk/disputes_dispute.html")
async def dispute_page(visit: Visit) -> Values:
    dispute_id = dispute_id_of(visit)
    async with visit.world.db.read() as connection:
        dispute = await store.read_dispute(
            connection, visit.merchant_id, dispute_id, clear=visit.pii_access == SHOWN
        )
        if dispute is None:
            message = Sentence("{0} has no dispute with this id.", visit.known.merchant.name)
            raise Problem("not_found", message, cure="Choose it from the list of disputes.")
        notes = await store.read_notes(
            connection, visit.merchant_id, dispute_id, clear=visit.pii_access == SHOWN
        )
        files = await store.read_files(
            connection, visit.merchant_id, dispute_id, clear=visit.pii_access == SHOWN
        )
        compelling = await compelling_of(connection, visit.merchant_id, dispute, dispute.scheme)
        page = await read_as_seen(visit, connection, dispute.order_id)
    assert page is not None
    people = await named(visit, [note.actor for note in notes] + [file.actor for file in files])
    answering = dispute.answer_state in ("owed", "sent")
    accepting = answering and dispute.answer == "accept"
    takes_evidence = visit.session.may("dispute") and dispute.state in UNDECIDED and not accepting
    in_time = dispute.respond_by is None or visit.now < dispute.respond_by
    may_answer = (
        visit.session.may("dispute") and dispute.state == "open" and not answering and in_time
    )
    return dict(
        dispute=dispute,
        notes=notes,
        page=page,
        evidence=sum(bool(note.text) for note in notes) or bool(compelling and compelling.priors),
        compelling=compelling,
        erased=ERASED,
        files=files,
        whole_files=sum(not file.erased for file in files),
        kilobytes=BYTES_MAX >> 10,
        opens_files=visit.pii_access == SHOWN,
        people=people,
        look=DISPUTE_STATES[dispute.state],
        kind_word=DISPUTE_KINDS[dispute.kind],
        stage_word=DISPUTE_STAGES[dispute.stage],
        reason=reason_words(dispute.scheme, dispute.reason_code),
        answering=answering,
        items=moments(in_received_codes(page), visit.now, visit.session.zone, dispute_id),
        may_answer=may_answer,
        customer=customer(page),
        accepting=accepting,
        may_note=takes_evidence and len(notes) < NOTES_MAX,
        may_file=takes_evidence and len(files) < COUNT_MAX,
        may_decide=visit.is_operator and visit.values()["sandbox"] and dispute.state in UNDECIDED,
        hints=suggested(page, dispute),
        text=read_again(add_note, visit.typed).note[:NOTE_MAX],
    )


@dispute_page.post("/disputes/{dispute_id}/notes", may=ANSWER, shows=but("not_found"))
async def add_note(visit: Visit, *, note: str) -> Answer:
    dispute_id = dispute_id_of(visit)
    await note_evidence(visit.world, visit.scope, dispute_id, note)
    return redirect(f"/disputes/{dispute_id}#evidence")


@dispute_page.post("/disputes/{dispute_id}/answer", may=ANSWER, shows=but("not_found"))
async def post_answer(visit: Visit, *, answer: str) -> None:
    """Answers a dispute, by the answers that `answer_dispute` knows."""
    dispute_id = dispute_id_of(visit)
    await answer_dispute(visit.world, visit.portal.get(Orders), visit.scope, dispute_id, answer)


@dispute_page.post(
    "/disputes/{dispute_id}/decide", may=operator("decide sandbox disputes"), shows=but("not_found")
)
async def decide(visit: Visit, *, decided: Annotated[Literal["won", "lost"], _UNDECIDED]) -> None:
    """Decides a dispute in the sandbox: the operator says what the cardholder's bank decides."""
    dispute_id = dispute_id_of(visit)
    dispute = await store.read_dispute(
        visit.world.db.reader, visit.merchant_id, dispute_id, clear=visit.pii_access == SHOWN
    )
    if dispute is None:
        raise Problem(
            "not_found", "There is no such dispute.", cure="Choose it from the list of disputes."
        )
    await dispute_on_demand(
        visit.world,
        visit.portal.get(Orders),
        (visit.merchant_id, dispute.order_id),
        decided=decided,
        case=dispute.case_ref,
        by=visit.operator_scope,
    )


@order.post("/orders/{order_id}/dispute", may=ANSWER, find=find)
async def dispute_order(
    visit: Visit,
    page: OrderPage,
    *,
    kind: Annotated[Literal["fraud", "service", "processing"], _NO_KIND],
    amount: Annotated[str, Text(strip=True)],
) -> Answer:
    """Disputes an order in the sandbox, as its cardholder. A refusal is shown on the order's page.
    `amount`: empty for the whole order."""
    world, order_key, asset = visit.world, (visit.merchant_id, page.order_id), page.order.asset
    units = typed_amounts.units(amount, asset, "amount") if amount and asset in EXPONENTS else None
    await dispute_on_demand(
        world, visit.portal.get(Orders), order_key, kind=kind, units=units, by=visit.scope
    )
    return redirect(back_to(visit, page.order_id, "disputes"))


_NO_FILE: Final = invalid("No file was chosen.", "file", "Choose one, then send it.")
_SHOWN: Final = but("not_found", "forbidden")


@dispute_page.post("/disputes/{dispute_id}/files", may=ANSWER, reads=file_form, shows=_SHOWN)
async def post_evidence(visit: Visit, *, file: Annotated[UploadFile, _NO_FILE]) -> Answer:
    dispute_id = dispute_id_of(visit)
    content = await file.read(BYTES_MAX + 1)
    await add_file(visit.world, visit.scope, dispute_id, file.filename or "", content)
    return redirect(f"/disputes/{dispute_id}#evidence")


_GONE: Final = Problem(
    "not_found", "There is no such file.", cure="Reload the dispute: it may have been erased."
)
_file_id: Final = id_in_path("file_id", _GONE)


@member.page("/disputes/{dispute_id}/files/{file_id}")
async def evidence_file(visit: Visit) -> Response:
    """Sends an evidence file as its bytes say, and never shown inside a page of ours."""
    dispute_id, file_id = dispute_id_of(visit), _file_id(visit)
    if visit.pii_access != SHOWN:
        raise Problem(
            "forbidden",
            "Files of evidence may show who the customer is: your role does not open them.",
            cure="Ask an owner.",
        )
    row, content = await read_file(visit.world, visit.merchant_id, dispute_id, file_id)
    await taken(visit, "file of evidence", dispute_id)
    return attachment(content, download_name(row.name, row.media_type), row.media_type)
