"""What a decline means: the trust order, the schemes' profiles, editions, regions, processors'
words."""

import json
from dataclasses import asdict
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.networks.codes import (
    Reading,
    by_network,
    code_of,
    plain_advice,
    read_decline,
    source_by_brand,
)
from recoup.networks.decline_code import DeclineCode
from recoup.networks.reasons import REASONS
from recoup.networks.tables import CODES, PROCESSOR_CODES, REGIONS

NOW = date(2026, 11, 20)
SCHEMES = ["visa", "mastercard", "amex", "discover", "elo", "generic"]
CLASSES = {"funds", "soft", "technical", "data", "sca", "fraud", "hard", "configuration"}


def read(code: str | None, scheme: str = "visa", source: str | None = None, **more: Any) -> Reading:
    return read_decline(scheme=scheme, code=code_of(source, code), **({"on": NOW} | more))


NMI = {
    "200": "05",
    "201": "05",
    "202": "51",
    "203": "61",
    "204": "57",
    "221": "15",
    "222": "14",
    "223": "54",
    "224": "54",
    "225": "N7",
    "226": "55",
    "240": "01",
    "250": "04",
    "251": "41",
    "252": "43",
    "253": "59",
    "261": "R3",
    "262": "R1",
    "430": "94",
    "400": "96",
    "420": "96",
    "421": "96",
    "440": "96",
}


@each("scheme", SCHEMES)
@each(("code", "expected"), NMI.items())
def test_nmi_codes_name_scheme_codes(code: str, expected: str, scheme: str) -> None:
    reading = read(code, scheme, "nmi")
    assert reading.code == expected
    own = (
        "hard" if (code, scheme) == ("250", "elo") else None
    )  # Elo's 04 picks up no card; the gateway says so
    assert reading.klass == (own or read(expected, scheme).klass)


@each("scheme", SCHEMES)
@each(
    ("code", "klass", "reason", "advice"),
    [
        ("220", "data", "invalid_number", None),
        ("263", "data", "card_update_available", "01"),
        ("264", "soft", "do_not_honor", "02"),
        ("410", "configuration", "merchant_setup", None),
        ("411", "configuration", "merchant_setup", None),
        ("460", "configuration", "merchant_setup", None),
        ("461", "configuration", "merchant_setup", None),
    ],
)
def test_nmi_codes_without_a_scheme_code(
    code: str, klass: str, reason: str, advice: str | None, scheme: str
) -> None:
    reading = read(code, scheme, "NMI ")
    assert (reading.klass, reading.reason, reading.advice, reading.code) == (
        klass,
        reason,
        advice,
        None,
    )


def test_two_characters_that_their_source_does_not_list_are_the_networks() -> None:
    for source in (None, "", "nmi", "adyen", "stripe", "somebody", "visa", "network"):
        assert read("51", source=source).reason == "insufficient_funds"
        assert read("r1", source=source).code == "R1"


def test_amex_digits_are_amexs_unless_the_processor_lists_them() -> None:
    assert read("116", "amex", "nmi").klass == "funds"
    assert read("200", "amex").klass == "hard"
    assert read("200", "amex", "nmi").klass == "soft"
    assert read("103", "discover").klass == "sca"


def test_one_digit_is_padded_unless_the_processor_lists_it() -> None:
    assert read("5").code == "05"
    assert read("5", source="nmi").code == "05"
    assert read("5", source="adyen").reason == "lost_stolen"


@each("code", ["", None, "00", "10", "85", "ZZ", "9999", "100", "approved?"])
def test_unknown_and_approval_codes_on_a_decline_are_generic_soft(code: str | None) -> None:
    reading = read(code, source="nmi")
    assert (reading.klass, reading.retry, reading.min_wait_hours) == ("soft", "yes", 24)
    assert (reading.reason, reading.visa_category, reading.terminal) == ("do_not_honor", 4, False)


def test_advice_is_trusted_before_the_code() -> None:
    assert read("05", "mastercard", advice="03").terminal
    reading = read("51", "mastercard", advice="26")
    assert (reading.klass, reading.min_wait_hours, reading.wait_by_rule) == ("funds", 48, True)
    assert read("41", "mastercard", advice="2").klass == "soft"
    assert read("05", "mastercard", advice="77").klass == "soft"
    assert read("05", "visa", advice="03").klass == "soft"


@each(
    ("code", "advice", "more", "unlisted"),
    [
        ("51", None, {}, (None, None)),
        ("51", "24", {}, (None, None)),
        (None, None, {}, (None, None)),
        ("9z", None, {}, ("9Z", None)),
        ("51", "7", {}, (None, "07")),
        ("9Z", "77", {}, ("9Z", "77")),
        ("9Z", "03", {}, ("9Z", None)),
        ("05", "03", {"scheme": "visa"}, (None, "03")),
        ("200", None, {"source": "nmi"}, (None, None)),
        ("weird_decline", None, {"source": "stripe"}, ("WEIRD_DECLINE", None)),
        ("9Z", None, {"text": "insufficient funds"}, ("9Z", None)),
        ("9" * 16, None, {"source": "nmi"}, ("unreadable", None)),
        ("declined by Ana", None, {}, ("unreadable", None)),
        ("00", None, {}, (None, None)),
    ],
)
def test_a_code_or_advice_that_no_list_has_is_named_and_the_decline_read_without_it(
    code: str | None,
    advice: str | None,
    more: dict[str, Any],
    unlisted: tuple[str | None, str | None],
) -> None:
    reading = read(code, **({"scheme": "mastercard", "advice": advice} | more))
    assert (reading.unlisted_code, reading.unlisted_advice) == unlisted
    if code == "9Z" and advice == "77":
        assert (reading.klass, reading.reason) == ("soft", "do_not_honor")
    if code == "51":
        assert reading.klass == "funds"


def test_new_account_information_beside_65_or_83_asks_for_authentication() -> None:
    assert read("83", "mastercard", advice="01").klass == "sca"
    assert read("65", "mastercard", advice="01").reason == "sca_required"
    assert read("05", "mastercard", advice="01").klass == "data"


def test_text_is_the_last_resort_and_the_longest_phrase_wins() -> None:
    assert read("202", source="nmi", text="stolen card").klass == "funds"
    assert read("51", text="Lost Card").klass == "funds"
    assert read(None, text="Declined: Insufficient  Funds").reason == "insufficient_funds"
    assert read("", text="Transaction declined - do not honour").code == "05"
    assert read("X99", source="unheard", text="Stop all recurring payments").code == "R3"
    assert read(None, text="hello").klass == "soft"


def test_the_same_code_means_other_things_at_other_schemes() -> None:
    assert [read("82", scheme).klass for scheme in ("visa", "mastercard", "elo")] == [
        "data",
        "soft",
        "hard",
    ]
    assert read("83", "elo").terminal
    assert read("83", "visa").klass == "fraud"


def test_the_edition_of_the_day_counts() -> None:
    assert read("14", on=date(2024, 4, 12)).klass == "data"
    assert read("14", on=date(2024, 4, 13)).terminal
    assert read("5C", on=date(2025, 4, 10)).klass == "soft"
    assert read("83", on=date(2026, 7, 24)).visa_category == 4


def test_the_narrowest_region_counts() -> None:
    assert read("65", "mastercard", region="eea_uk").klass == "sca"
    assert read("65", "mastercard", region="us").reason == "limit_exceeded"
    assert read("1A", region="europe").visa_category == 3
    assert read("1A", region="nowhere").visa_category == 4


def test_a_visa_code_that_visa_does_not_list_is_category_4() -> None:
    assert read("17").visa_category == 4
    assert read("17").terminal


def test_processor_ranges_and_named_fields() -> None:
    assert read("2500", source="braintree").code == "05"
    assert read("3500", source="braintree").klass == "soft"
    assert read("advice_code:do_not_try_again", source="stripe").terminal
    assert read("20051", source="checkout").reason == "insufficient_funds"


def test_hard_alone_is_terminal_and_says_what_helps() -> None:
    for row in CODES:
        if (
            row.klass == "approved"
            or not row.valid_from <= NOW <= row.valid_to
            or row.region != "world"
        ):
            continue
        advice = row.code if row.kind == "advice" else None
        reading = read("05" if advice else row.code, row.scheme, advice=advice)
        assert reading.klass == row.klass, row
        assert reading.terminal == (row.klass == "hard"), row
        assert (
            not reading.terminal
            or "card" in reading.cure
            or "customer" in reading.cure
            or "Change" in reading.cure
        )


@each("row", [row for row in PROCESSOR_CODES if row.source != "text" and "-" not in row.code])
def test_each_processor_code_is_read_as_its_row_says(row: Any) -> None:
    reading = read(row.code, "generic", row.source)
    if row.klass == "approved":
        assert reading.klass == "soft"
    else:
        assert reading.klass == row.klass
        assert row.kind != "response" or reading.code == row.target


words = (
    st.none()
    | st.text(max_size=6)
    | st.sampled_from([row.code for row in (*CODES, *PROCESSOR_CODES)])
)


@given(
    scheme=st.sampled_from(SCHEMES),
    source=st.none()
    | st.sampled_from(["nmi", "stripe", "adyen", "braintree", "checkout", "text", "x"]),
    code=words,
    text=words,
    advice=words,
    on=st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    region=st.sampled_from(list(REGIONS)),
)
def test_any_decline_can_be_read(**given_: Any) -> None:
    given_["code"] = code_of(given_.pop("source"), given_["code"])
    reading = read_decline(**given_)
    assert reading.klass in CLASSES
    assert reading.reason in REASONS
    assert reading.reason != "approved"
    assert (reading.visa_category is not None) == (given_["scheme"] == "visa")
    assert reading.retry != "yes" or (reading.min_wait_hours or 0) > 0
    assert reading == read_decline(**given_)
    assert Reading(**json.loads(json.dumps(asdict(reading)))) == reading


@each(
    "came",
    [
        "3",
        "03",
        "021",
        "MAC 03",
        "7903",
        "8303",
        "03 : Do not try again",
        "03: stop",
        "3.0",
        " 03 ",
    ],
)
def test_an_advice_is_read_in_each_vendors_form(came: str) -> None:
    meant = "21" if "21" in came else "03"
    assert plain_advice(came) == meant
    reading = read("79", "mastercard", advice=came)
    assert (reading.advice, reading.terminal, reading.unlisted_advice) == (meant, True, None)


@each("came", ["R1", "abc", "1234567", "category 1"])
def test_an_advice_in_no_form_is_named(came: str) -> None:
    assert plain_advice(came) is None
    assert read("51", "mastercard", advice=came).unlisted_advice


@each(
    ("code", "klass", "reason", "network_code"),
    [
        ("81", "sca", "sca_required", "1A"),
        ("A1", "sca", "sca_required", "1A"),
        ("82", "hard", "revoked", "R1"),
        ("83", "hard", "revoked", "R3"),
        ("38", "data", "expired_card", "54"),
        ("51", "funds", "insufficient_funds", "51"),
    ],
)
def test_cartes_bancaires_has_codes_of_its_own(
    code: str, klass: str, reason: str, network_code: str
) -> None:
    """On a card of two brands, whichever the other is;
    by the brand that answered or by the source."""
    for scheme in ("visa", "mastercard", "generic"):
        for source in (
            "cartes_bancaires",
            source_by_brand(None, code, "CB"),
            source_by_brand("x", code, "cartebancaire"),
        ):
            reading = read(code, scheme, source)
            assert (reading.klass, reading.reason, reading.code) == (klass, reason, network_code)
    assert source_by_brand("stripe", "stolen_card", "CB") == "stripe"
    assert source_by_brand(None, code, "VISA") is None


def test_a_raw_answer_of_another_brand_is_no_field_39() -> None:
    assert by_network("82", "visa") == by_network("82", None) == ("82", ())
    assert by_network("82", "cartes_bancaires") == (None, (DeclineCode("cartes_bancaires", "82"),))
    assert by_network(None, "cartes_bancaires") == (None, ())
