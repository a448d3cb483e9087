"""Posting of an SMS to whoever sends them, within its time: whatever goes wrong counts as an
attempt."""

import asyncio

import structlog

from recoup.kit.world import World
from recoup.outside.mail.port import Posted
from recoup.outside.sms.port import Sms

log = structlog.get_logger()


async def post_sms(world: World, sms: Sms, seconds: float) -> Posted:
    if world.sms is None:
        return Posted("later", "no sender of SMS is set up")
    try:
        async with asyncio.timeout(seconds + 1):
            return await world.sms.send_sms(sms, seconds)
    except TimeoutError:
        return Posted("later", "no answer in time")
    except Exception as error:  # noqa: BLE001
        # it counts as a try: backed off, shown, and at last given up
        log.warning("SMS not sent", mail=str(sms.id), error=type(error).__name__)
        return Posted("later", type(error).__name__)
