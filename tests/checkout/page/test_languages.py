"""The payer's page in the payer's language."""

import re
from pathlib import Path

import pytest
from tests.checkout.page.test_card_page import challenged
from tests.door import Caller, Door

from recoup.checkout import visit as pages
from recoup.kit.languages.catalogues import languages

FOLDER = Path(pages.__file__).with_name("payer")
HEADS = {
    "en": "Your bank asks you to confirm", "de": "Ihre Bank bittet um Bestätigung",
    "es": "Su banco le pide que confirme",
    "fr": "Votre banque vous demande de confirmer", "zh": "您的银行要求您确认",
}  # fmt: skip


def keys() -> set[str]:
    found = {
        key
        for file in FOLDER.glob("*.html")
        for key in re.findall(r'\bt\("([^"]+)"', file.read_text("utf-8"))
    }
    named = {
        "The card",
        *pages.MONTHS,
        "{time} GMT, {day} {month}",
        "under a minute",
        "{number} hours",
    }
    return found | named


@pytest.mark.parametrize("language", languages())
def test_a_customer_reads_the_challenge_in_their_language(
    door: Door, shop: Caller, language: str
) -> None:
    _, path = challenged(shop)
    page = door.call(
        "GET", path, headers={"accept-language": f"{language}-XX,{language};q=0.9,en;q=0.1"}
    )
    assert f'<html lang="{language}">' in page.text
    assert HEADS[language].replace("'", "&#39;") in page.text
    assert page.headers["content-language"] == language
    assert page.headers["vary"] == "accept-language"
    if language != "en":
        for english in keys() - {"TEST"}:
            pattern = re.escape(english.partition("{")[0].strip())
            if len(pattern) > 8:
                assert not re.search(rf">\s*{pattern}", page.text), english


def test_a_language_that_nobody_translated_is_english(door: Door, shop: Caller) -> None:
    _, path = challenged(shop)
    page = door.call("GET", path, headers={"accept-language": "tlh, xx;q=0.5"})
    assert '<html lang="en">' in page.text
    assert HEADS["en"] in page.text


def test_what_is_wrong_is_said_in_the_language_too(door: Door, shop: Caller) -> None:
    _, path = challenged(shop)
    german = {"accept-language": "de"}
    wrong = door.call(
        "POST", f"{path}/answer", data={"number": "4111", "expires": "09/33"}, headers=german
    )
    assert wrong.status_code == 400
    assert "Eine Kartennummer hat 12 bis 19 Ziffern." in wrong.text
    lost = door.call("GET", "/checkout/nothing", headers=german)
    assert lost.status_code == 404
    assert "Zu diesem Link gibt es keine Zahlung." in lost.text
    assert '<html lang="de">' in lost.text


def test_a_shops_name_is_never_markup(door: Door, shop: Caller) -> None:
    said = pages.say("de", "Back to {merchant}", merchant="<script>{0}</script>")
    assert str(said) == "Zurück zu &lt;script&gt;{0}&lt;/script&gt;"
