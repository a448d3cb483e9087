"""What the portal says of an attempt that was sent by a network token."""

from typing import Final

from recoup.doors.portal.feature_parts import InPlaceWords, PortalPart
from recoup.doors.portal.order.timeline_entry import plain

PORTAL: Final = PortalPart(
    in_place=InPlaceWords(
        "network_tokens/attempt.html",
        plain("{attempt} sent", "On route {route}, by the card’s network token.", "right", "run", "attempts"),
    )
)
