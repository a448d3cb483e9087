"""The file of an archive, which its receiver proves without a database.

JSON Lines: the archive, its orders, an end. An order's line has its rows by table as the database
had them, without what names a person, and its postings as they were hashed, each with the page that
it is sealed in and that page's root. The archive's root is the SHA-256 of all before the end.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec

from recoup.kernel.encode import encode_sorted
from recoup.kit.proved_file import Difference, Wrong, differs, first_wrong, whole
from recoup.orders.rules.fold import rows
from recoup.orders.rules.lifecycle import ENDED

FORMAT: Final = "recoup-archive-1"
# Disputes are open to 540 days after a charge; two years and a month are past every limit.
KEPT_MONTHS: Final = 25
_ENDED: Final = {stage.value for stage in ENDED}
_WORDS: Final = frozenset({
    "subject", "description", "metadata", "return_url", "cancel_url", "sense_key", "device",
    "correlation_id",
})  # fmt: skip
_decode: Final = msgspec.json.Decoder().decode


class ProvedArchive(NamedTuple):
    archive_id: str
    merchant_id: str
    month: str
    orders: int
    root: str


@dataclass(slots=True)
class _Proof:
    root: str | None
    head: Mapping[str, Any] = field(default_factory=dict)
    last: str = ""
    orders: int = 0
    ended: str = ""


def head_line(archive_id: str, merchant_id: str, month: str) -> bytes:
    head = {"archive": archive_id, "merchant": merchant_id, "month": month}
    return encode_sorted({"type": "archive", "format": FORMAT} | head) + b"\n"


def order_line(order_id: str, rows: Mapping[str, Sequence[str]], postings: Sequence[Any]) -> bytes:
    """`rows`: each as its JSON, by table."""
    tables = ",".join(f'"{table}":[{",".join(rows[table])}]' for table in sorted(rows))
    booked = encode_sorted(postings).decode()
    line = f'{{"order":"{order_id}","postings":{booked},"rows":{{{tables}}},"type":"order"}}\n'
    return line.encode()


def end_line(orders: int, root: str) -> bytes:
    return encode_sorted({"type": "end", "orders": orders, "root": root}) + b"\n"


def without_words(facts: Mapping[str, Any]) -> dict[str, Any]:
    """An order's facts as an erasure leaves them (`erase_orders`)."""
    kept = {name: value for name, value in facts.items() if name not in _WORDS}
    if (kept.get("decline") or {}).get("text") is not None:
        kept["decline"] = kept["decline"] | {"text": ""}
    if "items" in kept:
        kept["items"] = [
            {name: value for name, value in item.items() if name not in ("name", "description")}
            for item in kept["items"] or []
        ] or None
    return kept


def is_archive(first_line: bytes) -> bool:
    """Recognises an archive by the first line of a file."""
    try:
        part = _decode(first_line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(part, dict) and part.get("type") == "archive"


def prove(lines: Iterable[bytes], root: str | None = None) -> ProvedArchive | Wrong:
    """Reads the file once. `root`: that of `recoup archive list`."""
    proof = _Proof(root)
    wrong = first_wrong(
        lines,
        "archive",
        lambda part, _, before: _take(proof, part, before),
        lambda: None if proof.ended else ("end", "the end of the archive", "none"),
        line_end=b"\n",
    )
    if wrong is not None:
        return wrong
    head = proof.head
    return ProvedArchive(
        head["archive"], head["merchant"], head["month"], proof.orders, proof.ended
    )


def _take(proof: _Proof, part: dict[str, Any], before: str) -> Difference | None:
    if proof.ended:
        return "line", "none after the end", part["type"]
    if not proof.head:
        proof.head = part
        UUID(part["archive"])
        UUID(part["merchant"])
        date.fromisoformat(part["month"] + "-01")
        return differs("type", "archive", part["type"]) or differs("format", FORMAT, part["format"])
    if part["type"] == "order":
        proof.orders += 1
        return _order(proof, part)
    proof.ended = before
    return (
        differs("type", "end", part["type"])
        or differs("orders", str(proof.orders), str(part["orders"]))
        or differs("root", before, part["root"])
        or (differs("root of the archive", proof.root.lower(), before) if proof.root else None)
    )


def _order(proof: _Proof, part: dict[str, Any]) -> Difference | None:
    order_id, merchant_id, tables = part["order"], proof.head["merchant"], part["rows"]
    if order_id <= proof.last:
        return "order", f"after {proof.last}", order_id
    proof.last = order_id
    for table, of_table in tables.items():
        for row in of_table:
            owner = row.get("order_id", row.get("subject_id", order_id)), row["merchant_id"]
            if owner != (order_id, merchant_id):
                return f"owner of a row in {table}", f"{order_id} of {merchant_id}", str(owner)
    return _log(order_id, tables) or next(filter(None, map(_posting, part["postings"])), None)


def _log(order_id: str, tables: Mapping[str, Any]) -> Difference | None:
    """The log leads from nothing to the state that the order has, by steps that there are."""
    stage, seq = "new", 0
    for line in tables["order_log"]:
        step = line["src"], line["happening"], line["dst"]
        wrong = differs(f"place in the log of {order_id}", str(seq + 1), str(line["seq"]))
        if wrong is None and (step[0] != stage or not ("." in step[1] or step in rows())):
            wrong = f"line {seq + 1} of the log of {order_id}", f"a step from {stage}", str(step)
        if wrong is not None:
            return wrong
        stage, seq = step[2], seq + 1
    [state], [order] = tables["order_states"], tables["orders"]
    kept = state["stage"], state["version"]
    if stage not in _ENDED:
        return f"end of the log of {order_id}", "one of " + ", ".join(sorted(_ENDED)), stage
    tries = sorted(whole(attempt, "attempt_no") for attempt in tables["attempts"])
    return (
        differs("order of the row", order_id, order["order_id"])
        or (None if kept == (stage, seq) else ("state", f"{stage} {seq}", str(kept)))
        or differs(f"attempts of {order_id}", str([*range(1, len(tries) + 1)]), str(tries))
    )


def _posting(posting: Mapping[str, Any]) -> Difference | None:
    hashed = hashlib.sha256(encode_sorted(posting["content"])).hexdigest()
    name = posting["posting"]
    total = sum(whole({"units": units}, "units") for _, _, units in posting["content"][6])
    return differs(f"sum of posting {name}", "0", str(total)) or differs(
        f"hash of posting {name}", hashed, posting["hash"]
    )
