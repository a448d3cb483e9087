"""The SMS with a link: one SMS where shop and address allow it, on one line, in the payer's
language."""

from hypothesis import given
from hypothesis import strategies as st
from tests.rings import each

from recoup.kit.languages.locale import Locale
from recoup.mail.rules.payer_words import GSM, LONGEST, NoticeFacts, sms_of

LINK = "https://pay.shop.example/checkout/" + "A" * 64


def facts(shop: str) -> NoticeFacts:
    return NoticeFacts(
        "payment_link", shop, "1,299.99 EUR", "", "", "SECRET-ORDER", "", "", "", link=LINK
    )


@each("language", ["en", "de", "es", "fr"])
@each("shop", ["Leaf", "Brasserie de la Forêt Œuvrière", "Żółć i Spółka " * 9])
def test_it_is_one_sms(language: str, shop: str) -> None:
    text = sms_of(facts(shop), Locale(language))
    assert len(text) <= LONGEST, len(text)
    assert GSM.issuperset(text), set(text) - GSM
    assert LINK in text
    assert "SECRET-ORDER" not in text


@given(st.text(max_size=300))
def test_no_shop_breaks_the_link_or_the_line(shop: str) -> None:
    text = sms_of(facts(shop))
    assert text.endswith(f" {LINK}")
    assert text.isprintable()
