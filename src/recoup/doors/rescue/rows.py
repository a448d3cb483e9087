"""The rows of uploaded files, read as the bodies of /evaluate and /transmit are. Source: contract §12."""

from datetime import datetime
from typing import Any, Final, Literal, get_args, get_origin
from uuid import UUID

import msgspec

from recoup.doors.edge.field_names import fold_keys, folding, names_of
from recoup.doors.edge.json_body import decode_json
from recoup.doors.rescue.body import read_whole
from recoup.doors.rescue.evaluate import read_declined
from recoup.doors.rescue.shapes.declined import EvaluateBody, KnownCopy, TransmitBody
from recoup.doors.rescue.transmit import read_outcome, read_transmitted
from recoup.flows.cards.taken import EvaluateRequest
from recoup.flows.cards.transmit import Transmitted
from recoup.flows.cards.uploads.row import Became, Given, Reader
from recoup.kernel.problem import Problem
from recoup.rules.files.table import plain
from recoup.rules.uploads.table import Column

_SHAPES: Final[dict[str, type[msgspec.Struct]]] = {"transmit": TransmitBody, "evaluate": EvaluateBody}
_CURRENCY: Final = ("transaction", "currency")  # a subscription's price has one, too
_AMOUNT: Final = ("transaction", "amount")
_FOLDS: Final = {kind: folding(names_of(shape)) for kind, shape in _SHAPES.items()}
_TOKENS_ONLY: Final = "Send a token of /tokenize; a file never holds a card number."
_NO_CUSTOMER: Final = "A file takes merchant-initiated payments: isMIT must be true. A customer who waits needs a call."
_NO_EXPIRY: Final = "Say expiryDateUtc in the row, or once for all rows in the file's configuration."


def readers() -> dict[str, Reader]:
    """By the kind of file."""

    def evaluate(body: dict[str, Any], merchant_id: UUID) -> Given:
        return _in_file(read_declined(body, merchant_id))

    return {
        kind: Reader(columns_of(kind), lambda text, kind=kind: _body(kind, text), read)  # type: ignore[misc]
        for kind, read in (("transmit", _transmitted), ("evaluate", evaluate))
    }


def columns_of(kind: str) -> dict[str, Column]:
    """Plain name -> column: the body's fields, those inside others with a dot before. A field that no other has may
    stand alone: `amount` for `transaction.amount`; so may `currency`, which is the transaction's."""
    found = {column: plain(".".join(column.path)) for column in _columns(_SHAPES[kind], ())}
    alone: dict[str, list[Column]] = {}
    for column in found:
        alone.setdefault(plain(column.path[-1]), []).append(column)
    short = {name: several[0] for name, several in alone.items() if len(several) == 1}
    short |= {column.path[-1]: column for column in found if column.path == _CURRENCY}
    return short | {name: column for column, name in found.items()}


def _columns(shape: type[msgspec.Struct], path: tuple[str, ...]) -> list[Column]:
    made = []
    for field in msgspec.structs.fields(shape):
        inner_path = (*path, field.encode_name)
        kinds = _plain_types(field.type)
        inner = next((one for one in kinds if isinstance(one, type) and issubclass(one, msgspec.Struct)), None)
        if inner is not None and str not in kinds:
            made += _columns(inner, inner_path)
        elif list not in kinds and dict not in kinds and Any not in kinds:
            made.append(Column(inner_path, _kind(kinds, inner_path)))
    if not path:
        made.append(Column(("sequenceNumber",), "text"))
    return list(dict.fromkeys(made))


def _kind(kinds: list[Any], path: tuple[str, ...]) -> Literal["flag", "number", "text", "amount", "moment"]:
    if datetime in kinds:
        return "moment"
    if bool in kinds:
        return "flag"
    if int in kinds:
        return "amount" if path == _AMOUNT else "number"
    return "text"


def _plain_types(kind: Any) -> list[Any]:
    """What a field may hold, without annotations and alternatives."""
    if hasattr(kind, "__metadata__"):
        return _plain_types(get_args(kind)[0])
    if get_origin(kind) in (list, dict):
        return [get_origin(kind)]
    inside = get_args(kind)
    return [one for part in inside for one in _plain_types(part)] if inside else [kind]


def _body(kind: str, text: str) -> dict[str, Any]:
    """Raises: Problem(malformed)."""
    body = fold_keys(decode_json(text.encode("utf-8", "surrogatepass"), "row"), _FOLDS[kind])
    assert isinstance(body, dict)
    return body


def _in_file(request: EvaluateRequest) -> EvaluateRequest:
    """What holds for files alone. Raises: Problem(invalid)."""
    wrong: dict[str, list[str]] = {}
    if not request.is_mit:
        wrong["IsMIT"] = [_NO_CUSTOMER]
    if request.pan is not None:
        wrong["PaymentMethod.CardNumber"] = [_TOKENS_ONLY]
    if request.is_mit and request.expires_at is None:
        wrong["ExpiryDateUtc"] = [_NO_EXPIRY]
    if wrong:
        raise Problem("invalid", next(iter(wrong.values()))[0], fields=wrong)
    return request


def _transmitted(body: dict[str, Any], merchant_id: UUID) -> Transmitted | Became:
    known = read_whole(body, KnownCopy).transmit_id
    return Became(known, read_outcome(body)) if known is not None else read_transmitted(body, merchant_id)
