"""Card numbers are found however they are written; what only resembles one is left alone."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kernel.problem import Problem
from recoup.networks.allow_list import PHONE_CARD
from recoup.networks.card import luhn_digit
from recoup.networks.card_guard import check_words, guard, holds_number, is_identifier, refused
from recoup.networks.card_text import json_may_hold_number, numbers_in
from recoup.networks.magic import inputs, script_card
from recoup_lab.bench.calls import transmit_body

HEADS = (
    "555555555555444",
    "37828224631000",
    "601100099013942",
    "353011133330000",
    "3622720627166",
    "620000000000000",
    "222300312200322",
    "422222222222",
)
CARDS = [PHONE_CARD, *(head + luhn_digit(head) for head in HEADS), script_card("visa", "51", 3)]
PAN = PHONE_CARD
GROUPS = [PAN[at : at + 4] for at in range(0, 16, 4)]
GROUPED = " ".join(GROUPS)


def found(text: str) -> list[str]:
    return [one.digits for one in numbers_in(text)]


@each("card", CARDS)
@each(
    "written", ["{}", "card {} was declined", "PAN={}exp1226", "({})", "a\n{}\n", "{}=26121010000"]
)
def test_a_card_in_one_piece_is_found(card: str, written: str) -> None:
    assert found(written.format(card)) == [card]


@each(
    "text",
    [
        *(
            mark.join(GROUPS)
            for mark in (" ", "-", ".", "_", " - ", "\u00a0", "\u2011", "\u200b", "\t", "\n")
        ),
        f"{PAN[:4]}-{PAN[4:8]} {PAN[8:12]}.{PAN[12:]}",
        " ".join(PAN),
        f"{PAN[:6]} {PAN[6:]}",
        f"{PAN[:8]}-{PAN[8:]}",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١١١١١١١١١١١١١",
        f"4️⃣1️⃣1️⃣1️⃣ {GROUPED[5:]}",
        f"{GROUPED} 12/26 123",
        f"12 {GROUPED}",
        f"2026-11-20 {GROUPED}",
        f"DE89 3704 0044 0532 0130 00 and {GROUPED}",
    ],
)
def test_a_card_with_anything_between_its_digits_is_found(text: str) -> None:
    assert found(text) == [PAN]


def test_the_groups_of_the_other_brands_are_found() -> None:
    for card, groups in ((CARDS[2], (4, 6, 5)), (CARDS[5], (4, 6, 4)), (CARDS[8], (4, 4, 4, 1))):
        text = " ".join(card[sum(groups[:at]) :][:size] for at, size in enumerate(groups))
        assert found(text) == [card]
        assert [one.grouped for one in numbers_in(text)] == [True]


def test_where_it_stands_is_told_so_that_it_can_be_masked() -> None:
    text = f"é paid with {GROUPED}, thanks"
    (one,) = numbers_in(text)
    assert text[one.start : one.end] == GROUPED


@each(
    "text",
    [
        "+1 555 010 2030",
        "+49 1512 3456789",
        "+4915123456789",
        "2026-03-02 09:15:31",
        "20260302091531",
        "1774429200000",
        "1774429200000000",
        "12345678-1234-4123-8123-123456789012",
        "abcd4111-1111-4111-8111-123456789abc",
        "0" * 16,
        "0x" + PAN + "a" * 24,
        "DE89 3704 0044 0532 0130 00",
        "30-11-2026 30-11-2026",
        "411111******1111",
        "4111",
        PAN + "0" * 8,
        "4111111111111112",
        "2606:4700:4700:0000:0000:0000:0000:1111",
        "1000000000000000000",
        "490154203237518",
    ],
)
def test_what_only_resembles_a_card_is_left_alone(text: str) -> None:
    assert found(text) == []


@given(
    st.uuids(),
    st.binary(min_size=16, max_size=32),
    st.integers(0, 600_000_000).map(
        lambda after: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=after)
    ),
)
def test_ids_hashes_and_moments_are_no_cards(value: uuid.UUID, data: bytes, at: datetime) -> None:
    for text in (
        str(value),
        str(value).upper(),
        value.hex,
        at.isoformat(),
        f"{at:%Y%m%d%H%M%S}",
        f"{at:%Y-%m-%d} {at + timedelta(days=3):%Y-%m-%d}",
        str(int(at.timestamp() * 1000)),
    ):
        assert found(text) == [] or text.isdecimal() and len(text) == 32
    digest = data.hex()
    assert found(digest) == [] or digest.isdecimal()


def test_every_card_of_the_sandbox_is_one() -> None:
    assert [one.card for one in inputs() if one.card not in found(f"card {one.card}")] == []


# where they stand
# --------------------------------------------------------------------------------------------------


@each(
    "name",
    [
        "orderId",
        "id",
        "idempotencyKey",
        "externalId",
        "networkTransactionId",
        "sku",
        "phone",
        "payment_number",
        "merchant_order_id",
        "registrationNumber",
        "reference",
        "siteUrl",
    ],
)
def test_identifiers_may_be_long_numbers(name: str) -> None:
    assert is_identifier(name)
    assert guard({name: PAN}).refused == []
    assert guard({name: PAN}).numbers == [(name, PAN)]
    assert guard({name: int(PAN)}).numbers == [(name, PAN)]
    assert guard({name: GROUPED}).refused == [name], "grouped like a card"


@each(
    "name",
    [
        "holderName",
        "refundMessage",
        "note",
        "description",
        "firstName",
        "addressLine1",
        "billingAddress",
        "reason",
        "subject",
        "state",
        "paid",
        "holderNames",
        "evidence",
    ],
)
def test_words_may_not(name: str) -> None:
    assert guard({name: f"see {PAN}"}).refused == [name]
    assert guard({"a": [{name: f"see {GROUPED}"}]}).refused == [f"a[0].{name}"]
    with pytest.raises(Problem) as told:
        check_words({name: f"see {PAN}"})
    assert told.value.field == name
    assert PAN not in f"{told.value.message} {told.value.cure} {told.value.fields}"


def test_metadata_is_words_whatever_its_names_are() -> None:
    names = {"metadata": None, "orderId": None}
    for body in (
        {"metadata": {"orderId": PAN}},
        {"metadata": {PAN: "x"}},
        {"metadata": {"a": {"b": [1, int(PAN)]}}},
        {"metadata": {"a": [[[PAN]]]}},
        {"metadata": {"n": float(PAN)}},
    ):
        assert guard(body, names).refused == ["metadata"]
        assert guard(body).refused == ["metadata"]


def test_what_has_no_name_is_named_all_the_same() -> None:
    assert guard({"events": [{"": [PAN]}], "": PAN}).refused == ['events[0].""', '""']
    assert guard([PAN]).refused == ["Body"]
    assert "The field . holds" in str(refused(["."]).message)


def test_the_payments_own_card_is_no_identifier() -> None:
    body = {"paymentMethod": {"cardNumber": GROUPED}, "orderId": PAN, "payer": {"id": CARDS[1]}}
    assert guard(body).refused == ["orderId"]
    assert guard({"payment_method": {"credit_card": {"number": PAN}}}).refused == []


def test_what_is_not_read_is_not_looked_at() -> None:
    assert guard({"theirOwn": PAN}, {"orderId": None}).refused == []
    assert guard({"deviceDetails": {"serial": PAN}}, {"deviceDetails": None}).refused == []


def test_a_body_of_digits_alone_is_refused_before_it_costs_anything() -> None:
    for text in ("4111-" * 200_000, "4 " * 500_000, "1..." * 250_000, "41111111 " * 110_000):
        with pytest.raises(Problem, match="too many long numbers"):
            guard({"note": text})
    assert not holds_number("a1" * 500_000)
    guard({"items": [{"sku": f"40064{n:08}", "name": f"EAN 10064{n:08}"} for n in range(500)]})


@given(st.integers(10**14, 10**15 - 1))
def test_a_long_number_that_is_no_card_is_free(head: int) -> None:
    """One digit off: no card at all."""
    wrong = str(head) + str((int(luhn_digit(str(head))) + 1) % 10)
    assert guard({"orderId": wrong, "note": wrong}).refused == []


ONES_ID = f"4{'1' * 7}-1111-1111-1111-{'1' * 12}"  # reads like a test card's number
DIGITS_ID = "01a20135-1937-7031-8999-f8864dceedc8"  # its digits alone are long enough for a card
PIECES = st.sampled_from(
    [
        *CARDS,
        *GROUPS,
        GROUPED,
        PAN[:6],
        PAN[6:],
        " ",
        "-",
        ".",
        "e",
        "4",
        "x",
        "\u00a0",
        "\u0664",
        '"',
        "\\",
        "\n",
        "2026-11-20",
        "100000000000000",
        DIGITS_ID,
        ONES_ID,
    ]
)
TEXTS = st.lists(PIECES, max_size=5).map("".join)
NUMBERS = st.sampled_from([int(card) for card in CARDS]).flatmap(
    lambda card: st.sampled_from([card, float(card), card * 10.0, card // 10, card * 10])
)
BODIES = st.recursive(
    TEXTS | NUMBERS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(BODIES, st.booleans())
def test_what_a_quick_look_at_a_body_passes_holds_no_number_when_it_is_walked(
    body: object, escaped: bool
) -> None:
    if json_may_hold_number(json.dumps(body, ensure_ascii=escaped).encode()):
        return
    found = guard(body)
    assert (found.refused, found.numbers) == ([], [])


@each(
    "written",
    [
        PAN,
        f"{PAN}.0",
        f"{PAN}e0",
        f"{PAN}0e-1",
        f"{PAN[0]}.{PAN[1:]}e15",
        "[4111,1111,1111,1111]",
        '"4111\\u00311111111111"',
    ],
)
def test_no_way_to_write_a_number_in_json_gets_past_the_quick_look(written: str) -> None:
    assert json_may_hold_number(b'{"message": %b, "orderId": "100000000000000"}' % written.encode())


@pytest.mark.parametrize("mid", ["c2f0a1de-7b64-4e5b-9d3c-58a1f6e0b7aa", DIGITS_ID])
def test_an_ordinary_body_is_not_walked(mid: str) -> None:
    body = transmit_body(uuid.UUID(mid), datetime(2026, 3, 2, 9, 15, tzinfo=UTC))
    assert not json_may_hold_number(json.dumps(body).encode())
