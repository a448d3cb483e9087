"""What somebody who signed up reads: only of what they can do themselves."""

from tests.partners.page.test_partner import ME, Office, office

from recoup.db.server import ServerAddress


def test_who_signed_up_is_not_told_of_the_operators_commands(server: ServerAddress) -> None:
    async def story(at: Office) -> None:
        client = at.browser("198.51.100.77")
        assert (await client.post("/signup", data=ME)).status_code == 200
        orders = (await client.get("/orders")).text
        assert "recoup bootstrap" not in orders
        assert '<a href="/keys">Keys</a>' in orders
        onboarding = (await client.get("/onboarding")).text
        assert "recoup clock" not in onboarding
        assert "recoup terms" not in onboarding
        assert "on Developers" in onboarding
        assert "/v1/onboarding" in (await client.get("/partner/keys")).text

    office(server, story)
