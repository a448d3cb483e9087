"""Posting of a mail to the mail server, within its time: whatever goes wrong counts as an
attempt."""

import asyncio
from collections.abc import Callable

import structlog

from recoup.kit.world import World
from recoup.mail.store.mails import failing_payers_mails
from recoup.mail.store.owed_mails import failing_peoples_mails
from recoup.outside.mail.port import Message, Posted

log = structlog.get_logger()


async def post_mail(
    world: World, compose: Callable[[], Message], seconds: float, what: str, **which: str
) -> Posted:
    """Posts a mail. `what` and `which` name the mail in the operator's log, where each one that did
    not leave has a line."""
    posted = await _post(world, compose, seconds)
    if posted.state != "sent":
        log.warning(f"{what} not sent", **which, why=posted.why)
    return posted


async def _post(world: World, compose: Callable[[], Message], seconds: float) -> Posted:
    mail = world.mail
    if mail is None:
        return Posted("later", "no mail server is set up")
    try:
        message = compose()
        async with asyncio.timeout(seconds + 1):
            return await mail.send(message, seconds)
    except TimeoutError:
        return Posted("later", "no answer in time")
    except Exception as error:  # noqa: BLE001
        # it counts as a try: backed off, shown, and at last given up
        return Posted("later", type(error).__name__)


async def failing_mails(world: World) -> tuple[int, str]:
    """The number of mails that four attempts, some minutes, could not send, and why one of them."""
    failing = [await failing_payers_mails(world.db.reader, world.clocks.wall())]
    if world.people_database:
        failing.append(await failing_peoples_mails(world.people_database.reader, world.name))
    return sum(failure.number for failure in failing), next(
        (failure.why for failure in failing if failure.why), ""
    )
