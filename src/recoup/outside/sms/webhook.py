"""SMS by a signed call of HTTPS: whoever stands behind it sends them by the provider of their
choice."""

from typing import Final
from urllib.parse import urlsplit

from recoup.kernel.encode import encode
from recoup.kernel.problem import invalid
from recoup.kernel.time import Clocks
from recoup.outside.inbound import HEADER, signed
from recoup.outside.mail.port import Posted
from recoup.outside.sms.port import Sms
from recoup.outside.web.port import Web

SECRET_MIN: Final = 32
_FOR_GOOD: Final = frozenset(
    {400, 410, 413, 422}
)  # this SMS is wrong; all else may be mended, so it waits


class WebhookSms:
    """Implements `port.SmsSender`. Raises: Problem(invalid) naming the setting."""

    def __init__(self, web: Web, clocks: Clocks, url: str, secret: str) -> None:
        if urlsplit(url).scheme != "https":
            message = "The setting sms_url begins with https://."
            raise invalid(message, "sms_url", "SMS hold links to pay: use an address with TLS.")
        if len(secret) < SECRET_MIN:
            message = f"The setting sms_secret has at least {SECRET_MIN} characters."
            raise invalid(message, "sms_secret", "Use the output of openssl rand -hex 32.")
        self._web, self._clocks, self._url, self._key = web, clocks, url, secret.encode()

    async def send_sms(self, sms: Sms, timeout_seconds: float) -> Posted:
        """2xx: taken. The receiver passes on once what comes twice with one id."""
        body = encode(
            {"id": str(sms.id), "to": sms.to, "sender": sms.sender_name, "text": sms.text}
        )
        headers = {
            "content-type": "application/json",
            "idempotency-key": str(sms.id),
            HEADER: signed(self._key, body, self._clocks.wall()),
        }
        answer = await self._web.post(self._url, headers, body, timeout_seconds=timeout_seconds)
        if answer.taken:
            return Posted("sent")
        if answer.error is None and answer.status in _FOR_GOOD:
            return Posted("refused", f"answered {answer.status}")
        return Posted("later", answer.error or f"answered {answer.status}")
