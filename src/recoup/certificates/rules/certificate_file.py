"""A compliance certificate as a file that its receiver can prove without a database.

JSON Lines: the certificate, its lines, an end. The root is made of the root of the merchant's
certificate before, of what the certificate says, and of each line; the event `certificate.ready`
tells it. So a changed byte, a dropped line and a certificate that was left out of the row are
found. Source: decision 0076.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import msgspec

from recoup.certificates.rules.content import PARTS, Line
from recoup.kernel.encode import encode_sorted
from recoup.kit.proved_file import Difference, Wrong, differs, first_wrong, whole

FORMAT: Final = "recoup-certificate-1"
FIRST_ROOT: Final = bytes(32)  # before a merchant's first certificate
_ORDER: Final = (*PARTS, "change", "end")
_decode: Final = msgspec.json.Decoder().decode


_PROVED: Final = (
    "certificateId",
    "month",
    "acceptorId",
    "number",
    "sends",
    "breaches",
    "lines",
    "root",
)


class ProvedCertificate(NamedTuple):
    certificate_id: str
    month: str
    acceptor_id: str
    number: int
    sends: int
    breaches: int
    lines: int
    root: str


@dataclass(slots=True)
class _Proof:
    head: Mapping[str, Any] = field(default_factory=dict)
    hashes: list[bytes] = field(default_factory=list)
    place: int = 0
    sums: dict[str, int] = field(default_factory=lambda: totals_of(()))
    ended: bool = False


def totals_of(lines: Iterable[Line]) -> dict[str, int]:
    """The sums that the first line of the file shows."""
    sums = dict.fromkeys(("sends", "reported", "refusals", "breaches", "beyond"), 0)
    for line in lines:
        _add(sums, line)
    return sums


def written(head: Line, lines: Iterable[Line]) -> tuple[bytes, bytes]:
    """The file, and its root. `head`: without type, format, number of lines, and root."""
    encoded = [encode_sorted(line) for line in lines]
    first = {"type": "certificate", "format": FORMAT, "lines": len(encoded)} | head
    root = _root(first, map(_hash, encoded))
    parts = [encode_sorted(first | {"root": root.hex()}), *encoded]
    text = b"".join(part + b"\n" for part in parts)
    return text + encode_sorted(
        {"type": "end", "sha256": hashlib.sha256(text).hexdigest()}
    ) + b"\n", root


def read(file: bytes) -> tuple[Line, list[Line]]:
    """The head and the lines of a file that was written here."""
    head, *lines = (_decode(line) for line in file.splitlines())
    return head, lines[:-1]


def is_certificate(first_line: bytes) -> bool:
    """Recognises a certificate by the first line of a file."""
    try:
        part = _decode(first_line)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(part, dict) and part.get("type") == "certificate"


def prove(lines: Iterable[bytes], root: str | None = None) -> ProvedCertificate | Wrong:
    """Reads the file once. `root`: that of the event; without it the file is held against itself
    alone."""
    proof = _Proof()
    wrong = first_wrong(
        lines,
        "certificate",
        lambda part, raw, checksum: _part(proof, part, raw, checksum, root),
        lambda: _whole(proof),
        line_end=b"\n",
    )
    if wrong is not None:
        return wrong
    return ProvedCertificate(*(proof.head[name] for name in _PROVED))


def _part(
    proof: _Proof, part: dict[str, Any], raw: bytes, checksum: str, root: str | None
) -> Difference | None:
    if not proof.head:
        return _head(proof, part, raw, root)
    if proof.ended or part["type"] not in _ORDER[proof.place :]:
        return (
            "type",
            "end of the file" if proof.ended else " or ".join(_ORDER[proof.place :]),
            str(part["type"]),
        )
    proof.place = _ORDER.index(part["type"])
    if encode_sorted(part) + b"\n" != raw:
        return "line", "as it was written, without a blank", "the same in other bytes"
    if part["type"] == "end":
        proof.ended = True
        return differs("checksum of the lines before", checksum, part["sha256"])
    proof.hashes.append(_hash(raw[:-1]))
    _add(proof.sums, part)
    if part["type"] == "fee":
        return differs(
            "amount of avoided fees",
            str(whole(part, "sends") * whole(part, "fee")),
            str(part["amount"]),
        )
    return None


def _head(proof: _Proof, part: dict[str, Any], raw: bytes, root: str | None) -> Difference | None:
    if part["type"] != "certificate":
        return "type", "certificate", str(part["type"])
    proof.head = part
    if any(type(part[name]) is not int for name in ("lines", "number", "sends", "breaches")):
        return "counts", "whole numbers", "something else"
    return (
        differs("format", FORMAT, part["format"])
        or (
            None
            if encode_sorted(part) + b"\n" == raw
            else ("line", "as it was written", "the same in other bytes")
        )
        or (
            differs("root that the event certificate.ready told", root.lower(), part["root"])
            if root
            else None
        )
    )


def _whole(proof: _Proof) -> Difference | None:
    head = proof.head
    if not proof.ended:
        return "end", "an end", "none: the file is cut off"
    wrong = differs("number of lines", str(head["lines"]), str(len(proof.hashes)))
    for name, number in proof.sums.items():
        wrong = wrong or differs(f"sum of {name}", str(head[name]), str(number))
    plain = {name: value for name, value in head.items() if name != "root"}
    return wrong or differs("root", head["root"], _root(plain, proof.hashes).hex())


def _add(sums: dict[str, int], line: Mapping[str, Any]) -> None:
    added: dict[str, int] = {}
    if line["type"] == "scheme":
        added = {"sends": whole(line, "sends"), "reported": whole(line, "reported")}
    elif line["type"] == "refusal":
        added = {"refusals": whole(line, "postponed") + whole(line, "refused")}
    elif line["type"] == "rule":
        beyond = {name: whole(line["beyond"], name) for name in line["beyond"]}
        added = {"breaches": beyond.get("gate", 0), "beyond": sum(beyond.values())}
    for name, number in added.items():
        sums[name] += number


def _root(head: Line, hashes: Iterable[bytes]) -> bytes:
    """`head` without its root."""
    return hashlib.sha256(
        bytes.fromhex(head["previousRoot"]) + _hash(encode_sorted(head)) + b"".join(hashes)
    ).digest()


def _hash(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()
