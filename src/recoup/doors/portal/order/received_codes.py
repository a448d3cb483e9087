"""The codes that an order's page names: those that were said, with who said them.

A processor's own code is read as a network's, and decisions keep that reading; the page shows it in words.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from recoup.rules.lists.cells import SCHEME_WORDS
from recoup.rules.network.codes import SOURCE_NAMES
from recoup.rules.order.attention import sentence_of
from recoup.rules.rescue.sentences import decline_that_came_in, last_answer
from recoup.store.orders.order_page import OrderPage

_WHO: Final = {**SCHEME_WORDS, **SOURCE_NAMES}


def source_word(source: str) -> str:
    """`NMI`, `Visa`; a name that we do not know as the merchant wrote it."""
    return _WHO.get(source.lower(), source)


def in_received_codes(page: OrderPage) -> OrderPage:
    """The page with the log's codes as sentences, whose reasons name no code that nobody said."""
    decline = page.order.facts.get("decline") or {}
    codes = [decline.get("code"), decline.get("advice")]
    codes += [code for a in page.attempts for code in (a.scheme_code, a.processor_code, a.advice_code)]
    known_codes = {str(code).strip().upper().zfill(2) for code in codes if code}
    plainer = {row.decision_id: dict(_without(row.features.get("reading"), known_codes)) for row in page.decisions}
    return replace(
        page,
        decisions=[replace(one, reasons=_sentences(one.reasons, plainer[one.decision_id])) for one in page.decisions],
        log=[
            replace(line, body=_body(line.body, plainer.get(line.decision_id, {}) if line.decision_id else {}))
            for line in page.log
        ],
    )


def _without(reading: Mapping[str, Any] | None, known_codes: Collection[str]) -> Iterator[tuple[str, str]]:
    """A decision's sentences about the answer -> the same without codes that are not in `known_codes`."""
    if not reading:
        return
    reason, code, advice = reading["reason"], reading["code"], reading["advice"]
    known_code, advised = code if code in known_codes else None, advice if advice in known_codes else None
    yield last_answer(reason, code, advice), last_answer(reason, known_code, advised)
    yield last_answer(reason, code), last_answer(reason, known_code)
    yield decline_that_came_in(reason, code), decline_that_came_in(reason, known_code)


def _body(body: Mapping[str, Any], plainer: Mapping[str, str]) -> dict[str, Any]:
    news: dict[str, Any] = {}
    if isinstance(body.get("why"), str):
        news["why"] = sentence_of(plainer.get(body["why"], body["why"]))
    if body.get("reasons"):
        news["reasons"] = _sentences(body["reasons"], plainer)
    return {**body, **news}


def _sentences(reasons: Iterable[str], plainer: Mapping[str, str]) -> list[str]:
    return [sentence_of(plainer.get(reason, reason)) for reason in reasons]
