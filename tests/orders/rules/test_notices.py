"""Mails to payers: who gets them by default, and words that nothing can break out of."""

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kit.languages.catalogues import ENGLISH, languages
from recoup.kit.languages.locale import PLAIN as PLAIN_LOCALE
from recoup.kit.languages.locale import Locale
from recoup.mail.rules.payer_words import NoticeFacts, card_of, words_of
from recoup.orders.rules.lifecycle import FACTS, STEPS
from recoup.orders.rules.notices import NAMES, NOTICES, is_address, notice_of, switched

PLAIN = {
    "shop": "Brightleaf Tea",
    "amount": "45.90 USD",
    "card": "Visa card ending in 4242",
    "statement": "LEAF",
    "order": "SUB-1",
    "day": "3 March 2026",
    "contact": "help@leaf.example",
    "charge_page": "https://pay.example/charge",
    "link": "https://pay.example/checkout/x",
}


def test_what_merchants_say_themselves_is_off_until_it_is_wanted() -> None:
    off = {"receipt": False, "refunded": False, "payment_link": False, "payment_link_early": False}
    off["payment_link_sms"] = False
    assert switched({}) == off | {"charge_coming": True, "challenge": True}
    assert notice_of("collected", {}) is None
    assert notice_of("collected", {"receipt": True}) == "receipt"
    assert notice_of("advanced", {}) == "charge_coming"
    assert notice_of("advanced", {"charge_coming": False}) is None
    assert notice_of("attempt_sent", {"receipt": True}) is None


def test_every_happening_is_one_of_the_log() -> None:
    known = {s.happening for s in STEPS} | {f.happening for f in FACTS.values()} | {"charged"}
    assert {h for notice in NOTICES for h in notice.happenings} <= known


@given(
    st.sampled_from(NAMES),
    st.booleans(),
    st.dictionaries(st.sampled_from(sorted(PLAIN)), st.text(max_size=60)),
)
def test_whatever_a_shop_is_called_a_mail_stays_one(
    name: str, netted: bool, odd: dict[str, str]
) -> None:
    words = words_of(NoticeFacts(notice=name, netted=netted, **(PLAIN | odd)))
    assert "\n" not in words.subject
    assert "\r" not in words.subject + words.text
    clean = words_of(NoticeFacts(notice=name, netted=netted, **PLAIN))
    assert words.html.count("<") == clean.html.count("<")
    assert words.text.count("\n\n") <= clean.text.count("\n\n")


def test_words() -> None:
    words = words_of(NoticeFacts(notice="receipt", **PLAIN))
    assert words.subject == "Your payment of 45.90 USD to Brightleaf Tea"
    assert "Visa card ending in 4242 on 3 March 2026" in words.text
    assert "Your statement will say LEAF." in words.text
    assert "https://pay.example/charge" in words.text
    assert (
        "less for your order"
        in words_of(NoticeFacts(notice="refunded", netted=True, **PLAIN)).subject
    )
    assert PLAIN["link"] in words_of(NoticeFacts(notice="challenge", **PLAIN)).text
    assert PLAIN["link"] not in words.text + words.html


@each("language", [one for one in languages() if one != ENGLISH])
@each("name", NAMES)
def test_nothing_of_a_mail_stays_english(name: str, language: str) -> None:
    to = Locale(language)
    facts = PLAIN | {"card": card_of("visa", "4242", to), "shop": "Nothing was done."}
    for netted in (False, True):
        english = words_of(
            NoticeFacts(notice=name, netted=netted, **(PLAIN | {"shop": "Nothing was done."}))
        )
        words = words_of(NoticeFacts(notice=name, netted=netted, **facts), to)
        assert f'lang="{language}"' in words.html
        assert words.text.count("Nothing was done.") == english.text.count("Nothing was done.") > 0
        for here, there in zip(words.text.split("\n\n"), english.text.split("\n\n"), strict=True):
            assert here != there or here == PLAIN["link"]


def test_a_card_as_a_payer_knows_it() -> None:
    assert card_of("visa", "4242", PLAIN_LOCALE) == "Visa card ending in 4242"
    assert card_of("jcb", "4242", PLAIN_LOCALE) == "payment card ending in 4242"
    assert card_of("", "", PLAIN_LOCALE) == "payment card"
    assert card_of("amex", "0005", Locale("de")) == "American-Express-Karte mit den Endziffern 0005"
    assert card_of("mastercard", "4242", Locale("zh")) == "尾号为 4242 的 Mastercard"


def test_addresses() -> None:
    for good in ("ana@shop.example", "a.b+c@x-y.example", "1@2.ex"):
        assert is_address(good), good
    for bad in (
        "",
        "ana",
        "ana@",
        "@x.example",
        "a b@x.example",
        "a@x.example\nBcc: b@y.example",
        "a@x,b@y",
        "<a@x.example>",
        "a@x..example",
        "ä@x.example",
        "a@" + "x" * 255,
        "a@-x.example",
    ):
        assert not is_address(bad), bad
