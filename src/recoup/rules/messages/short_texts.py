"""The SMS with a link to pay: 160 characters of GSM's alphabet where shop and address allow it, and nothing of the
order but its amount. Source: 3GPP TS 23.038."""

import unicodedata
from typing import Final

from recoup.rules.languages.locale import PLAIN, Locale
from recoup.rules.messages.notices import NoticeFacts

GSM: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\n"
)
_LETTERS: Final = {"ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "œ": "oe", "Œ": "OE", "’": "'", "–": "-"}
LONGEST: Final = 160
SHOP_MIN: Final = 12  # characters by which a payer still knows the shop


def sms_of(facts: NoticeFacts, to: Locale = PLAIN) -> str:
    """The shop's name gives way first. The page of the link is also where the payer unsubscribes."""
    shop = _plain(facts.shop)
    text = _text(shop, facts, to)
    if len(text) > LONGEST:
        text = _text(shop[: max(SHOP_MIN, len(shop) - (len(text) - LONGEST))].rstrip(), facts, to)
    return text


def is_short(text: str) -> bool:
    """Whether it is one SMS."""
    return len(text) <= LONGEST and GSM.issuperset(text)


def _text(shop: str, facts: NoticeFacts, to: Locale) -> str:
    return to.say(
        "{shop}: payment of {amount} failed. Pay or opt out: {link}", shop=shop, amount=facts.amount, link=facts.link
    )


def _plain(name: str) -> str:
    """On one line; letters that GSM lacks without their accents."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return "".join(c if c in GSM else _bare(c) for c in line)


def _bare(letter: str) -> str:
    if letter in _LETTERS:
        return _LETTERS[letter]
    first = unicodedata.normalize("NFKD", letter)[0]
    return first if first in GSM else letter
