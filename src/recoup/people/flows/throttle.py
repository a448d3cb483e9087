"""Tries, counted before a password is looked at, right or wrong.

A stranger's count by e-mail and network, so that nobody locks out who comes from elsewhere; by
address and network, whatever e-mails they try; and by e-mail from all networks together, which
bounds what many of them can guess. Who signed in on a device before has a count of its own there,
and none of these.
"""

from datetime import timedelta
from typing import Final

from recoup.db.statement import Tx
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.whence import network_of
from recoup.kit.world import World
from recoup.people.store.people import charge_sign_in, forgive_sign_ins

REMEMBERED: Final = timedelta(minutes=15)
TRIES_EMAIL: Final = 8  # from one network
TRIES_EMAIL_ALL: Final = 64  # from all networks
TRIES_ADDRESS: Final = 60
TRIES_NETWORK: Final = 240
TRIES_DEVICE: Final = 20
# Codes are a million only: with the password there are 5 tries in a quarter of an hour, and 20 in a
# day.
TRIES_CODE: Final = 5
CODES_REMEMBERED: Final = timedelta(days=1)
TRIES_CODE_DAY: Final = 20
TRIES_AGAIN: Final = 10  # a password that a signed-in user confirms


def bucket_of(world: World, kind: str, value: str) -> str:
    mac: bytes = world.keys.mac("signin", f"{kind}:{value}".encode("utf-8", "replace"))
    return mac.hex()


async def charge(
    connection: Tx,
    world: World,
    bucket: str,
    tries_max: int,
    message: str,
    remembered: timedelta = REMEMBERED,
) -> int:
    """Answers which try it is. `message` ends with when it goes on. Raises:
    Problem(too_many_requests)."""
    now = world.clocks.wall()
    tries, until = await charge_sign_in(connection, bucket, now, now + remembered, tries_max)
    if tries > tries_max:
        seconds = max(1, int((until - now).total_seconds()))
        raise Problem(
            "too_many_requests",
            Sentence("{0} {1}.", message, in_words(seconds)),
            retry_after_seconds=seconds,
            tries=tries,
        )
    return tries


async def charge_stranger(
    connection: Tx, world: World, email: str, address: str, message: str, page: str = ""
) -> None:
    """A try with this e-mail, by whatever page looks at a password. `page`: one that does not, and
    counts apart: who ran out of tries may still say that they forgot it. Raises:
    Problem(too_many_requests)."""
    network = network_of(address) or address
    for kind, value, tries_max in (
        ("email", _from(email, network), TRIES_EMAIL),
        ("address", address, TRIES_ADDRESS),
        ("network", network, TRIES_NETWORK),
        ("email-all", email, TRIES_EMAIL_ALL),
    ):
        await charge(
            connection,
            world,
            bucket_of(world, f"{page}:{kind}" if page else kind, value),
            tries_max,
            message,
        )


async def forgive_email(connection: Tx, world: World, email: str, address: str) -> None:
    """The user with this e-mail, by itself, signed in from there."""
    network = network_of(address) or address
    await forgive(
        connection,
        bucket_of(world, "email", _from(email, network)),
        bucket_of(world, "email-all", email),
    )


def _from(email: str, network: str) -> str:
    return f"{email}\0{network}"


async def forgive(connection: Tx, *buckets: str) -> None:
    await forgive_sign_ins(connection, sorted(buckets))


def in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
