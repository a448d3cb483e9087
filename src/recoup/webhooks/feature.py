"""Webhooks: what they add to places below them."""

from typing import Final

from recoup.kernel.feature import Feature
from recoup.switches.flows.try_connection import HOPS
from recoup.webhooks.flows.send_sample import try_webhooks

WEBHOOKS: Final = Feature(name="webhooks", adds=(HOPS(try_webhooks),))
