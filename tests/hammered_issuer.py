"""The issuer whose cards are hammered, and which charges each send made at it."""

import random
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.issuers_book import Seen

from recoup.networks.magic import Answer
from recoup.processors.gateways.sandbox.book import Past
from recoup.processors.gateways.sandbox.processor import SandboxProcessor

CHARGED: ContextVar["Mark | None"] = ContextVar("CHARGED", default=None)


@dataclass
class Mark:
    """When one send was begun, in nanoseconds of the machine's monotonic clock, and which charges
    it made."""

    seen: Seen
    began: int
    ids: list[UUID] = field(default_factory=list)


class Issuer(SandboxProcessor):
    """The sandbox's issuer with a temper of its own: soft declines mostly, some bans, waits,
    silences and losses."""

    lost: set[UUID] = set()

    async def charge(self, charge: Any) -> Any:
        mark = CHARGED.get()
        if mark is not None:
            mark.ids.append(charge.id)
            mark.seen.begun(str(charge.id), mark.began)
        return await super().charge(charge)

    def _answer(self, charge: Any, past: Past) -> Answer:
        dice = random.Random(charge.id.int)
        roll, mastercard = dice.random(), charge.card.scheme == "mastercard"
        no = Answer(False, {"amex": "116"}.get(charge.card.scheme, "51"))
        if roll < 0.0012 and charge.card.scheme in ("visa", "mastercard"):
            if mastercard:
                return Answer(False, "05", dice.choice(("03", "21")))
            return Answer(False, dice.choice(("04", "41", "14", "R1", "R3")))
        if roll < 0.0022:
            return Answer(True, "00")
        if roll < 0.0052:
            return Answer(no.approved, no.code, fault="silent")
        if roll < 0.0058:
            return Answer(no.approved, no.code, fault="hidden")
        if roll < 0.0062 and charge.id not in self.lost:
            self.lost.add(charge.id)
            return Answer(no.approved, no.code, fault="lost")
        if roll < 0.0082:
            return Answer(no.approved, no.code, fault="duplicate")
        if roll < 0.0092:
            return Answer(no.approved, no.code, fault="late")
        if roll < 0.0132 and mastercard:
            return Answer(False, "51", dice.choice(("24", "25", "26")))
        return no
