"""Words of the mail and SMS to payers. Nothing of a card but its last four digits."""

import unicodedata
from html import escape
from typing import Final

from recoup.kernel.frozen import frozen
from recoup.kit.languages.locale import PLAIN, Locale


@frozen
class NoticeFacts:
    """Texts as they are shown, `card` and `day` in the payer's language. `amount` with its
    currency; `stop`: where the payer unsubscribes, empty for what they cannot; `netted`: the charge
    is made smaller instead."""

    notice: str
    shop: str
    amount: str
    card: str
    statement: str
    order: str
    day: str
    contact: str
    charge_page: str
    link: str = ""
    stop: str = ""
    netted: bool = False


@frozen
class Words:
    subject: str
    text: str
    html: str


def card_of(scheme: str, last4: str, to: Locale) -> str:
    """The card as a payer knows it: `Visa card ending in 4242`."""
    card = to.say(_CARDS.get(scheme, "payment card") if last4 else "payment card")
    return to.say("{card} ending in {last}", card=card, last=last4) if last4 else card


def words_of(facts: NoticeFacts, to: Locale = PLAIN) -> Words:
    """Plain and HTML with the same words; everything is escaped, and a subject is one line."""
    subject, lines, link = _SAYS[facts.notice](facts, to)
    lines = [*lines, to.say("Questions about the order: {contact}.", contact=facts.contact)]
    unknown = to.say("Don't recognise this charge?")
    stop = to.say("Unsubscribe from such e-mails of {shop}", shop=facts.shop) if facts.stop else ""
    plain = [
        *lines[:1],
        *([facts.link] if link else []),
        *lines[1:],
        f"{unknown} {facts.charge_page}",
    ]
    plain += [f"{stop}: {facts.stop}"] if stop else []
    parts = [f"<p>{escape(line)}</p>" for line in lines]
    if link:
        parts.insert(1, f'<p><a href="{escape(facts.link)}">{escape(link)}</a></p>')
    parts.append(f'<p><a href="{escape(facts.charge_page)}">{escape(unknown)}</a></p>')
    if stop:
        parts.append(f'<p><a href="{escape(facts.stop)}">{escape(stop)}</a></p>')
    html = f'<!doctype html><html lang="{to.lang}"><body>{"".join(parts)}</body></html>'
    return Words(_one_line(subject), "\n\n".join(_one_line(line) for line in plain) + "\n", html)


Answered = tuple[str, list[str], str]  # subject, paragraphs, the words of the link or none


def _statement(f: NoticeFacts, to: Locale) -> str:
    return to.say("Your statement will say {statement}.", statement=f.statement)


def _receipt(f: NoticeFacts, to: Locale) -> Answered:
    charged = to.say(
        "{amount} were charged to your {card} on {day} for your order {order} at {shop}.",
        amount=f.amount,
        card=f.card,
        day=f.day,
        order=f.order,
        shop=f.shop,
    )
    subject = to.say("Your payment of {amount} to {shop}", amount=f.amount, shop=f.shop)
    return subject, [charged, _statement(f, to)], ""


def _refunded(f: NoticeFacts, to: Locale) -> Answered:
    whose = {"amount": f.amount, "card": f.card, "order": f.order, "shop": f.shop}
    if f.netted:
        less = (
            "{amount} are deducted from what your {card} will be charged for your order "
            "{order} at {shop}."
        )
        return (
            to.say("{amount} less for your order at {shop}", **whose),
            [to.say(less, **whose)],
            "",
        )
    back = (
        "{amount} for your order {order} at {shop} are refunded to your {card}. Banks show it "
        "after some days."
    )
    return (
        to.say("{shop} refunds {amount}", **whose),
        [to.say(back, **whose), _statement(f, to)],
        "",
    )


def _charge_coming(f: NoticeFacts, to: Locale) -> Answered:
    coming = to.say(
        "Your order {order} at {shop} is confirmed. Your {card} will be charged {amount} in the "
        "next days.",
        order=f.order,
        shop=f.shop,
        card=f.card,
        amount=f.amount,
    )
    subject = to.say("Your order at {shop}: the charge follows later", shop=f.shop)
    return subject, [coming, _statement(f, to)], ""


_PLANNED: Final = (
    "There you also see whether a charge is planned without you, and can say that "
    "you do not want to pay."
)


def _challenge(f: NoticeFacts, to: Locale) -> Answered:
    refused = "Your bank declined {amount} for your order {order} at {shop}. Only you can fix this:"
    return (
        to.say("{shop}: action needed for your payment", shop=f.shop),
        [
            to.say(refused, amount=f.amount, order=f.order, shop=f.shop),
            to.say(_PLANNED),
        ],
        to.say("Continue the payment"),
    )


def _payment_link(f: NoticeFacts, to: Locale) -> Answered:
    failed = (
        "Your payment of {amount} for your order {order} at {shop} did not go through. You "
        "can pay it here:"
    )
    return (
        to.say("{shop}: your payment did not go through", shop=f.shop),
        [to.say(failed, amount=f.amount, order=f.order, shop=f.shop), to.say(_PLANNED)],
        to.say("Pay now"),
    )


_CARDS: Final = {"visa": "Visa card", "mastercard": "Mastercard", "amex": "American Express card"}
_SAYS: Final = {
    "receipt": _receipt, "refunded": _refunded, "charge_coming": _charge_coming,
    "challenge": _challenge,
    **dict.fromkeys(("payment_link", "payment_link_early", "payment_link_sms"), _payment_link),
}  # fmt: skip


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


# An SMS with a link to pay is one, where shop and address allow it. Source: 3GPP TS 23.038.
GSM: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ "
    "!\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\n"
)
_LETTERS: Final = {
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ı": "i",
    "œ": "oe",
    "Œ": "OE",
    "’": "'",
    "–": "-",
}
LONGEST: Final = 160
SHOP_MIN: Final = 12  # characters by which a payer still knows the shop


def sms_of(facts: NoticeFacts, to: Locale = PLAIN) -> str:
    """The shop's name gives way first. The page of the link is also where the payer
    unsubscribes."""
    shop = _plain(facts.shop)
    text = _text(shop, facts, to)
    if len(text) > LONGEST:
        text = _text(shop[: max(SHOP_MIN, len(shop) - (len(text) - LONGEST))].rstrip(), facts, to)
    return text


def _text(shop: str, facts: NoticeFacts, to: Locale) -> str:
    return to.say(
        "{shop}: payment of {amount} failed. Pay or opt out: {link}",
        shop=shop,
        amount=facts.amount,
        link=facts.link,
    ).replace("\N{NARROW NO-BREAK SPACE}", " ")  # which GSM lacks


def _plain(name: str) -> str:
    """The name on one line; letters that GSM lacks without their accents."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return "".join(c if c in GSM else _bare(c) for c in line)


def _bare(letter: str) -> str:
    if letter in _LETTERS:
        return _LETTERS[letter]
    first = unicodedata.normalize("NFKD", letter)[0]
    return first if first in GSM else letter
