"""A link to pay by SMS: where the merchant wants it, inside the one budget, and never by two ways
at once."""

from uuid import UUID

from tests.rescue.flows.test_challenges import ANOTHER, answered
from tests.webhooks.flows.test_mail import arrived, mails, told
from tests.webhooks.flows.test_payment_links import CLOSED, by_day
from tests.worlds import Shop, owner

from recoup.db.server import ServerAddress
from recoup.people.flows.notices import switch
from recoup.rescue.flows.challenge import show
from recoup.rescue.flows.taken import Person
from recoup.webhooks.flows.contacts import unsubscribe

PHONE = "+49 170 5550102"


async def texts(shop: Shop, *, on: bool = True) -> None:
    await switch(shop.world, shop.scope, {"payment_link": True, "payment_link_sms": on})


async def open_order(shop: Shop, email: str = "", phone: str = PHONE) -> UUID:
    person = Person(
        first_name="Ana", last_name="Roe", email=email, phone=phone, billing={"countryCode": "DE"}
    )
    order_id = await shop.admit(code=CLOSED, payer=person)
    await shop.run_due()
    return order_id


async def ways(shop: Shop) -> list[tuple[str, str, str]]:
    return [(mail["channel"], mail["state"], mail["why"]) for mail in await mails(shop)]


def test_whoever_left_no_address_gets_an_sms_and_pays_by_it(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop)
        order_id = await open_order(shop)
        await by_day(shop)
        assert await ways(shop) == [("sms", "sent", "")]
        [got] = (await arrived(shop)).values()
        assert (got["recipient"], got["subject"]) == ("+491705550102", "")
        assert "http://recoup.test/checkout/" in got["text"]
        assert "Ana" not in got["text"]
        assert (
            await answered(shop, await show(shop.world, *shop.key(order_id)), **ANOTHER)
        ).state == "passed"
        assert (await shop.order(order_id))["stage"] == "completed"

    told(server, work)


def test_without_the_switch_there_is_no_sms(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop, on=False)
        await open_order(shop)
        await by_day(shop)
        assert await ways(shop) == [("mail", "no_address", "")]

    told(server, work)


def test_an_address_comes_first_and_a_number_without_its_country_is_none(
    server: ServerAddress,
) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop)
        await open_order(shop, "ana@payer.example")
        await open_order(shop, phone="0170 5550102")
        await open_order(shop, phone="+49 170 5000000")
        await by_day(shop)
        assert await ways(shop) == [
            ("mail", "sent", ""),
            ("mail", "no_address", ""),
            ("sms", "refused", "answered 422"),
        ]

    told(server, work)


def test_mails_and_sms_share_one_budget(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop)
        for email in ("ana@payer.example", "", "ana@payer.example", "", "ana@payer.example"):
            await open_order(shop, email)
            await by_day(shop)
        assert await ways(shop) == [
            ("mail", "sent", ""),
            ("sms", "sent", ""),
            ("mail", "sent", ""),
            ("sms", "sent", ""),
            ("mail", "withheld", "payer_budget"),
        ]

    told(server, work)


def test_who_unsubscribes_gets_neither(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop)
        order_id = await open_order(shop, "ana@payer.example")
        await by_day(shop)
        assert (await unsubscribe(shop.world, *shop.key(order_id))).unsubscribed
        await open_order(shop)
        await open_order(shop, "ana@payer.example", "+49 171 1111111")
        await by_day(shop)
        assert [way[1:] for way in await ways(shop)] == [("sent", "")] + [
            ("withheld", "unsubscribed")
        ] * 2

    told(server, work)


def test_what_is_sent_again_goes_the_same_way_under_one_id(server: ServerAddress) -> None:
    async def work(shop: Shop) -> None:
        await texts(shop)
        order_id = await open_order(shop, "later@payer.example")
        await by_day(shop)
        assert [way[:2] for way in await ways(shop)] == [("mail", "owed")]
        async with owner(shop.world) as connection:
            await connection.execute(
                "UPDATE order_payer SET email = '' WHERE order_id = $1", order_id
            )
            await connection.execute("UPDATE due_work SET due_at = now() WHERE kind = 'mail'")
        await shop.run_due()
        assert await ways(shop) == [("mail", "no_address", "")]
        assert await shop.value("SELECT count(*) FROM contacts") == 1

    told(server, work)
