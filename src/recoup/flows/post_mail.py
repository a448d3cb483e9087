"""One mail is handed to the mail server, within its time: whatever goes wrong counts as a try."""

import asyncio
from collections.abc import Callable

import structlog

from recoup.flows.world import World
from recoup.gateways.web.mail.port import Message, Posted

log = structlog.get_logger()


async def post_mail(world: World, compose: Callable[[], Message], seconds: float, what: str, **which: str) -> Posted:
    """`what` and `which` name the mail in the operator's log."""
    mail = world.mail
    if mail is None:
        return Posted("later", "no mail server is set up")
    try:
        message = compose()
        async with asyncio.timeout(seconds + 1):
            return await mail.send(message, seconds)
    except TimeoutError:
        return Posted("later", "no answer in time")
    except Exception as error:  # noqa: BLE001 - it counts as a try: backed off, shown, and at last given up
        log.warning(f"{what} not sent", **which, error=type(error).__name__)
        return Posted("later", type(error).__name__)
