"""A certificate's file: whatever is changed in it is found, and what was avoided is priced by its
day's row alone."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.certificates.rules.certificate_file import (
    FIRST_ROOT,
    ProvedCertificate,
    is_certificate,
    prove,
    read,
    totals_of,
    written,
)
from recoup.certificates.rules.content import (
    Recount,
    Refusals,
    Reported,
    avoided,
    changes,
    content_hash,
    content_of,
    fingerprint,
    reasons,
)
from recoup.certificates.rules.month_count import AcceptorCount, RuleCount, SchemeCount
from recoup.certificates.rules.months import closed_month
from recoup.kernel.problem import Problem
from recoup.kit.proved_file import Wrong
from recoup.networks.tables import LIMITS

SPAN = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
ROW = next(
    row
    for row in LIMITS
    if row.rule_id == "visa-reattempt-30d" and row.region == "world" and row.fee_units
)


def lines(**more: Any) -> list[dict[str, Any]]:
    acceptor = AcceptorCount(
        {("visa", ROW.rule_id): RuleCount(ROW, sends=7)}, {"visa": SchemeCount(sends=7)}
    )
    usual: dict[str, Any] = {
        "refusals": [Refusals("one", "visa", "us", ROW.rule_id, date(2026, 3, 5), 2, 1, 2)],
        "reported": Reported(SPAN[0], 4, 3),
        "recount": Recount("issuer", sends=7, approved=1, matched=7),
    }
    known = usual | more
    return content_of(
        acceptor,
        known["refusals"],
        known["reported"],
        known["recount"],
        merchant_id="m",
        span=SPAN,
        gate_limits={},
    )


def made(
    content: list[dict[str, Any]] | None = None, before: bytes = FIRST_ROOT
) -> tuple[bytes, bytes]:
    content = lines() if content is None else content
    head = {
        "certificateId": "c",
        "merchantId": "m",
        "acceptorId": "one",
        "month": "2026-03",
        "number": 1,
        "corrects": None,
        "reasons": [],
        "made": "2026-04-04T00:00:00.000Z",
        "previousRoot": before.hex(),
        **totals_of(content),
    }
    return written(head, content)


def proved(file: bytes, root: str | None = None) -> ProvedCertificate | Wrong:
    return prove(iter(file.splitlines(keepends=True)), root)


def test_an_intact_file_says_what_it_proves() -> None:
    file, root = made()
    found = proved(file, root.hex())
    assert isinstance(found, ProvedCertificate)
    assert (found.month, found.acceptor_id, found.sends, found.breaches) == ("2026-03", "one", 7, 0)
    assert found.lines == len(lines())
    assert is_certificate(file.splitlines()[0])
    assert not is_certificate(b'{"type":"settlement"}')
    assert not is_certificate(b"\xff" * 40)
    assert read(file)[1] == json.loads(json.dumps(lines()))


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    file, _ = made()
    place = data.draw(st.integers(0, len(file) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != file[place]))
    assert isinstance(proved(file[:place] + bytes([byte]) + file[place + 1 :]), Wrong)


@each("number", range(len(lines()) + 2))
def test_a_dropped_doubled_or_moved_line_is_found(number: int) -> None:
    file, _ = made()
    parts = file.splitlines(keepends=True)
    dropped = b"".join(parts[:number] + parts[number + 1 :])
    doubled = b"".join([*parts[: number + 1], *parts[number:]])
    assert isinstance(proved(dropped), Wrong)
    assert isinstance(proved(doubled), Wrong)
    if number:
        moved = [*parts]
        moved[number - 1], moved[number] = moved[number], moved[number - 1]
        assert isinstance(proved(b"".join(moved)), Wrong)


def test_a_file_that_was_written_anew_has_another_root() -> None:
    """Whoever changes a number and all hashes with it makes a file that holds in itself; the
    event's root finds it."""
    _, root = made()
    other = lines(reported=Reported(None, 0, 0))
    forged, new_root = made(other)
    assert isinstance(proved(forged), ProvedCertificate)
    assert new_root != root
    assert isinstance(proved(forged, root.hex()), Wrong)
    assert made(before=b"\x01" * 32)[1] != root, "the one before is in it"


@each(
    "file", [b"", b"\n", b"[]\n", b"{}\n", b"\x00\xff\n", b'{"type":"certificate"}\n', b"[" * 9_000]
)
def test_what_is_no_certificate_is_said_so(file: bytes) -> None:
    assert isinstance(proved(file), Wrong)


def test_what_a_correction_changes_is_named() -> None:
    before, after = (
        lines(),
        lines(recount=Recount("issuer", sends=8, approved=1, matched=7, differing=1)),
    )
    assert reasons(before, after) == ["recount"]
    (change,) = changes(before, after)
    assert (change["part"], change["before"]["sends"], change["after"]["sends"]) == (
        "recount",
        7,
        8,
    )
    assert reasons(before, before) == []
    assert content_hash({}, before) != content_hash({}, after)


def test_fingerprints_are_a_merchants_own() -> None:
    assert fingerprint("m", "card") == fingerprint("m", "card")
    assert fingerprint("m", "card") != fingerprint("other", "card")


def refusal(
    rule: str, on: date, region: str, scheme: str = "mastercard", orders: int = 1
) -> Refusals:
    return Refusals("one", scheme, region, rule, on, 5, 5, orders)


@each(
    ("on", "region", "fee"),
    [
        (date(2023, 6, 1), "us", (15, "USD")),
        (date(2024, 6, 1), "us", (30, "USD")),
        (date(2026, 6, 1), "us", (50, "USD")),
        (date(2026, 6, 1), "europe", (55, "EUR")),
        (date(2026, 6, 1), "eea_uk", (55, "EUR")),
        (date(2026, 6, 1), "canada", None),
        (date(2026, 6, 1), "world", None),
    ],
)
def test_a_fee_is_that_of_the_day_and_region_or_none(
    on: date, region: str, fee: tuple[int, str] | None
) -> None:
    found = avoided([refusal("mc-attempts-24h", on, region, orders=3)])
    assert [(line["fee"], line["currency"]) for line in found] == ([fee] if fee else [])
    assert [(line["sends"], line["amount"]) for line in found] == ([(3, 3 * fee[0])] if fee else [])
    assert all(line["document"] and line["sources"] and line["confidence"] for line in found)


def test_a_block_and_a_limit_of_ours_avoid_no_fee() -> None:
    assert (
        avoided(
            [
                refusal("blocked", SPAN[0].date(), "us"),
                refusal("amex-ours-30d", SPAN[0].date(), "us", "amex"),
            ]
        )
        == []
    )


def test_rows_of_two_editions_stand_apart() -> None:
    days = date(2024, 12, 31), date(2025, 1, 1)
    found = avoided([refusal("mc-attempts-24h", day, "us") for day in days])
    assert [(line["fee"], line["validFrom"]) for line in found] == [
        (30, "2024-01-01"),
        (50, "2025-01-01"),
    ]


@each("text", ["2026-13", "march", "", "2026-3", "2026-03-01", "<b>", "٢٠٢٦-٠٣", "1999-01", "\x00"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(Problem) as wrong:
        closed_month(text, SPAN[1])
    assert wrong.value.field == "month"


@pytest.mark.parametrize("text", ["2026-04", "2026-05", "2199-12"])
def test_a_month_that_is_not_closed_is_refused(text: str) -> None:
    with pytest.raises(Problem, match="not closed|future") as wrong:
        closed_month(text, datetime(2026, 5, 3, 23, 59, tzinfo=UTC))
    assert wrong.value.field == "month"


def test_a_month_is_closed_three_days_after_its_end() -> None:
    assert closed_month("2026-03", datetime(2026, 4, 4, tzinfo=UTC)) == SPAN[0]


def test_a_number_that_is_none_or_too_large_is_a_difference() -> None:
    """A file of 5 KB, whose fee was a text, ended in MemoryError: a text times a number is a text
    of any size."""
    wrong = []
    for name, value in (
        ("fee", "9" * 4_000),
        ("fee", [1] * 1_000),
        ("sends", 10**31),
        ("sends", 1.5),
        ("sends", 1e300),
        ("sends", True),
        ("amount", 10**400),
    ):
        content = [json.loads(line) for line in made()[0].splitlines()]
        fee = next(one for one in content if one["type"] == "fee")
        fee |= {"sends": 2**62, name: value} if name == "fee" else {name: value}
        head = {
            key: one
            for key, one in content[0].items()
            if key not in ("type", "format", "lines", "root")
        }
        found = prove(iter(written(head, content[1:-1])[0].splitlines(keepends=True)))
        if not isinstance(found, Wrong) or (found.line, found.field) != (
            content.index(fee) + 1,
            "line",
        ):
            wrong.append((name, type(value)))
    assert not wrong
