"""What becomes of a declined payment at the door, by network, code, advice and region: with and
without its customer, of one merchant and of another. Played over one world, all rows at once, each
on a card of its own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from tests.door import GONE, Caller, Door

from recoup.cards.flows.sandbox_issuer import sandbox_issuer
from recoup.networks.magic import payer_card
from recoup.processors.gateways.sandbox.book import Timetable

COUNTRIES: Final = {"us": "US", "eea_uk": "DE"}
NO, OTHER = 4_590, 10_077  # what the row's card declines at the issuer, and approves
CIT: Final[dict[str, Any]] = {
    "isMIT": False,
    "isRecurring": GONE,
    "expiryDateUtc": GONE,
    "subscription": GONE,
    "customerIp": "203.0.113.24",
}
BRANDS: Final = {"visa": "VISA", "mastercard": "MASTERCARD", "amex": "AMEX"}
_SENT: Final = (
    "SELECT order_id FROM attempts WHERE order_id = ANY($1) AND sent_at IS NOT NULL "
    "AND state <> 'not_sent'"
)
_LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


class Said(NamedTuple):
    """A network's code, and its advice where it gives one."""

    network: str
    code: str
    advice: str = ""

    @property
    def text(self) -> str:
        return f"{self.code}/{self.advice}" if self.advice else self.code


class Came(NamedTuple):
    """Of one region: whether a payment without its customer was sent again within 20 days, and the
    status that one with its customer got at once."""

    mit: bool
    cit: str


class After(NamedTuple):
    """What was sent after the processor's own answer: the merchant's next payment of the card, the
    customer's of the same and of another amount; another merchant's, and its customer's."""

    own: bool
    same: bool
    another: bool
    theirs: bool
    their_customer: bool


@dataclass
class Played:
    came: dict[tuple[Said, str], Came] = field(default_factory=dict)
    after: dict[Said, After] = field(default_factory=dict)


def play(door: Door, rows: list[Said]) -> Played:
    found = Played()
    for region, country in COUNTRIES.items():
        shop = _shop(door, country)
        numbers = {
            said: _card(said, len(COUNTRIES) * at + (region == "us"))
            for at, said in enumerate(rows)
        }
        _keep(door, [(numbers[said], units, "00") for said in rows for units in (NO, OTHER)])
        mits = {
            said: _order(shop, said, numbers[said], units=NO, code=said.code, advice=said.advice)
            for said in rows
        }
        shop.advance(days=20)
        sent = _sent(door, [id for id, _ in mits.values()])
        for at, said in enumerate(rows):
            own = _card(said, 1_000 + len(COUNTRIES) * at + (region == "us"))
            _keep(door, [(own, NO, "00")])
            status = _order(
                shop, said, own, units=NO, code=said.code, advice=said.advice, cit=True
            )[1]
            found.came[said, region] = Came(mits[said][0] in sent, status)
    _scopes(door, rows, found)
    return found


def _scopes(door: Door, rows: list[Said], found: Played) -> None:
    shop, other = _shop(door, "US"), _shop(door, "US")
    cards = {said: _card(said, 2_000 + at) for at, said in enumerate(rows)}
    _keep(
        door,
        [(cards[said], NO, said.text) for said in rows]
        + [(cards[said], OTHER, "00") for said in rows],
    )
    first = {said: _order(shop, said, cards[said], units=NO)[0] for said in rows}
    shop.advance(days=9)
    other.advance(days=9)
    sent = _sent(door, first.values())
    assert not {said for said in rows if first[said] not in sent}, "the issuer has answered each"
    for order_id in first.values():  # else the card rests for the others after each of its tries
        shop.post(f"/orders/{order_id}/cancel")
    own = {said: _order(shop, said, cards[said], units=OTHER)[0] for said in rows}
    theirs = {said: _order(other, said, cards[said], units=OTHER)[0] for said in rows}
    for one in (shop, other):
        one.advance(days=12)  # before their customers pay again
    sent = _sent(door, [*own.values(), *theirs.values()])
    same = {said: _order(shop, said, cards[said], units=NO, cit=True)[0] for said in rows}
    another = {said: _order(shop, said, cards[said], units=OTHER, cit=True)[0] for said in rows}
    their_customer = {
        said: _order(other, said, cards[said], units=OTHER, cit=True)[0] for said in rows
    }
    sent |= _sent(door, [id for one in (same, another, their_customer) for id in one.values()])
    orders = (own, same, another, theirs, their_customer)
    for said in rows:
        found.after[said] = After(*(one[said] in sent for one in orders))


def _shop(door: Door, country: str) -> Caller:
    shop = door.shop()
    assert shop.call("PUT", "/country", json={"country": country}).status_code == 200
    return shop


def _card(said: Said, serial: int) -> str:
    return payer_card(said.network, 7, serial)


def _keep(door: Door, rows: list[tuple[str, int, str]]) -> None:
    tables = [Timetable(pan, units, [_LONG_AGO], [answer]) for pan, units, answer in rows]
    door.run(sandbox_issuer(door.world).keep_timetables(tables))


def _order(
    shop: Caller,
    said: Said,
    number: str,
    *,
    units: int,
    code: str = "",
    advice: str = "",
    cit: bool = False,
) -> tuple[UUID, str]:
    """Without a code it is a decline that says nothing: do not honour."""
    generic = "100" if said.network == "amex" else "05"
    changes: dict[str, Any] = {
        "paymentMethod__cardNumber": number,
        "paymentMethod__cardBrand": BRANDS[said.network],
        "transaction__amount": units,
        "transaction__responseCode": code or generic,
        "transaction__responseCodeSource": said.network,
        "transaction__responseDescription": "",
        "threeDSecure": GONE,
    }
    if advice:
        changes["transaction__adviceCode"] = advice
    answer = shop.evaluate(**changes | (CIT if cit else {}))
    assert answer.status_code == 200, (said, answer.text)
    return UUID(answer.json()["orderId"]), str(answer.json()["status"])


def _sent(door: Door, orders: Any) -> set[UUID]:
    return {row[0] for row in door.sql(_SENT, list(orders))}
