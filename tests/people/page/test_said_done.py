"""What a page says was done was done by a form of this session: nobody's link says so."""

from tests.settlement.page.test_settlements import entered
from tests.staff import As, portal, post, texts
from tests.worlds import Shop

from recoup.db.server import ServerAddress

PAGES = {
    "/approvals": ("payout", "The payout is approved"), "/account/time": ("saved", "Saved."),
    "/account/notifications": ("saved", "Saved."), "/account/password": ("changed", "was changed"),
}  # fmt: skip


def test_a_link_of_somebody_else_tells_of_no_approval(server: ServerAddress) -> None:
    """/approvals?done=payout said "The payout is approved and is being sent." of a payout that
    nobody had approved."""

    async def story(shop: Shop, signed_in: As) -> None:
        operator = await signed_in("olga")
        for path, (code, words) in PAGES.items():
            for link in (
                f"done={code}",
                f"done={code}.",
                f"done={code}.{'0' * 16}",
                f"{code}=1",
                "done=.",
                "done=é.é",
            ):
                assert words not in texts(await operator.get(f"{path}?{link}")), link

    portal(server, story)


def test_who_approved_reads_it_and_nobody_else_by_the_same_link(server: ServerAddress) -> None:
    async def story(shop: Shop, signed_in: As) -> None:
        olga, otto = await signed_in("olga"), await signed_in("otto")
        account = await entered(await signed_in("owner"))
        answer = await post(
            olga, "/approvals", f"/approvals/accounts/{account}", decision="approve"
        )
        link = answer.headers["location"]
        assert "The bank account is approved." in texts(await olga.get(link))
        assert "The bank account is approved." in texts(await olga.get(link + "&currency=USD"))
        assert "is approved" not in texts(await otto.get(link))
        assert "is refused" not in texts(await olga.get(link.replace("account", "account_refused")))

    portal(server, story)
