"""The link at the foot of a mail with a link to pay: opening it changes nothing, one POST stops
such mails."""

from tests.checkout.page.test_card_page import challenged, post
from tests.door import Caller, Door

STOPPED = "SELECT count(*) AS rows FROM contact_addresses WHERE unsubscribed_at IS NOT NULL"


def stopped(door: Door) -> int:
    return int(door.sql(STOPPED)[0]["rows"])


def test_a_mail_program_unsubscribes_by_one_post(door: Door, shop: Caller) -> None:
    _, path = challenged(shop)
    link = f"{path}/unsubscribe"
    before = stopped(door)
    page = door.call("GET", link)
    assert page.status_code == 200
    assert "<button" in page.text
    assert "@" not in page.text, "whoever holds the link does not learn the address"
    assert stopped(door) == before, "programs that look at links open them"
    for _ in range(2):
        assert post(door, link, **{"List-Unsubscribe": "One-Click"}).status_code == 200
    assert stopped(door) == before + 1
    assert "<button" not in door.call("GET", link).text


def test_the_page_speaks_the_payers_language(door: Door, shop: Caller) -> None:
    _, path = challenged(shop)
    page = door.call("GET", f"{path}/unsubscribe", headers={"accept-language": "de"})
    assert "Diese E-Mails nicht mehr erhalten" in page.text


def test_a_link_that_we_did_not_sign_stops_nothing(door: Door, shop: Caller) -> None:
    _, path = challenged(shop)
    forged = path[:-1] + ("A" if path[-1] != "A" else "B")
    before = stopped(door)
    assert post(door, f"{forged}/unsubscribe").status_code == 404
    assert stopped(door) == before
