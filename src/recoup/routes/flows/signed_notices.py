"""A notice in our own form: signed with a key that its route and this installation share, and read
strictly."""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

from msgspec import Struct

from recoup.cards.flows.no_cards import PROCESSOR, refuse_cards
from recoup.kernel.encode import to_plain
from recoup.kernel.feature import Place
from recoup.kernel.problem import Problem, Sentence
from recoup.kit.world import World
from recoup.outside.inbound import SignedKind, is_signed

T = TypeVar("T", bound=Struct)


class RouteNotice(NamedTuple):
    """A feature's notice at POST /inbound/{route}/`path`. `take` answers the notice's id by route,
    body and signature; on the wire it is called `id_name`."""

    path: str
    id_name: str
    take: Callable[[World, str, bytes, str], Awaitable[str]]


ROUTE_NOTICE: Final = Place[RouteNotice]("route_notice")


def signing_key(world: World, kind: SignedKind[T], route: str) -> bytes:
    """The key of that route for that kind of notice, 32 bytes. Each kind has its own: a sender of
    signals cannot sign a dispute."""
    key: bytes = world.keys.mac(kind.purpose, route.encode())
    return key


async def read_signed(
    world: World, kind: SignedKind[T], route: str, body: bytes, signature: str
) -> T:
    """The notice. Nothing of it is read before its signature holds, and nothing with a card number
    is taken.

    Raises: Problem too_large, unauthenticated, malformed, invalid.
    """
    if len(body) > kind.bytes_max:
        message = Sentence("A notice has at most {0} bytes.", kind.bytes_max)
        raise Problem("too_large", message, cure="Send one notice a call.")
    if not is_signed(signing_key(world, kind, route), signature, body, world.clocks.wall()):
        raise Problem(
            "unauthenticated", "The notice carries no valid signature.", cure=kind.sign_with
        )
    notice = kind.read(body)
    await refuse_cards(world, to_plain(notice), caller=PROCESSOR)
    return notice
