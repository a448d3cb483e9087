"""What every page of the portal has at hand; what some need is made when the first of them asks for it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from recoup.core.kit.services import Services
from recoup.doors.portal.at_once import AtOnce
from recoup.flows.merchant_cache import Merchants
from recoup.flows.world import World

if TYPE_CHECKING:
    from recoup.flows.cards.uploads.row import Reader
    from recoup.flows.people.sessions import Session

    Attend = Callable[["Portal", Session], Awaitable[Session]]


class Portal(Services):
    """Of one running portal. `shared`: services that other doors of this process use too. `readers`: of files, by
    kind. `attend`: counts what needs the person who is signed in."""

    def __init__(self, world: World, *shared: object, readers: Mapping[str, "Reader"], attend: "Attend") -> None:
        super().__init__(world, *shared)
        self.world, self.merchants, self.readers, self.attend = world, self.get(Merchants), readers, attend
        self.at_once = AtOnce()  # pages of one person
        self.pages: list[BaseRoute] = []  # all of them, filled in when they are made
