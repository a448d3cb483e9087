"""The page of a link on a phone whose keypad has digits alone: no form of the date on a card is
refused."""

from uuid import UUID

import pytest
from tests.checkout.page.test_card_page import ANOTHER, challenged, post
from tests.door import Caller, Door
from tests.rings import each

from recoup.kit.languages.catalogues import languages


@each("expires", ["0931", "092031", "09 31", "09-31", "09.31"])
def test_every_form_of_the_date_pays(door: Door, shop: Caller, expires: str) -> None:
    order_id, path = challenged(shop)
    assert post(door, f"{path}/answer", **ANOTHER | {"expires": expires}).status_code == 303
    assert shop.order(order_id)["statusName"] == "COMPLETED"
    card = (
        "SELECT exp_month, exp_year FROM vault JOIN orders USING (merchant_id, token_id) WHERE "
        "order_id = $1"
    )
    assert [tuple(row) for row in door.sql(card, UUID(order_id))] == [(9, 2031)]


@pytest.mark.parametrize("language", languages())
def test_the_field_asks_for_what_the_keypad_has_in_every_language(
    door: Door, shop: Caller, language: str
) -> None:
    spoken = {"accept-language": language}
    _, path = challenged(shop)
    page = door.call("GET", path, headers=spoken).text
    assert 'id="expires" name="expires" inputmode="numeric" autocomplete="cc-exp"' in page
    wrong = door.call("POST", f"{path}/answer", data=ANOTHER | {"expires": "131"}, headers=spoken)
    assert wrong.status_code == 400
    told = wrong.text.partition('id="Expires-e"')[2].partition("</p>")[0]
    assert "0931" in told, "what to type is said with digits alone"
    right = door.call("POST", f"{path}/answer", data=ANOTHER | {"expires": "0931"}, headers=spoken)
    assert right.status_code == 303
