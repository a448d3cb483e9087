"""Webhooks: what they add to places below them."""

from typing import Final

from recoup.core.kit.feature import Feature
from recoup.flows.messages.send_sample import try_webhooks
from recoup.flows.try_connection import HOPS

WEBHOOKS: Final = Feature(name="webhooks", adds=(HOPS(try_webhooks),))
