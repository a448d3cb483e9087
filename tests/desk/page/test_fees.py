"""/fees: what holds, what will, what did, as `recoup terms` set it."""

from datetime import timedelta

from tests.staff import As, portal, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress
from recoup.disputes.flows.terms import DisputeTermsRequest, change_terms
from recoup.settlement.flows.fee_terms import FeeTermRequest, set_fee_term
from recoup.terms.rules.fees import FULL, Tariff


def test_what_is_agreed_is_shown_as_it_counts(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        analyst = await signed_in("clerk")
        now = shop.world.clocks.wall()
        usd = Tariff(250, 30, 50, FULL)
        await set_fee_term(
            shop.world,
            shop.scope,
            FeeTermRequest(usd, currency="USD", note="<b>the new contract</b>"),
        )
        later = FeeTermRequest(
            Tariff(100), order_type="STABLE", valid_from=now + timedelta(days=400)
        )
        await set_fee_term(shop.world, shop.scope, later)
        await change_terms(
            shop.world,
            shop.scope,
            DisputeTermsRequest("USD", "merchant", 1500, "merchant", None, None),
        )
        answer = await analyst.get("/fees")
        page = texts(answer)
        assert (
            "2.50 % 0.30 0.50 2.80 the whole fee is given back once the whole order is refunded"
            in page
        )
        assert (
            page.index("Service fees of approved orders")
            < page.index("USD 2.50 %")
            < page.index("Future fees")
        )
        assert page.index("Future fees") < page.index("Stablecoin payments")
        assert "&lt;b&gt;the new contract" in answer.text
        assert "USD the operator bears it you bear it 15.00 USD" in page
        ended = FeeTermRequest(Tariff(), currency="USD", ended=True)
        await set_fee_term(shop.world, shop.scope, ended)
        page = texts(await analyst.get("/fees"))
        assert page.index("Past fees") < page.index("USD 2.50 %")

    portal(server, story)


def test_a_shop_without_terms_is_told_so(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        page = texts(await (await signed_in("owner")).get("/fees"))
        assert "No fee is charged: none was agreed." in page
        assert "all the operator bears it the operator bears it nothing" in page

    portal(server, story)
